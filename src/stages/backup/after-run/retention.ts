/** Retention after a run, at the destinations that have its archive now. */
import type { Destination } from '../../../pipeline/contract/destination.ts'
import { asBackupError } from '../../../pipeline/contract/errors.ts'
import type { RunResult, Warning } from '../../contract/results.ts'
import type { RunLog } from '../../contract/run-log.ts'
import { report } from '../../contract/report.ts'
import type { Config } from '../../config/types.ts'
import { closeAll, openToRead, type OpenOptions } from '../../find/open-to-read.ts'
import type { State } from '../../state/state.ts'
import { askClock } from '../../retention/clock-fault.ts'
import { paceOf, pruneDestination } from '../../retention/prune.ts'

/** Warnings of a run after which nothing is deleted: what it stored may be less than what is to be kept. */
const SHRUNK = ['source-empty', 'source-shrunk', 'dump-shrunk', 'dump-tables']

export interface RetainOptions {
  readonly log: RunLog
  readonly signal: AbortSignal
  readonly open?: OpenOptions['open']
  readonly now?: Date
}

/** Gives the run's result with what could not be deleted as warnings. Never rejects. */
export async function retainAfter(
  result: RunResult,
  config: Config,
  state: State,
  { log, signal, open, now = new Date() }: RetainOptions,
): Promise<RunResult> {
  const { retention, archive: settings } = config
  const { archive } = result
  const there = result.destinations.filter(({ status }) => status === 'completed').map(({ name }) => name)
  if (retention === null || archive === null || there.length === 0 || signal.aborted) return result
  if (result.warnings.some(({ code }) => SHRUNK.includes(code))) {
    log.info({ archive: archive.name }, 'nothing is deleted after a run whose sources had shrunk')
    return result
  }
  const only = { ...config, destinations: config.destinations.filter(({ name }) => there.includes(name)) }
  const warnings: Warning[] = []
  const warn = (message: string): void => {
    warnings.push({ code: 'prune-failed', message })
    log.warn({}, message)
  }
  const clock = await askClock(config, signal)
  if (clock.fault !== null) {
    warn(clock.fault)
    return told(result, warnings)
  }
  const rules = { ...retention, prefix: settings.prefix, now, ...paceOf(config, clock) }
  let destinations: readonly Destination[] = []
  try {
    destinations = openToRead(only, { from: null, log, signal, ...(open === undefined ? {} : { open }) })
    for (const destination of destinations) {
      const options = { stored: archive.name, rules, state, dryRun: false, log, signal }
      const { refused, failures } = await pruneDestination(destination, options)
      if (refused !== null) warn(`${destination.name}: old archives were kept. ${refused}`)
      for (const failure of failures) warn(`${destination.name}: old archives were kept. ${failure}`)
    }
  } catch (error) {
    const known = asBackupError(error, signal)
    // What is old is still there at the next run.
    if (known.code === 'E_ABORTED') log.info({ err: known }, 'old archives were not deleted')
    else warn(`Old archives were not deleted. ${report(known).message}`)
  } finally {
    await closeAll(destinations)
  }
  return told(result, warnings)
}

function told(result: RunResult, warnings: readonly Warning[]): RunResult {
  if (warnings.length === 0) return result
  const status = result.status === 'completed' ? 'partial' : result.status
  return { ...result, status, warnings: [...result.warnings, ...warnings] }
}
