/** The tables: the viewer's, as its pages read and write them, and beside them what those cannot hold. */
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { knownVersion, type Format } from '../../../pipeline/files/format-version.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import type { Session } from './connection.ts'
import { isRefused, stateIn } from './state-fault.ts'

type Columns = Readonly<Record<string, string>>

interface Table {
  readonly columns: Columns
  /** Further definitions: keys. */
  readonly keys?: readonly string[]
  /** Columns of the viewer's that nothing here needs. */
  readonly spare?: readonly string[]
}

const ID = 'INT AUTO_INCREMENT PRIMARY KEY'
/** ISO 8601 with offset. */
const TIME = 'VARCHAR(40) NOT NULL'

/** As the viewer makes them. */
const VIEWERS = {
  backup_schedule_config: {
    columns: {
      id: ID,
      schedule_enabled: 'TINYINT(1) NOT NULL DEFAULT 0',
      interval_hours: 'INT NOT NULL DEFAULT 6',
      next_backup_time: 'DATETIME NULL',
      last_run_time: 'DATETIME NULL',
    },
  },
  backup_accounts: {
    columns: {
      id: ID,
      account_name: 'VARCHAR(255) NOT NULL',
      backup_provider: "VARCHAR(32) NOT NULL DEFAULT 'google_drive'",
      credentials_json: 'LONGTEXT NULL',
      dropbox_access_token: 'TEXT NULL',
      service_account_email: 'VARCHAR(255) NULL',
      folder_name: "VARCHAR(255) NOT NULL DEFAULT 'DICOM_Backups'",
      is_active: 'TINYINT(1) NOT NULL DEFAULT 1',
      last_backup_date: 'DATETIME NULL',
      last_backup_status: 'TEXT NULL',
      created_at: 'TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP',
    },
    spare: ['service_account_email', 'created_at'],
  },
  backup_history: {
    columns: {
      id: ID,
      backup_filename: 'VARCHAR(255) NOT NULL',
      gdrive_file_id: 'VARCHAR(255) NULL',
      backup_size_bytes: 'BIGINT NULL',
      backup_date: 'DATETIME NOT NULL',
      backup_type: "VARCHAR(32) NOT NULL DEFAULT 'manual'",
      status: 'VARCHAR(32) NOT NULL',
      error_message: 'TEXT NULL',
    },
  },
} as const satisfies Readonly<Record<string, Table>>

/** Keys of no more than 767 bytes, which every version takes. */
const OWN = {
  dicom_backup_runs: {
    columns: {
      // In the order in which they were saved.
      seq: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
      run_id: 'VARCHAR(64) NOT NULL',
      triggered_by: 'VARCHAR(16) NOT NULL',
      status: 'VARCHAR(16) NOT NULL',
      started_at: TIME,
      // The same in ms since 1970.
      started_ms: 'BIGINT NOT NULL',
      finished_at: TIME,
      planned_name: 'VARCHAR(255) NOT NULL',
      archive: 'VARCHAR(255) NULL',
      bytes: 'BIGINT NULL',
      md5: 'VARCHAR(32) NULL',
      content_hash: 'VARCHAR(64) NULL',
      source_files: 'BIGINT NULL',
      source_bytes: 'BIGINT NULL',
      source_tables: 'BIGINT NULL',
      source_dump_bytes: 'BIGINT NULL',
      sane: 'TINYINT NOT NULL',
      // JSON
      warnings: 'LONGTEXT NOT NULL',
    },
    keys: ['UNIQUE KEY one_run (run_id)', 'KEY by_start (started_ms)', 'KEY by_name (planned_name(100))'],
  },
  dicom_backup_copies: {
    columns: {
      id: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
      run_id: 'VARCHAR(64) NOT NULL',
      destination: 'VARCHAR(400) NOT NULL',
      type: 'VARCHAR(64) NOT NULL',
      status: 'VARCHAR(16) NOT NULL',
      bytes_sent: 'BIGINT NOT NULL',
      remote_id: 'TEXT NULL',
      remote_path: 'TEXT NULL',
      error_code: 'VARCHAR(32) NULL',
      error_message: 'MEDIUMTEXT NULL',
      // Its row in backup_history; NULL while it has none.
      history_id: 'BIGINT NULL',
    },
    keys: ['KEY of_run (run_id)', 'KEY by_destination (destination(100))'],
  },
  dicom_backup_verifications: {
    columns: {
      id: 'BIGINT AUTO_INCREMENT PRIMARY KEY',
      archive: 'VARCHAR(255) NOT NULL',
      verified_at: TIME,
      ok: 'TINYINT NOT NULL',
      method: 'VARCHAR(32) NOT NULL',
      // JSON
      checks: 'LONGTEXT NOT NULL',
    },
  },
  // Who holds the server's lock: one row, to be shown to others. The lock itself is GET_LOCK's.
  dicom_backup_lock: {
    columns: {
      id: 'TINYINT PRIMARY KEY',
      token: 'VARCHAR(64) NOT NULL',
      connection_id: 'BIGINT UNSIGNED NOT NULL',
      host: 'VARCHAR(255) NOT NULL',
      pid: 'BIGINT NOT NULL',
      since: TIME,
    },
  },
  // The version of those above, in one row.
  dicom_backup_format: { columns: { id: 'TINYINT PRIMARY KEY', format: 'INT NOT NULL' } },
} as const satisfies Readonly<Record<string, Table>>

