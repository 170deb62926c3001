/** A backup: open runs are resumed, or a new one is made, as the resume policy says. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import { isDamage } from '../../pipeline/files/state-file.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { withPlaceFaults } from '../destinations/places.ts'
import { retainAfter } from './after-run/retention.ts'
import { verifyWeekly } from './after-run/weekly-verify.ts'
import type { RunRecord } from '../contract/history.ts'
import type { State } from '../state/state.ts'
import { checkCopiesDaily } from '../find/copies.ts'
import { abandon } from './abandon.ts'
import { archiveName } from '../contract/archive-name.ts'
import { executeRun, tidyUp, type Unrecorded } from './execute-run.ts'
import { nothingDone } from './nothing-done.ts'
import { executedRun, foundRun, missingIn, unreadable, wasStored } from './policy-facts.ts'
import { AFTER_ALL, AFTER_EACH, decide, EXECUTED_RUNS, FOLDERS, FOUND_RUNS, RESUMED_RUNS } from './resume-policy.ts'
import type { DestinationResult, RunResult } from '../contract/results.ts'
import { readJournal, runFolders } from './run-files.ts'
import { beginRun, closeRun, lastWorkedOn, openRun, removeRun, type OpenRun } from './run-folder.ts'
import type { RunOptions } from './run-options.ts'

/**
 * Makes a backup and stores it at every destination, or resumes one that is open. Resolves with the result however
 * it ended. Rejects only when no run could begin, with E_LOCKED when another is active, with E_STATE or E_QUOTA when the
 * state cannot be used.
 */
export async function runBackup(config: Config, state: State, options: RunOptions): Promise<RunResult> {
  const lock = await state.lock()
  try {
    const signal = AbortSignal.any([options.signal, lock.lost])
    const mode = (await options.beforeRun?.()) ?? options.mode
    if (typeof mode !== 'string') return mode
    const { open } = options
    const placed = await withPlaceFaults(config, { signal, note: true, ...(open === undefined ? {} : { open }) })
    const backup = new Backup(placed, state, { ...options, signal, mode })
    const made = await backup.result()
    const result = withReplaced(made, state.replaced)
    if (result !== made) await backup.addToRecord(result)
    if (options.trigger !== 'scheduled') return result
    const looked = await verifyWeekly(placed, state, result, { log: options.log, signal })
    if (looked !== result) await backup.addToRecord(looked)
    await checkCopiesDaily(placed, state, { log: options.log, signal })
    return looked
  } finally {
    await lock.release()
  }
}

/** A damaged file of the state that was replaced is for a person to see. */
function withReplaced(result: RunResult, replaced: readonly string[]): RunResult {
  if (replaced.length === 0) return result
  const status = result.status === 'completed' ? 'partial' : result.status
  const warnings = replaced.map((message) => ({ code: 'state-replaced', message }))
  return { ...result, status, warnings: [...result.warnings, ...warnings] }
}

class Backup {
  readonly #config: Config
  readonly #options: RunOptions
  readonly #state: State
  /** What destinations are still missing of earlier runs: they take no part in a new one. */
  readonly #behind = new Map<string, DestinationResult>()
  readonly #names = new Set<string>()
  /** Of the run that was executed last, as the state has it. */
  #recorded: RunRecord | null = null

  constructor(config: Config, state: State, options: RunOptions) {
    this.#config = config
    this.#options = options
    this.#state = state
  }

