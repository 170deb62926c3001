import { existsSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { NewerFormatError } from '../../pipeline/files/format-version.ts'
import { makePrivateFolder } from '../windows/private-path.ts'
import { migrate, recordVersion } from './migrations.ts'
import { setRecordAside } from './set-aside.ts'
import { isDamaged, isReadOnly, SQLITE_CORRUPT, unusableState } from './state-error.ts'

/** How long another process that is writing its record is waited for. ms. */
const BUSY_MS = 5000

const FILE = 'state.sqlite'

/** One file without a write-ahead log: reading such a state creates nothing beside it. */
const ONE_FILE = 'PRAGMA journal_mode = DELETE'

/**
 * Opens or creates the file; the folder is made when it is missing. A damaged file is set aside and replaced, which
 * `onReplaced` hears in a sentence. Throws E_STATE when it cannot be used; NewerFormatError before anything is changed.
 */
export function openFile(folder: string, onReplaced: (text: string) => void): DatabaseSync {
  try {
    return openIntact(folder)
  } catch (error) {
    if (!isDamaged(error)) throw unusableState(folder, error)
  }
  try {
    onReplaced(setRecordAside(path.join(folder, FILE)))
    return openIntact(folder)
  } catch (error) {
    throw unusableState(folder, error)
  }
}

/** Throws SQLite's error, also for damage that shows only when all of it is read. */
function openIntact(folder: string): DatabaseSync {
  let database: DatabaseSync | null = null
  try {
    makePrivateFolder(folder)
    const file = path.join(folder, FILE)
    database = new DatabaseSync(file, { timeout: BUSY_MS })
    recordVersion(database, file)
    database.exec(ONE_FILE)
    migrate(database, file)
    const [found] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})
    if (found !== 'ok') throw Object.assign(new Error('The database is damaged.'), { errcode: SQLITE_CORRUPT })
    return database
  } catch (error) {
    database?.close()
    throw error
  }
}

/**
 * Opens the file for reading only and creates nothing; null when no run has been recorded in this folder. Throws E_STATE
 * when it cannot be read.
 */
export function openFileToRead(folder: string): DatabaseSync | null {
  const file = path.join(folder, FILE)
  if (!existsSync(file)) return null
  try {
    try {
      return withTables(new DatabaseSync(file, { timeout: BUSY_MS, readOnly: true }), file)
    } catch (error) {
      // A process that was killed while it wrote has left its record half written; SQLite takes it back first.
      if (!isReadOnly(error)) throw error
      return withTables(new DatabaseSync(file, { timeout: BUSY_MS }), file)
    }
  } catch (error) {
    throw unusableState(folder, error)
  }
}

/**
 * Throws NewerFormatError when a newer version of this program has written the record of runs; one that cannot be read is
 * none of its business. Changes nothing.
 */
export function refuseNewerRecord(folder: string): void {
  const file = path.join(folder, FILE)
  if (!existsSync(file)) return
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(file, { timeout: BUSY_MS, readOnly: true })
    recordVersion(database, file)
  } catch (error) {
    if (error instanceof NewerFormatError) throw error
  } finally {
    database?.close()
  }
}

/** Null when its table is not there: it was killed before its first record. Throws NewerFormatError. */
function withTables(database: DatabaseSync, file: string): DatabaseSync | null {
  try {
    recordVersion(database, file)
    const made = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'runs'").get() !== undefined
    if (made) return database
    database.close()
    return null
  } catch (error) {
    database.close()
    throw error
  }
}
