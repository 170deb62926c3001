import { existsSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readNote } from '../../pipeline/files/state-file.ts'
import { HOLDER_FILE, HOLDER_FORMAT } from './folder-lock.ts'
import { isBusy, isDamaged, unusableState } from './state-error.ts'
import type { ActiveRun } from './state.ts'

/** The run that holds the lock of this state folder, or null. Creates nothing. Rejects with E_STATE. */
export async function folderActiveRun(folder: string): Promise<ActiveRun | null> {
  return isLocked(folder) ? { since: await heldSince(folder) } : null
}

function isLocked(folder: string): boolean {
  const file = path.join(folder, 'lock.sqlite')
  if (!existsSync(file)) return false
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(file, { readOnly: true })
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    // Nobody can hold it; the next run replaces it.
    if (isDamaged(error)) return false
    throw unusableState(folder, error)
  } finally {
    database?.close()
  }
}

async function heldSince(folder: string): Promise<string | null> {
  const { since } = (await readNote(path.join(folder, HOLDER_FILE), HOLDER_FORMAT)) ?? {}
  return typeof since === 'string' && !Number.isNaN(Date.parse(since)) ? since : null
}
