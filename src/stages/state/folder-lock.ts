import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isoLocal } from '../contract/time.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import { versionedJson, type Format } from '../../pipeline/files/format-version.ts'
import { readNote } from '../../pipeline/files/state-file.ts'
import { emptyLock } from './set-aside.ts'
import { isBusy, isDamaged, unusableState } from './state-error.ts'
import type { Lock } from './state.ts'

export const HOLDER_FILE = 'lock-holder.json'
export const HOLDER_FORMAT: Format = { name: 'who holds the lock', version: 1 }

/** A reader of the lock (`status`) holds it for a moment. ms. */
const BUSY_MS = 500

/**
 * Makes sure that one run at a time uses this state folder, which exists. It is SQLite's own exclusive lock on a file there, which the
 * operating system drops with the process, so a killed run leaves none behind. Rejects with E_LOCKED, which says who
 * holds it since when, or with E_STATE. A damaged file is replaced, which `onReplaced` hears in a sentence.
 */
export async function takeFolderLock(
  folder: string,
  onReplaced: (text: string) => void = () => undefined,
): Promise<Lock> {
  const holderFile = path.join(folder, HOLDER_FILE)
  const file = path.join(folder, 'lock.sqlite')
  let database: DatabaseSync | null = null
  try {
    database = lockedOrReplaced(file, onReplaced)
    const holder = { pid: process.pid, since: new Date().toISOString() }
    await writeFile(holderFile, versionedJson(HOLDER_FORMAT, holder))
  } catch (error) {
    database?.close()
    if (!isBusy(error)) throw unusableState(folder, error)
    throw new BackupError('E_LOCKED', `Another backup run is active${await holder(holderFile)}.`, {
      advice: 'Wait until it has ended.',
      cause: error,
    })
  }
  const held = database
  return {
    // The operating system keeps it as long as this process lives.
    lost: new AbortController().signal,
    release: () => {
      held.close()
      return Promise.resolve()
    },
  }
}

function lockedOrReplaced(file: string, onReplaced: (text: string) => void): DatabaseSync {
  try {
    return locked(file)
  } catch (error) {
    if (!isDamaged(error)) throw error
    onReplaced(emptyLock(file))
    return locked(file)
  }
}

function locked(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_MS })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

async function holder(file: string): Promise<string> {
  const { pid, since } = (await readNote(file, HOLDER_FORMAT)) ?? {}
  if (typeof pid !== 'number' || typeof since !== 'string' || Number.isNaN(Date.parse(since))) return ''
  return ` (process ${pid}, since ${isoLocal(new Date(since))})`
}
