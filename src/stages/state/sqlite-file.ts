import { existsSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makePrivateFolder } from '../windows/private-path.ts'
import { setRecordAside } from './set-aside.ts'
import { isDamaged, isReadOnly, SQLITE_CORRUPT, unusableState } from './state-error.ts'

/** How long another process that is writing its record is waited for. ms. */
const BUSY_MS = 5000

const FILE = 'state.sqlite'

/** One file without a write-ahead log: reading such a state creates nothing beside it. */
const SCHEMA = `
  PRAGMA journal_mode = DELETE;
  CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    archive TEXT,
    bytes INTEGER,
    files INTEGER,
    file_bytes INTEGER,
    tables INTEGER,
    dump_bytes INTEGER,
    sane INTEGER NOT NULL,
    warnings TEXT NOT NULL,
    destinations TEXT NOT NULL,
    md5 TEXT,
    content_hash TEXT,
    triggered_by TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS verifications (
    archive TEXT NOT NULL,
    at TEXT NOT NULL,
    ok INTEGER NOT NULL,
    method TEXT NOT NULL,
    checks TEXT NOT NULL
  ) STRICT;
`

/** Columns that files of earlier versions lack. */
const ADDED = { md5: 'TEXT', content_hash: 'TEXT', triggered_by: 'TEXT' }

/**
 * Opens or creates the file; the folder is made when it is missing. A damaged file is set aside and replaced, which
 * `onReplaced` hears in a sentence. Throws E_STATE when it cannot be used.
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
    database = new DatabaseSync(path.join(folder, FILE), { timeout: BUSY_MS })
    database.exec(SCHEMA)
    addColumns(database)
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
      return withTables(new DatabaseSync(file, { timeout: BUSY_MS, readOnly: true }))
    } catch (error) {
      // A process that was killed while it wrote has left its record half written; SQLite takes it back first.
      if (!isReadOnly(error)) throw error
      return withTables(new DatabaseSync(file, { timeout: BUSY_MS }))
    }
  } catch (error) {
    throw unusableState(folder, error)
  }
}

/** Null when its table is not there: it was killed before its first record. */
function withTables(database: DatabaseSync): DatabaseSync | null {
  try {
    const made = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'runs'").get() !== undefined
    if (made) return database
    database.close()
    return null
  } catch (error) {
    database.close()
    throw error
  }
}

function addColumns(database: DatabaseSync): void {
  const there = database.prepare("SELECT name FROM pragma_table_info('runs')").all()
  for (const [column, type] of Object.entries(ADDED)) {
    if (there.some(({ name }) => name === column)) continue
    database.exec(`ALTER TABLE runs ADD COLUMN ${column} ${type}`)
  }
}
