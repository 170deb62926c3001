/** Whether a run is to be gone on with, and for whom. */
import type { BackupError } from '../../pipeline/errors.ts'
import type { Config } from '../config/types.ts'
import type { DestinationResult, RunResult } from './results.ts'
import { lastWorkedOn, type OpenRun } from './run-folder.ts'

/** Upload sessions of both services live so long. */
const MAX_IDLE_MS = 7 * 24 * 3600_000

/** Why an open run is not gone on with, for the log; null when it is. */
export async function whyNotGoOn({ start, record, folder }: OpenRun, config: Config): Promise<string | null> {
  if (start.root !== config.dicom.root) return 'the archive folder is another one now'
  if (start.database !== (config.database?.name ?? null)) return 'the database is another one now'
  if (!start.destinations.some((name) => isWanted(name, { record }, config))) return 'no destination lacks it'
  if (Date.now() - (await lastWorkedOn(folder)) > MAX_IDLE_MS) return 'it was left alone for more than a week'
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
