import type { RunLog } from '../contract/run-log.ts'
import type { Progress } from '../../pipeline/contract/progress.ts'
import type { openDestination } from '../destinations/open.ts'
import type { RunResult } from '../contract/results.ts'

export interface RunOptions {
  /**
   * `run`: resumes an interrupted run, or makes a new backup. `resume`: resumes, or does nothing. `fresh`: abandons
   * interrupted runs and makes a new backup.
   */
  readonly mode: 'run' | 'resume' | 'fresh'
  /** `scheduled`: the task scheduler called. */
  readonly trigger: 'manual' | 'scheduled'
  /** This program's version, for the manifest. */
  readonly version: string
  /** Names of the destinations to use; empty: all of them. */
  readonly only: readonly string[]
  /** A source that shrank is taken as it is, and later runs compare themselves with it. */
  readonly acceptShrunk: boolean
  readonly log: RunLog
  /** Gets the counters of each run before anything is counted. */
  readonly onProgress: (progress: Progress) => void
  readonly signal: AbortSignal
  /** Asked once the lock is held: a result ends the run before it began; with a mode it begins, in that one. */
  readonly beforeRun?: () => Promise<RunResult | RunOptions['mode']>
  /** How a destination is opened; default `openDestination`. For tests, whose destinations wait less long. */
  readonly open?: typeof openDestination
}
