import type { DatabaseConfig } from '../config/types.ts'
import { withDatabase } from './connect.ts'
import { missingPrivileges, type MissingPrivilege, type Server } from './privileges.ts'
import { readSchema, type Schema } from './schema.ts'

/** What is known of a database before it is dumped. */
export interface DatabaseInspection extends Server {
  /** The database's default character set and collation. */
  readonly charset: string
  readonly collation: string
  /** Tables that a dump has rows of; views are none. */
  readonly tables: number
  /** Bytes of the rows, by the server's own statistics and without its indexes: about what the dump will be. */
  readonly estimatedBytes: number
  /**
   * Tables whose engine knows no transactions (MyISAM, …): what is written to them during the dump may be half in it.
   */
  readonly nonTransactional: readonly string[]
  /** Tables that keep their earlier rows (WITH SYSTEM VERSIONING). */
  readonly versioned: readonly string[]
  readonly schema: Schema
  /** Empty when the account may dump everything. */
  readonly missingPrivileges: readonly MissingPrivilege[]
}

const TABLES = `
  SELECT table_name AS name, table_type AS type, data_length AS bytes,
    engine IN (SELECT engine FROM information_schema.engines WHERE transactions = 'YES') AS transactional
  FROM information_schema.tables
  WHERE table_schema = DATABASE()
  ORDER BY table_name`

const WITH_ROWS = ['BASE TABLE', 'SYSTEM VERSIONED']

/**
 * Signs in to the database and looks at what a dump of it would meet; changes nothing. Rejects with E_AUTH when the
 * sign-in is refused, with E_DUMP when the server cannot be reached within 10 s, does not have the database or fails.
 */
export async function inspectDatabase(database: DatabaseConfig, signal: AbortSignal): Promise<DatabaseInspection> {
  return withDatabase(database, signal, async (query) => {
    const [about] = await query(
      'SELECT VERSION() AS version, @@version_comment AS comment, @@character_set_database AS charset, @@collation_database AS collation',
    )
    const version = String(about?.['version'])
    const flavour = /mariadb/i.test(`${version} ${String(about?.['comment'])}`) ? 'mariadb' : 'mysql'
    const all = (await query(TABLES)).map((row) => ({
      name: String(row['name']),
      type: String(row['type']),
      bytes: Number(row['bytes'] ?? 0),
      isTransactional: Number(row['transactional']) === 1,
    }))
    const tables = all.filter(({ type }) => WITH_ROWS.includes(type))
    const missing = await missingPrivileges(query, { version, flavour }, database.name)
    // Without them the server refuses to show any view, be it broken or not.
    const mayShowViews = missing.every(({ shows }) => shows !== 'tables' && shows !== 'views')
    return {
      version,
      flavour,
      charset: String(about?.['charset']),
      collation: String(about?.['collation']),
      tables: tables.length,
      estimatedBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
      nonTransactional: tables.filter(({ isTransactional }) => !isTransactional).map(({ name }) => name),
      versioned: tables.filter(({ type }) => type === 'SYSTEM VERSIONED').map(({ name }) => name),
      missingPrivileges: missing,
      schema: await readSchema(query, all, mayShowViews),
    }
  })
}
