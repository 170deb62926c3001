import type { BackupError } from '../../pipeline/contract/errors.ts'
import type { Progress } from '../../pipeline/contract/progress.ts'
import { dryRun } from '../../stages/backup/dry-run.ts'
import type { DryRunResult, RunResult, Warning } from '../../stages/contract/results.ts'
import type { RunOptions } from '../../stages/backup/run-options.ts'
import { report } from '../../stages/contract/report.ts'
import { runBackup } from '../../stages/backup/run.ts'
import type { LoadedConfig } from '../../stages/config/load.ts'
import { openLog } from '../../stages/log/log.ts'
import { openStateToRead } from '../../stages/state/open-state.ts'
import type { State } from '../../stages/state/state.ts'
import { mustBeDestinations } from '../destination-names.ts'
import { dryRunSummary } from '../display/dry-run-summary.ts'
import { lookingLine } from '../display/looking.ts'
import { runSummary } from '../display/run-summary.ts'
import { EXIT, exitOfRun, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { openPeople } from '../people.ts'
import { stopSignals } from '../stop-signals.ts'
import { VERSION } from '../version.ts'
import { withState, withStateIfAny, type CommandContext } from '../command-context.ts'
import { streams } from '../streams.ts'

export interface BackupFlags {
  /** What becomes of an interrupted run: see `RunOptions`. */
  readonly mode: RunOptions['mode']
  /** Names of the destinations to use; empty: all. */
  readonly destination: readonly string[]
  readonly acceptShrunk: boolean
}

export interface RunFlags extends BackupFlags {
  readonly dryRun: boolean
}

/** `run`: one backup now, or with `--dry-run` what it would be. */
export async function run(configFile: string, flags: RunFlags, output: Output): Promise<ExitCode> {
  if (flags.dryRun) {
    return await withStateIfAny(configFile, openStateToRead, async ({ config, lost }) => {
      mustBeDestinations(config, flags.destination)
      return await plan(config, flags.destination, output, lost)
    })
  }
  return await withState(configFile, async (place) => {
    mustBeDestinations(place.config, flags.destination)
    return await backup(place, flags, output)
  })
}

/**
 * Makes or finishes a backup, with its progress and its summary for people, and its result for `--json`. With
 * `beforeRun` it is one of the schedule: see `RunOptions`.
 */
export async function backup(
  { config, state }: CommandContext<State>,
  flags: BackupFlags,
  output: Output,
  beforeRun: RunOptions['beforeRun'] | null = null,
): Promise<ExitCode> {
  const scheduled = beforeRun !== null
  // What a job says goes by mail: warnings and errors do, its progress would each time.
  const people = openPeople(output.quiet || (scheduled && !streams.stderr.isTTY))
  const log = openLog(config.log, config.secrets, people.lines, output.verbose)
  const stop = stopSignals('Start it again when you are ready: it resumes where it stopped.', () => {
    people.note('Stopping once the requests in flight are done; the run can be resumed. Press again to stop at once.')
  })
  let progress: Progress | null = null
  let result: RunResult | null = null
  try {
    for (const { key, message } of config.warnings) log.logger.warn({ key }, message)
    result = await runBackup(config, state, {
      trigger: scheduled ? 'scheduled' : 'manual',
      version: VERSION,
      mode: flags.mode,
      only: flags.destination,
      acceptShrunk: flags.acceptShrunk,
      log: log.logger,
      onProgress: (counters) => {
        progress = counters
        people.watch(counters)
      },
      signal: stop.signal,
      ...(beforeRun === null ? {} : { beforeRun }),
    })
  } finally {
    people.stop(result !== null)
    stop.dispose()
    log.close()
  }
  const ended = result
  await output.result(ended, (style) => runSummary(ended, progress, style))
  return exitOfRun(ended.status)
}

/** Shows what a run would do. Writes nothing, not even a log. `lost`: why the state could not be read; null: it was. */
export async function plan(
  config: LoadedConfig,
  only: readonly string[],
  output: Output,
  lost: BackupError | null = null,
): Promise<ExitCode> {
  const stop = stopSignals('Start it again when you are ready.')
  const looking = lookingLine(streams.stderr)
  try {
    const onProgress = output.quiet ? undefined : looking.onProgress
    const options = { only, ...(onProgress === undefined ? {} : { onProgress }), signal: stop.signal }
    const planned = await stop.ends(dryRun(config, options))
    const result = lost === null ? planned : { ...planned, warnings: [...planned.warnings, accountsUnknown(lost)] }
    looking.stop()
    await output.result(result, (style) => dryRunSummary(result, style))
    return exitOfPlan(result)
  } finally {
    stop.dispose()
  }
}

/**
 * As the run itself would end, as far as can be known: 1 when no destination can be used, 3 when someone should look at
 * it.
 */
function exitOfPlan({ destinations, skippedFiles, warnings }: DryRunResult): ExitCode {
  const usable = destinations.filter(({ error, fits }) => error === null && fits !== false).length
  if (usable === 0) return EXIT.failed
  return usable < destinations.length || skippedFiles.length > 0 || warnings.length > 0 ? EXIT.lookAtIt : EXIT.done
}

function accountsUnknown(lost: BackupError): Warning {
  return { code: 'state-unusable', message: `The accounts in the state are unknown here. ${report(lost).message}` }
}
