/** Whether a run is to be gone on with, and for whom. */
import type { BackupError } from '../../pipeline/errors.ts'
import { NewerFormatError } from '../../pipeline/format-version.ts'
import type { Config } from '../config/types.ts'
import type { DestinationResult, RunResult } from '../contract/results.ts'
import type { OpenRun } from './run-folder.ts'

const HOUR_MS = 3600_000
/** Upload sessions of both services live so long. */
const MAX_IDLE_MS = 7 * 24 * HOUR_MS
/** A dump and a plan of which nothing was sent yet are made anew when they are older. */
const MAX_UNSENT_MS = HOUR_MS

/** Why an open run that was left alone for `idleMs` is not gone on with, for the log; null when it is. */
export function whyNotGoOn({ start, record }: OpenRun, idleMs: number, config: Config): string | null {
  if (start.root !== config.dicom.root) return 'the archive folder is a different one now'
  if (start.database !== (config.database?.name ?? null)) return 'the database is a different one now'
  if (!start.destinations.some((name) => config.destinations.some((one) => one.name === name))) {
    return 'none of its destinations is in the configuration'
  }
  if (record.state.made.parts === 0 && idleMs > MAX_UNSENT_MS) return 'nothing of it was uploaded, and it is old'
  if (idleMs > MAX_IDLE_MS) return 'it was not resumed for more than a week'
  return null
}

/** A destination that is still in the configuration and can still get this archive. */
function isWanted(name: string, { record }: Pick<OpenRun, 'record'>, { destinations }: Config): boolean {
  const { stored, hopeless } = record.state.upload(name)
  return stored === null && !hopeless && destinations.some((one) => one.name === name)
}

/** Failures after which nothing that was begun is of use. */
const FINAL = ['E_DUMP', 'E_CONFIG', 'E_STATE', 'E_INTERNAL']

/** Whether nothing can come of the run any more, or nothing has to. */
export function isOver(run: OpenRun, failure: BackupError | null, config: Config): boolean {
  const { start, record } = run
  if (failure instanceof NewerFormatError) return false
  if (failure !== null && FINAL.includes(failure.code)) return true
  // With no byte made there is nothing to be lost by beginning anew; what a person has stopped they may want to resume.
  if (record.state.made.parts === 0 && failure?.code !== 'E_ABORTED') return true
  return !start.destinations.some((name) => isWanted(name, run, config))
}

/** The destinations that lack the run's archive, as they stand after this attempt. */
export function lackingIn(result: RunResult, { record }: OpenRun): DestinationResult[] {
  return result.destinations.filter(({ name }) => {
    const { stored, hopeless } = record.state.upload(name)
    return stored === null && !hopeless
  })
}
