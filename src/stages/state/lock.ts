import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isoLocal } from '../backup/archive-name.ts'
import { BackupError } from '../../pipeline/errors.ts'
import { isBusy, unusableState } from './state-error.ts'

/** A reader of the lock (`status`) holds it for a moment. ms. */
const BUSY_MS = 500

export interface Lock {
  release(): void
}

/**
 * Makes sure that one run at a time uses the state folder. It is SQLite's own exclusive lock on a file there, which the
 * operating system drops with the process, so a killed run leaves none behind. Rejects with E_LOCKED, which says who
 * holds it since when, or with E_STATE.
 */
export async function takeLock(folder: string, runId: string): Promise<Lock> {
  const holderFile = path.join(folder, 'lock-holder.json')
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path.join(folder, 'lock.sqlite'), { timeout: BUSY_MS })
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    await writeFile(holderFile, JSON.stringify({ pid: process.pid, since: new Date().toISOString(), runId }))
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
    release: () => {
      held.close()
    },
  }
}

async function holder(file: string): Promise<string> {
  try {
    const { pid, since } = JSON.parse(await readFile(file, 'utf8')) as { pid: number; since: string }
    return ` (process ${pid}, since ${isoLocal(new Date(since))})`
  } catch {
    return ''
  }
}