/** Of our own tables. Version 0 does not have the table that says so, and is else the same. */
const TABLES_FORMAT: Format = { name: 'its tables (dicom_backup_…)', version: 1 }
const FORMAT_TABLE = 'dicom_backup_format'

export type TableName = keyof typeof VIEWERS | keyof typeof OWN

const TABLES: Readonly<Record<TableName, Table>> = { ...VIEWERS, ...OWN }
export const TABLE_NAMES = Object.keys(TABLES) as TableName[]

/** Case and accents of names tell destinations apart in our tables, as everywhere else here. */
function createStatement(name: TableName): string {
  const { columns, keys = [] } = TABLES[name]
  const lines = [...Object.entries(columns).map(([column, type]) => `${column} ${type}`), ...keys]
  const collation = name in OWN ? ' COLLATE=utf8mb4_bin' : ''
  return `CREATE TABLE IF NOT EXISTS ${name} (${lines.join(', ')}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4${collation}`
}

/** The tables that a state cannot do without. */
export const NEEDED_TABLES = TABLE_NAMES.filter((name) => name !== FORMAT_TABLE)

/**
 * The tables that are there. Rejects with E_STATE when one of them lacks a column that is needed, with NewerFormatError when
 * they are of a newer version.
 */
export async function presentTables(session: Session, database: DatabaseConfig): Promise<ReadonlySet<TableName>> {
  const found = await session.rows(
    `SELECT LOWER(table_name) AS tab, LOWER(column_name) AS col FROM information_schema.columns
     WHERE table_schema = DATABASE() AND LOWER(table_name) IN (${TABLE_NAMES.map(() => '?').join(', ')})`,
    ...TABLE_NAMES,
  )
  const columns = new Map<unknown, Set<unknown>>()
  for (const { tab, col } of found) columns.set(tab, (columns.get(tab) ?? new Set()).add(col))
  const present = TABLE_NAMES.filter((name) => columns.has(name))
  if (present.includes(FORMAT_TABLE)) await checkVersion(session, database)
  const faults = present.flatMap((name) => {
    const { columns: needed, spare = [] } = TABLES[name]
    const missing = Object.keys(needed).filter((one) => !spare.includes(one) && columns.get(name)?.has(one) !== true)
    return missing.length === 0
      ? []
      : [{ name, missing, add: missing.map((one) => `ADD COLUMN ${one} ${needed[one] ?? ''}`) }]
  })
  if (faults.length === 0) return new Set(present)
  const list = faults.map(({ name, missing }) => `the table ${name} has no column ${missing.join(', ')}`).join('; ')
  throw new BackupError('E_STATE', `${stateIn(database)} cannot be used: ${list}.`, {
    advice: `If it is the viewer's own table: ${faults.map(({ name, add }) => `ALTER TABLE ${name} ${add.join(', ')};`).join(' ')} Else rename it.`,
  })
}

/** Makes the tables that are not there. Several processes may do so at once. */
export async function createTables(session: Session, present: ReadonlySet<TableName>): Promise<void> {
  for (const name of NEEDED_TABLES) {
    if (!present.has(name)) await session.write(createStatement(name))
  }
  await noteVersion(session, present)
}

/** An account that may make no table has version 0: that is as good, and it is not asked for more than it needed before. */
async function noteVersion(session: Session, present: ReadonlySet<TableName>): Promise<void> {
  try {
    if (!present.has(FORMAT_TABLE)) await session.write(createStatement(FORMAT_TABLE))
    const isNoted = (await session.rows(`SELECT 1 FROM ${FORMAT_TABLE}`)).length > 0
    if (!isNoted) await session.write(`INSERT IGNORE INTO ${FORMAT_TABLE} VALUES (1, ?)`, TABLES_FORMAT.version)
  } catch (error) {
    if (!isRefused(error)) throw error
  }
}

async function checkVersion(session: Session, database: DatabaseConfig): Promise<void> {
  const [row] = await session.rows(`SELECT format FROM ${FORMAT_TABLE}`)
  knownVersion(TABLES_FORMAT, row === undefined ? undefined : Number(row['format']), stateIn(database))
}
