/** What the state keeps of runs and of checks. Times are ISO 8601 with offset, sizes bytes. */
import type { ObjectDigests } from '../../pipeline/contract/digests.ts'
import type { DestinationResult, VerifyCheck, Warning } from './results.ts'

/** What a run measured of its sources, to compare the next run with. */
export interface SourceMeasure {
  readonly files: number
  readonly bytes: number
  /** Null without a database. */
  readonly tables: number | null
  readonly dumpBytes: number | null
}

/** A run that has ended, be it that it can be gone on with. */
export interface RunRecord {
  readonly runId: string
  /** `scheduled`: the task scheduler's call made it. */
  readonly trigger: 'manual' | 'scheduled'
  readonly status: 'completed' | 'partial' | 'failed' | 'interrupted'
  readonly startedAt: string
  readonly finishedAt: string
  /** The name that its archive has, or would have had. */
  readonly plannedName: string
  /** The same, null when the archive was not made to its end. */
  readonly archive: string | null
  readonly bytes: number | null
  /**
   * Of the archive, as far as a destination of the run needed them; null when it was not made to its end, or by a version
   * that did not keep them.
   */
  readonly digests: ObjectDigests | null
  /** Null when the sources were not read to their end. */
  readonly source: SourceMeasure | null
  /** Whether the sources passed the sanity checks: only then do later runs compare themselves with this one. */
  readonly sane: boolean
  readonly warnings: readonly Warning[]
  readonly destinations: readonly DestinationResult[]
}

/** A line of the history. */
export interface PastRun extends Pick<RunRecord, 'archive' | 'bytes' | 'startedAt' | 'status' | 'destinations'> {
  /** Null for what another program recorded. */
  readonly runId: string | null
  readonly trigger: RunRecord['trigger']
  /** Null where it is not known. */
  readonly finishedAt: string | null
  readonly warnings: readonly Warning[]
}

/** When a run of the record began and ended, by the clock of its machine. */
export interface RunPeriod {
  /** Null when it was not made to its end. */
  readonly archive: string | null
  readonly startedAt: string
  readonly finishedAt: string
}

/** How a copy was found when `verify` last checked it. */
export interface CopyCheck {
  readonly archive: string
  readonly destination: string
  readonly at: string
  readonly ok: boolean
}

/** What was sent of an archive, and where it was stored. */
export interface SentArchive {
  readonly bytes: number
  /** Those that are known; null in records of earlier versions, which did not keep them. */
  readonly digests: ObjectDigests | null
  /** Names of the destinations that stored it. */
  readonly destinations: readonly string[]
  /** Whether its sources had passed the sanity checks. */
  readonly sane: boolean
}

/** What came of looking at an archive again. */
export interface VerificationRecord {
  readonly archive: string
  readonly at: string
  readonly ok: boolean
  readonly method: VerifyCheck['method']
}

export interface HistoryResult {
  /** Newest first. */
  readonly runs: readonly PastRun[]
}
