import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { stateFileError } from '../../pipeline/state-file.ts'

/**
 * The folder of a run in progress inside the state folder: plan, dump, directory, manifest. Holds patients' data, so
 * only its owner can enter it. What killed runs left behind is removed first; call it under the lock. Rejects
 * with E_QUOTA or E_STATE.
 */
export async function makeWorkFolder(stateFolder: string, runId: string): Promise<string> {
  const runs = path.join(stateFolder, 'runs')
  const folder = path.join(runs, runId)
  try {
    await rm(runs, { recursive: true, force: true, maxRetries: 3 })
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw stateFileError(error, folder)
  }
  return folder
}

export async function removeWorkFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
