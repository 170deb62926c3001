import type { RunRecord, RunState } from '../../pipeline/run-record.ts'
import type { Json } from '../../pipeline/source.ts'
import type { Compression } from '../config/types.ts'
import type { DumpSummary } from '../dump/dump.ts'
import type { LeftOutView } from '../zip/manifest.ts'
import type { Warning } from './results.ts'

/** What a run was begun with. It is gone on with only where that still holds. */
export interface RunStart {
  readonly runId: string
  /** Of the archive. */
  readonly name: string
  /** ms since 1970. */
  readonly startedAt: number
  /** Absent in runs of earlier versions. */
  readonly trigger?: 'manual' | 'scheduled'
  readonly root: string
  readonly compression: Compression
  /** Name of the database; null: files only. */
  readonly database: string | null
  /** Names of the destinations. */
  readonly destinations: readonly string[]
}

/** A dump that lies whole in the run's folder. */
export interface DumpFact {
  /** ms since 1970. */
  readonly mtimeMs: number
  readonly summary: Pick<DumpSummary, 'tables' | 'bytes' | 'client'> & {
    /** Views that the server cannot show and no dump can have; absent when there are none. */
    readonly leftOut?: readonly LeftOutView[]
  }
  /** The database's defaults; null: not known. Absent in runs of earlier versions. */
  readonly charset?: string | null
  readonly collation?: string | null
  readonly warnings: readonly Warning[]
}

/** A plan that lies whole in the run's folder. */
export interface PlanFact {
  /** CRC-32 of its file. */
  readonly crc: number
  readonly files: number
  readonly bytes: number
  /** Files whose names in the archive are escaped further. Absent in runs of earlier versions. */
  readonly keptApart?: number
}

/** The manifest's first line, as it stands in the archive. */
export interface ManifestFact {
  readonly head: string
  readonly mtimeMs: number
}

interface Facts {
  readonly start: RunStart
  readonly dump: DumpFact
  readonly plan: PlanFact
  readonly manifest: ManifestFact
}

/** A fact of the run's journal; null when it is not there yet. */
export function factOf<K extends keyof Facts>({ state }: { readonly state: RunState }, name: K): Facts[K] | null {
  return (state.facts.get(name) as Facts[K] | undefined) ?? null
}

export function noteFact<K extends keyof Facts>(record: RunRecord, name: K, value: Facts[K]): void {
  record.fact(name, value as unknown as Json)
}