  async result(): Promise<RunResult> {
    const { mode, signal } = this.#options
    let last: RunResult | null = null
    for (const folder of await runFolders(this.#config.state.dir)) {
      const run = await this.#find(folder)
      if (run === null) continue
      const facts = { wasStored: wasStored(run) }
      const result = await closedOnError(run, () => this.#resume(run))
      if (result === null) continue
      last = result
      const { then } = decide(AFTER_EACH, {
        ...facts,
        isStopped: signal.aborted,
        hasFailed: result.status === 'failed',
      })
      if (then === 'end') return result
    }
    const others = this.#wanted().filter(({ name }) => !this.#behind.has(name))
    const { then, why } = decide(AFTER_ALL, {
      mode,
      last: last === null ? 'none' : last.status === 'failed' ? 'failed' : 'stored',
      isBehind: this.#behind.size > 0,
      hasOthers: others.length > 0,
    })
    if (then === 'nothing') return nothingDone(why)
    return then === 'end' && last !== null ? last : await this.#begin(others)
  }

  /** A run of an earlier process; null when it is not to be resumed: then nothing is left of it. */
  async #find(folder: string): Promise<OpenRun | null> {
    const { log, mode } = this.#options
    const idleMs = Date.now() - (await lastWorkedOn(folder))
    const run = await this.#open(folder)
    if (run === null) {
      await tidyUp(() => removeRun(folder), log)
      return null
    }
    return await closedOnError(run, async () => {
      const { runId, name } = run.start
      const isForgotten = mode !== 'fresh' && run.record.state.whole === null && (await this.#state.hasArchive(name))
      const { then, why } = decide(FOUND_RUNS, foundRun(run, this.#config, { mode, isForgotten, idleMs }))
      if (then === 'resume') {
        this.#names.add(name)
        return run
      }
      log.info({ runId, archive: name, why }, 'an interrupted run is abandoned')
      await this.#close(run)
      return null
    })
  }

  /**
   * Null when nothing can be resumed: what it had begun is cancelled then. Rejects with E_STATE or E_QUOTA when its files
   * cannot be used now: what was sent is not to be lost because of that.
   */
  async #open(folder: string): Promise<OpenRun | null> {
    const { log, mode } = this.#options
    let run: OpenRun | null = null
    let error: BackupError | null = null
    try {
      // A disk may have its moments; a file that is damaged stays so.
      run = await openRun(folder).catch((thrown: unknown) => {
        if (isDamage(thrown)) throw thrown
        return openRun(folder)
      })
    } catch (thrown) {
      error = asBackupError(thrown)
    }
    const files = error !== null ? unreadable(error) : run === null ? 'empty' : 'usable'
    const { then, why } = decide(FOLDERS, { mode, files })
    if (error === null) return run
    if (then === 'refuse') throw files === 'unusable' && error.code === 'E_STATE' ? keptRun(error) : error
    log.warn({ err: error, why }, 'an interrupted run cannot be resumed')
    await this.#abandonDamaged(folder)
    return null
  }

  /** Null when none of the destinations in use is missing its archive. */
  async #resume(run: OpenRun): Promise<RunResult | null> {
    const { start, record } = run
    const destinations = this.#wanted().filter(({ name }) => start.destinations.includes(name))
    const isStored = destinations.every(({ name }) => record.state.upload(name).stored !== null)
    const hasDestinations = destinations.length > 0
    const isRecorded = isStored && hasDestinations && (await this.#state.hasArchive(start.name))
    const { then } = decide(RESUMED_RUNS, { isStored, hasDestinations, isRecorded })
    if (then === 'execute') return await this.#execute(run, destinations)
    if (this.#after(run, null, false) === 'close') await this.#close(run)
    else await closeRun(run)
    return null
  }

  /** What the journal still has of uploads is cancelled. */
  async #abandonDamaged(folder: string): Promise<void> {
    await tidyUp(async () => {
      await abandon(await readJournal(folder), this.#config, this.#options.log)
    }, this.#options.log)
  }

  async #begin(wanted: readonly DestinationConfig[]): Promise<RunResult> {
    const { archive, database, dicom, state } = this.#config
    const { startedAt, name } = await this.#freeName(archive.prefix)
    const run = await beginRun(state.dir, {
      runId: randomUUID(),
      name,
      startedAt: startedAt.getTime(),
      trigger: this.#options.trigger,
      root: dicom.root,
      compression: archive.compression,
      database: database?.name ?? null,
      destinations: wanted.map((one) => one.name),
    })
    const result = await this.#execute(run, wanted)
    if (this.#behind.size === 0) return result
    const others = [...this.#behind.values()].filter((one) => wanted.every(({ name }) => name !== one.name))
    const status = result.status === 'completed' ? 'partial' : result.status
    return { ...result, status, destinations: [...result.destinations, ...others] }
  }

  async #execute(run: OpenRun, destinations: readonly DestinationConfig[]): Promise<RunResult> {
    const where = { config: this.#config, options: this.#options, state: this.#state }
    try {
      const { unrecorded, failure, ...made } = await executeRun(run, destinations, where)
      let { result, recorded } = made
      if (this.#after(run, failure, recorded === null && result.archive !== null) === 'close') {
        await this.#close(run)
        if (unrecorded !== null && (await this.#isRecordedNow(unrecorded))) {
          result = unrecorded.result
          recorded = unrecorded.record
        }
      } else {
        for (const one of missingIn(result, run)) this.#behind.set(one.name, one)
      }
      const retained = await retainAfter(result, this.#config, this.#state, this.#options)
      this.#recorded = recorded
      if (retained !== result) await this.addToRecord(retained)
      return retained
    } finally {
      await closeRun(run)
    }
  }

  #after(run: OpenRun, failure: BackupError | null, isUnrecorded: boolean): 'keep' | 'close' {
    const { then, why } = decide(EXECUTED_RUNS, executedRun(run, this.#config, { failure, isUnrecorded }))
    if (then === 'keep') this.#options.log.info({ runId: run.start.runId, why }, 'the run stays open')
    return then
  }

  /** Without the run's own folder the state may have room again. */
  async #isRecordedNow({ record }: Unrecorded): Promise<boolean> {
    const { log } = this.#options
    try {
      await this.#state.saveRun(record)
      log.info({ runId: record.runId }, 'the run is recorded: its folder was removed')
      return true
    } catch (error) {
      log.warn({ err: asBackupError(error) }, 'the run could not be recorded')
      return false
    }
  }

  /** What is warned of after the run was recorded belongs into the history too. */
  async addToRecord({ status, warnings }: RunResult): Promise<void> {
    const recorded = this.#recorded
    if (recorded === null || status === 'skipped') return
    try {
      await this.#state.saveRun({ ...recorded, status, warnings })
    } catch (error) {
      this.#options.log.warn({ err: asBackupError(error) }, 'the warnings could not be recorded')
    }
  }

  /** Nothing of the run is needed any more. */
  async #close(run: OpenRun): Promise<void> {
    const { log } = this.#options
    await abandon(run.record.state, this.#config, log)
    await closeRun(run)
    await tidyUp(() => removeRun(run.folder), log)
  }

  #wanted(): DestinationConfig[] {
    const { only } = this.#options
    return this.#config.destinations.filter(({ name }) => only.length === 0 || only.includes(name))
  }

  /**
   * A start whose archive name no earlier run has: two may start in one second, and at a clock change an hour comes
   * twice.
   */
  async #freeName(prefix: string): Promise<{ readonly startedAt: Date; readonly name: string }> {
    for (;;) {
      const startedAt = new Date()
      const name = archiveName(prefix, startedAt)
      if (!this.#names.has(name) && !(await this.#state.hasArchive(name))) return { startedAt, name }
      await sleep(1000 - startedAt.getMilliseconds())
    }
  }
}

/** A run whose files cannot be used now. */
function keptRun({ message, cause }: BackupError): BackupError {
  return new BackupError('E_STATE', `An interrupted backup cannot be resumed now. ${message}`, {
    advice:
      'Nothing of it was given up: the next run tries again. Close programs that have the file open, and let this account read and write it; or begin a new backup with `dicom-backup run --fresh`.',
    cause,
  })
}

async function closedOnError<T>(run: OpenRun, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await closeRun(run)
    throw error
  }
}
