/** The record of runs from one version to the next. SQLite keeps the version in the file itself, as its `user_version`. */
import type { DatabaseSync } from 'node:sqlite'
import { knownVersion, type Format } from '../../pipeline/files/format-version.ts'

/**
 * Each brings a record from the version that is its index to the next one. What was made before there were versions is 0,
 * whatever it has; so the first three find some of their work done. Never change one that was published.
 */
const MIGRATIONS: readonly ((database: DatabaseSync) => void)[] = [
  (database) => {
    database.exec(FIRST_TABLES)
  },
  (database) => {
    addColumn(database, 'md5')
    addColumn(database, 'content_hash')
  },
  (database) => {
    addColumn(database, 'triggered_by')
  },
]

export const RECORD_FORMAT: Format = { name: 'the record of runs', version: MIGRATIONS.length }

const FIRST_TABLES = `
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
    destinations TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS verifications (
    archive TEXT NOT NULL,
    at TEXT NOT NULL,
    ok INTEGER NOT NULL,
    method TEXT NOT NULL,
    checks TEXT NOT NULL
  ) STRICT;
`

/** The version of a record; 0 for a new file. Throws NewerFormatError, and SQLite's errors. Changes nothing. */
export function recordVersion(database: DatabaseSync, file: string): number {
  const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {})
  return knownVersion(RECORD_FORMAT, Number(version), `The file ${file} in the state folder`)
}

/**
 * Brings a record to the newest version, each step in a transaction of its own, so that a killed process leaves one of the
 * versions. Several processes may do so at once. Throws NewerFormatError before anything is changed, and SQLite's errors.
 */
export function migrate(database: DatabaseSync, file: string): void {
  while (recordVersion(database, file) < MIGRATIONS.length) {
    database.exec('BEGIN IMMEDIATE')
    try {
      // Another process may have made this step while the lock was waited for.
      const version = recordVersion(database, file)
      MIGRATIONS[version]?.(database)
      if (version < MIGRATIONS.length) database.exec(`PRAGMA user_version = ${version + 1}`)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

function addColumn(database: DatabaseSync, column: string): void {
  const there = database.prepare("SELECT 1 FROM pragma_table_info('runs') WHERE name = ?").get(column)
  if (there === undefined) database.exec(`ALTER TABLE runs ADD COLUMN ${column} TEXT`)
}
