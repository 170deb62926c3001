/** The files of runs that have not ended, as anybody may read them. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { NewerFormatError } from '../../pipeline/files/format-version.ts'
import { readMark } from '../../pipeline/parts/part-index.ts'
import { RunState } from '../../pipeline/journal/run-record.ts'
import { stateFileError } from '../../pipeline/files/state-file.ts'
import { checkPlanVersion } from '../plan/plan-reader.ts'
import { checkCheckpoint } from '../zip/checkpoint.ts'
import { checkFacts } from './run-facts.ts'

/** The folder of all runs, and files of one. */
export const runsIn = (stateFolder: string): string => path.join(stateFolder, 'runs')
export const journalOf = (folder: string): string => path.join(folder, 'journal')
export const indexOf = (folder: string): string => path.join(folder, 'parts')
export const ringOf = (folder: string): string => path.join(folder, 'ring')
export const planOf = (folder: string): string => path.join(folder, 'plan.ndjson')

/** Folders of runs that have not ended, oldest first. Rejects with E_STATE. */
export async function runFolders(stateFolder: string): Promise<string[]> {
  const runs = runsIn(stateFolder)
  try {
    const entries = await readdir(runs, { withFileTypes: true })
    const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    return names.sort().map((name) => path.join(runs, name))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw stateFileError(error, runs)
  }
}

/**
 * What the journal of a run comes to, be it in another process's use. Changes nothing. Rejects with E_STATE, with
 * NewerFormatError when a newer version of this program has written it.
 */
export async function readJournal(folder: string): Promise<RunState> {
  const file = journalOf(folder)
  const state = await RunState.read(file)
  checkFacts(state, file)
  return state
}

/**
 * Rejects with NewerFormatError when a newer version of this program has written what the folder of a run holds; a file
 * that is damaged or in use is for whoever needs it to find. Changes nothing.
 */
export async function refuseNewerRun(folder: string): Promise<void> {
  try {
    const { made } = await readJournal(folder)
    await checkPlanVersion(planOf(folder))
    if (made.parts > 0) checkCheckpoint(await readMark(indexOf(folder), made.parts - 1))
  } catch (error) {
    if (error instanceof NewerFormatError) throw error
  }
}
