/**
 * The resume policy: which runs are resumed, abandoned, kept open or begun. Each question is a table. Its first row whose
 * condition holds decides, and the last row always holds. `why` is for the log and for people. Resuming is the last of the
 * places where what failed is retried (docs/design.md, *Retrying*).
 */
import type { RunOptions } from './run-options.ts'

export interface Row<Facts, Decision extends string> {
  readonly when: (facts: Facts) => boolean
  readonly then: Decision
  readonly why: string
}

export function decide<Facts, Decision extends string>(
  table: readonly Row<Facts, Decision>[],
  facts: Facts,
): Row<Facts, Decision> {
  const row = table.find(({ when }) => when(facts))
  if (row === undefined) throw new RangeError('no row of the table holds')
  return row
}

const HOUR_MS = 3600_000
/** Upload sessions of both services live so long. */
export const MAX_IDLE_MS = 7 * 24 * HOUR_MS
/** A dump and a plan of which nothing was sent yet are made anew when they are older. */
export const MAX_UNSENT_MS = HOUR_MS

/** The folder of a run that has not ended. */
export interface FoundFolder {
  readonly mode: RunOptions['mode']
  /**
   * `empty`: nothing was noted of the run. `newer`: a newer version of this program wrote it. `unusable`: it cannot be
   * opened now, though it is not damaged.
   */
  readonly files: 'usable' | 'empty' | 'newer' | 'damaged' | 'unusable'
}

/** `refuse`: this call ends with an error, and the run is left as it is. `remove`: there is nothing to cancel. */
export const FOLDERS: readonly Row<FoundFolder, 'open' | 'abandon' | 'remove' | 'refuse'>[] = [
  { when: ({ files }) => files === 'usable', then: 'open', why: 'its files can be read' },
  { when: ({ files }) => files === 'empty', then: 'remove', why: 'it was stopped before anything was noted of it' },
  { when: ({ files }) => files === 'newer', then: 'refuse', why: 'a newer version of this program can resume it' },
  { when: ({ files }) => files === 'damaged', then: 'abandon', why: 'its files are damaged' },
  { when: ({ mode }) => mode === 'fresh', then: 'abandon', why: 'its files cannot be used, and --fresh was given' },
  { when: () => true, then: 'refuse', why: 'its files cannot be used now, and what was sent would be lost' },
]

/** A run of an earlier process whose files can be read. */
export interface FoundRun {
  readonly mode: RunOptions['mode']
  /**
   * The record of runs has its archive, and its journal does not know that it was complete. Made again, other bytes would
   * get a name that a destination may have given already.
   */
  readonly isForgotten: boolean
  readonly isSameRoot: boolean
  readonly isSameDatabase: boolean
  /** One of its destinations is still in the configuration. */
  readonly hasDestination: boolean
  /** Bytes of its archive were made. */
  readonly hasBytes: boolean
  /** How long it was left alone. */
  readonly idleMs: number
}

export const FOUND_RUNS: readonly Row<FoundRun, 'resume' | 'abandon'>[] = [
  { when: ({ mode }) => mode === 'fresh', then: 'abandon', why: '--fresh was given' },
  { when: ({ isForgotten }) => isForgotten, then: 'abandon', why: 'its journal is missing facts that were recorded' },
  { when: ({ isSameRoot }) => !isSameRoot, then: 'abandon', why: 'the archive folder is a different one now' },
  { when: ({ isSameDatabase }) => !isSameDatabase, then: 'abandon', why: 'the database is a different one now' },
  {
    when: ({ hasDestination }) => !hasDestination,
    then: 'abandon',
    why: 'none of its destinations is in the configuration',
  },
  {
    when: ({ hasBytes, idleMs }) => !hasBytes && idleMs > MAX_UNSENT_MS,
    then: 'abandon',
    why: 'nothing of it was uploaded, and it is old',
  },
  { when: ({ idleMs }) => idleMs > MAX_IDLE_MS, then: 'abandon', why: 'it was not resumed for more than a week' },
  { when: () => true, then: 'resume', why: 'its sources and a destination are the same' },
]

