import { NewerFormatError, versionOf, withVersion, type Format } from '../../pipeline/files/format-version.ts'
import type { RunRecord, RunState } from '../../pipeline/journal/run-record.ts'
import type { Json } from '../../pipeline/contract/source.ts'
import { damagedStateFile } from '../../pipeline/files/state-file.ts'
import type { Compression } from '../config/types.ts'
import type { DumpSummary } from '../dump/dump.ts'
import type { LeftOutView } from '../zip/manifest.ts'
import type { Warning } from '../contract/results.ts'

/** What a run was begun with. It is resumed only where that still holds. */
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

/** Of all facts; it is written into the first of them, `start`. */
export const FACTS_FORMAT: Format = { name: 'what is recorded of a backup in its journal', version: 1 }

type Fields = { readonly [key: string]: unknown }

/** What each fact has to have; what it may have besides is as optional as its type says. */
const CHECKS: { readonly [K in keyof Facts]: (fact: Fields) => boolean } = {
  start: ({ runId, name, startedAt, root, compression, database, destinations }) =>
    [runId, name, root, compression].every(isText) &&
    isNumber(startedAt) &&
    (database === null || isText(database)) &&
    Array.isArray(destinations) &&
    destinations.every(isText),
  dump: ({ mtimeMs, summary, warnings }) => {
    const { tables, bytes, client, leftOut = [] } = fieldsOf(summary)
    return [mtimeMs, tables, bytes].every(isNumber) && isText(client) && [warnings, leftOut].every(Array.isArray)
  },
  plan: ({ crc, files, bytes, keptApart = 0 }) => [crc, files, bytes, keptApart].every(isNumber),
  manifest: ({ head, mtimeMs }) => isText(head) && isNumber(mtimeMs),
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const isKnown = (name: string): name is keyof Facts => Object.hasOwn(CHECKS, name)

/**
 * The facts of a journal are such as this version reads and writes. `file`: the journal, for errors. Throws
 * NewerFormatError, also for a fact that is unknown here: whoever passes over it might do what it forbids. Throws E_STATE
 * for one that is not what was written.
 */
export function checkFacts({ facts }: RunState, file: string): void {
  const where = `The file ${file} in the state folder`
  versionOf(FACTS_FORMAT, facts.get('start'), where)
  for (const [name, value] of facts) {
    if (!isKnown(name)) throw new NewerFormatError(FACTS_FORMAT, where)
    if (!CHECKS[name](fieldsOf(value))) throw damagedStateFile(file)
  }
}

/** A fact of a journal that was checked (`checkFacts`); null when it is not there yet. */
export function factOf<K extends keyof Facts>({ state }: { readonly state: RunState }, name: K): Facts[K] | null {
  return (state.facts.get(name) as Facts[K] | undefined) ?? null
}

export function noteFact<K extends keyof Facts>(record: RunRecord, name: K, value: Facts[K]): void {
  const written = name === 'start' ? withVersion(FACTS_FORMAT, value) : value
  record.fact(name, written as unknown as Json)
}
