import { readdirSync } from 'node:fs'
import path from 'node:path'
import { readNote } from '../../pipeline/files/state-file.ts'
import { refuseNewerSignIns } from '../accounts/sign-ins.ts'
import { MOUNTS_FILE, MOUNTS_FORMAT } from '../destinations/noted-mounts.ts'
import { refuseNewerRecord } from '../state/sqlite-file.ts'
import { HOLDER_FILE, HOLDER_FORMAT } from '../state/folder-lock.ts'
import { LISTED_FILE, LISTED_FORMAT } from '../find/listed.ts'
import { RUNNING_FILE, RUNNING_FORMAT } from './running-file.ts'

/** Small files of the state folder. */
const NOTES = [
  [RUNNING_FILE, RUNNING_FORMAT],
  [MOUNTS_FILE, MOUNTS_FORMAT],
  [LISTED_FILE, LISTED_FORMAT],
  [HOLDER_FILE, HOLDER_FORMAT],
] as const

/**
 * Rejects with NewerFormatError when a newer version of this program has written anything in a state folder. Asked before
 * anything there is opened: what this version does not know it cannot take into account, so it changes nothing at all.
 * What is damaged is for whoever needs it to find.
 */
export async function refuseNewerState(stateFolder: string): Promise<void> {
  refuseNewerRecord(stateFolder)
  refuseNewerSignIns(stateFolder)
  for (const [name, format] of NOTES) await readNote(path.join(stateFolder, name), format)
  // What reads a run is loaded where there is one: the hourly call, which mostly finds none, has to start fast.
  if (!hasRuns(stateFolder)) return
  const { refuseNewerRun, runFolders } = await import('./run-files.ts')
  for (const folder of await runFolders(stateFolder).catch(() => [])) await refuseNewerRun(folder)
}

function hasRuns(stateFolder: string): boolean {
  try {
    return readdirSync(path.join(stateFolder, 'runs')).length > 0
  } catch {
    return false
  }
}