/** A run to be resumed, and those of its destinations that this call is for. */
export interface ResumedRun {
  /** All of these have its archive. */
  readonly isStored: boolean
  readonly hasDestinations: boolean
  /** In the record of runs. */
  readonly isRecorded: boolean
}

export const RESUMED_RUNS: readonly Row<ResumedRun, 'execute' | 'skip'>[] = [
  { when: ({ isStored }) => !isStored, then: 'execute', why: 'a destination is missing its archive' },
  {
    when: ({ hasDestinations, isRecorded }) => hasDestinations && !isRecorded,
    then: 'execute',
    why: 'it was killed when its archive was stored, and is only to be recorded',
  },
  { when: () => true, then: 'skip', why: 'none of the destinations in use is missing its archive' },
]

/** A run after this process has done what it could. */
export interface ExecutedRun {
  /** `final`: after it nothing that was started is of use. */
  readonly failure: 'none' | 'stopped' | 'newer' | 'final' | 'other'
  /** Bytes of its archive were made. */
  readonly hasBytes: boolean
  /** A destination that is still in the configuration can still get its archive. */
  readonly isMissed: boolean
  /** Its archive was stored, and the record of runs could not be written. */
  readonly isUnrecorded: boolean
}

export const EXECUTED_RUNS: readonly Row<ExecutedRun, 'keep' | 'close'>[] = [
  { when: ({ isUnrecorded }) => isUnrecorded, then: 'keep', why: 'the next run records it' },
  { when: ({ failure }) => failure === 'newer', then: 'keep', why: 'a newer version of this program can resume it' },
  { when: ({ failure }) => failure === 'final', then: 'close', why: 'it failed, and nothing of it is of use' },
  {
    when: ({ hasBytes, failure }) => !hasBytes && failure !== 'stopped',
    then: 'close',
    why: 'nothing was made of it that could be lost',
  },
  { when: ({ isMissed }) => !isMissed, then: 'close', why: 'no destination can still get its archive' },
  { when: () => true, then: 'keep', why: 'a destination is missing its archive' },
]

/** A run that this call has resumed and executed; there may be further ones. */
export interface Progressed {
  /** The call itself is to end. */
  readonly isStopped: boolean
  /** A destination had the run's archive before. */
  readonly wasStored: boolean
  readonly hasFailed: boolean
}

export const AFTER_EACH: readonly Row<Progressed, 'end' | 'next'>[] = [
  { when: ({ isStopped }) => isStopped, then: 'end', why: 'the run was stopped' },
  { when: ({ wasStored }) => wasStored, then: 'next', why: 'it was an earlier backup, and may not be the one due now' },
  { when: ({ hasFailed }) => hasFailed, then: 'next', why: 'it has failed' },
  { when: () => true, then: 'end', why: 'it was only begun before, so it is the backup that is due now' },
]

/** What this call has done when no run is left to resume. */
export interface AllResumed {
  readonly mode: RunOptions['mode']
  /** How the last run that was resumed ended; `stored`: at least at one destination. */
  readonly last: 'none' | 'failed' | 'stored'
  /** A destination is still missing the archive of an earlier run. */
  readonly isBehind: boolean
  /** A destination is not missing any. */
  readonly hasOthers: boolean
}

export const AFTER_ALL: readonly Row<AllResumed, 'nothing' | 'end' | 'begin'>[] = [
  {
    when: ({ mode, last }) => mode === 'resume' && last === 'none',
    then: 'nothing',
    why: 'There is no interrupted run.',
  },
  { when: ({ mode }) => mode === 'resume', then: 'end', why: 'no interrupted run is left' },
  {
    when: ({ last, isBehind }) => last === 'stored' && !isBehind,
    then: 'end',
    why: 'every destination has its archive',
  },
  {
    when: ({ last, hasOthers }) => last !== 'none' && !hasOthers,
    then: 'end',
    why: 'no destination is left for another',
  },
  { when: () => true, then: 'begin', why: 'the destinations that are not behind get a new backup' },
]
