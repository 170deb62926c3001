/**
 * The contract of the state: what outlives a run and is not the run's own journal. test/conformance/state.ts holds every
 * implementation to this page. Times are ISO 8601 with offset, sizes bytes. Everything rejects with E_STATE when the
 * state cannot be read or written.
 */
import type {
  CopyCheck,
  PastRun,
  RunPeriod,
  RunRecord,
  SentArchive,
  SourceMeasure,
  VerificationRecord,
} from '../contract/history.ts'
import type { DestinationResult, VerifyCheck } from '../contract/results.ts'
import type { Config, DestinationConfig } from '../config/types.ts'

/** A run that goes on right now, in whichever process. */
export interface ActiveRun {
  /** Null when it is not known. */
  readonly since: string | null
}

/** A destination in the state that is switched off. */
export interface InactiveAccount {
  readonly name: string
  readonly type: DestinationConfig['type']
}

/** Held while a run works, or anything else that no run may meet. */
export interface Lock {
  /**
   * Aborts, with E_LOCKED as its reason, when the lock was lost and another run has it now; what is being done has to
   * stop.
   */
  readonly lost: AbortSignal
  /** Never rejects. */
  release(): Promise<void>
}

export type Schedule = Config['schedule']

export interface State {
  /** What was damaged in the state folder and was replaced since this was opened, each in a sentence. */
  readonly replaced: readonly string[]

  /**
   * A run that is saved again takes the place of its earlier record, and is the newest; destinations that only the
   * earlier one names keep their results.
   */
  saveRun(run: RunRecord): Promise<void>

  /** Whether a run made an archive of this name. */
  hasArchive(name: string): Promise<boolean>

  /**
   * The measure of the newest good run: stored somewhere, with sane sources. Null when there is none yet. Newest is
   * what was saved last: clocks are set right and local time repeats an hour a year.
   */
  lastGood(): Promise<SourceMeasure | null>

  /** Copies that were stored and verified, over all runs and destinations: the Backed Up count. */
  copies(): Promise<number>

  /** When the first run and the last one began; null when there is none. Runs that began after `now` are passed over. */
  runTimes(now: Date): Promise<{ readonly first: string | null; readonly last: string | null }>

  /**
   * When the newest run began that was stored and verified at this destination (null: at any); null when there is none.
   * Runs that began after `now` had a wrong clock and are passed over: else they would hide for years that nothing is
   * backed up.
   */
  lastStoredAt(now: Date, destination: string | null): Promise<string | null>

  /** How the run that was saved last of all that had this destination ended there; null when there is none. */
  lastResult(destination: string): Promise<DestinationResult | null>

  /** Past runs, the one saved last first; `limit` of them at most. */
  history(limit: number): Promise<PastRun[]>

  /**
   * What was sent of the archive of this name and where it was stored; null when it was stored nowhere, or is not known
   * here.
   */
  sentArchive(name: string): Promise<SentArchive | null>

  /** Names of the archives that were stored somewhere. */
  archives(): Promise<string[]>

  /** Every run of this program's, the one saved last at the end. */
  periods(): Promise<RunPeriod[]>

  /** The last check of each copy that was proved to be intact or damaged. */
  lastChecks(): Promise<CopyCheck[]>

  /** Adds what came of looking at an archive again. */
  saveVerification(record: VerificationRecord, checks: readonly VerifyCheck[]): Promise<void>

  /** The verification that was saved last, of whichever archive; null when there is none. */
  lastVerification(): Promise<VerificationRecord | null>

  /** Names of the archives that were found damaged or gone at this destination when they were last checked there. */
  badArchives(destination: string): Promise<string[]>

  /** The schedule that holds; `fromFile` is what the configuration file says. */
  schedule(fromFile: Schedule): Promise<Schedule>

  /**
   * When the next run of the schedule is due, where the state keeps that time and others may set it (the viewer's page):
   * none comes before it, and one at it. Null where the grid alone says when.
   */
  keptDueAt(now: Date): Promise<string | null>

  /** Changes the schedule. False when that stands in the configuration file, and nothing was changed. */
  saveSchedule(schedule: Schedule): Promise<boolean>

  /**
   * Destinations that stand in the state, beside those of the configuration file. No two have the same name, without regard
   * to case. One that cannot be used has a `fault`. What they sign in with is known to `redact` from then on.
   */
  accounts(): Promise<DestinationConfig[]>

  /** Those that are switched off there: they get no backup. */
  inactiveAccounts(): Promise<InactiveAccount[]>

  /**
   * Makes sure that one run at a time uses this state, on all machines that share it. The lock goes with the process,
   * however that ends. Rejects with E_LOCKED, which says who holds it since when.
   */
  lock(): Promise<Lock>

  /** The run that holds the lock, or null. Writes nothing. */
  activeRun(): Promise<ActiveRun | null>

  /** Never rejects. */
  close(): Promise<void>
}
