import { abortError, BackupError } from '../../../pipeline/contract/errors.ts'
import type { RestoredDatabase } from '../../contract/results.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import { runClient, type ClientEnd } from './client-run.ts'
import { clientFault, errorNumber, UNKNOWN_DATABASE } from './fault.ts'

/** A database server, by way of its client program. Every call rejects with E_AUTH or E_DUMP in the client's own words. */
export interface SqlServer {
  readonly config: DatabaseConfig
  /** Path of the client program. */
  readonly program: string
  /** A private folder for option files. */
  readonly folder: string
}

export type RowCounts = Pick<RestoredDatabase, 'name' | 'tables' | 'rows' | 'rowsByTable'>

export type DatabaseState = 'missing' | 'empty' | 'filled'

/** Anything that a database can hold: tables with their triggers and views, routines, events. */
const CONTENT = `
  SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE())
    + (SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = DATABASE())
    + (SELECT COUNT(*) FROM information_schema.events WHERE event_schema = DATABASE());
`
/** What a dump's outline counts as tables; in hex, as names may have line breaks. */
const TABLES = `
  SELECT HEX(table_name) FROM information_schema.tables
  WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name;
`

export async function databaseState(server: SqlServer, name: string, signal: AbortSignal): Promise<DatabaseState> {
  const end = await run(server, name, CONTENT, signal)
  if (errorNumber(end) === UNKNOWN_DATABASE) return 'missing'
  mustBeWell(end, `The database ${name} cannot be inspected`, server, name)
  return Number(end.stdout) === 0 ? 'empty' : 'filled'
}

/** Of a database; each null where it is not known. */
export interface Defaults {
  readonly charset: string | null
  readonly collation: string | null
}

export async function createDatabase(
  server: SqlServer,
  name: string,
  defaults: Defaults,
  signal: AbortSignal,
): Promise<void> {
  const sql = `CREATE DATABASE ${quoted(name)}${defaultsSql(defaults) || ' CHARACTER SET utf8mb4'};`
  mustBeWell(await run(server, null, sql, signal), `The database ${name} could not be created`, server, name)
}

/** Gives a database these defaults, where any is known. */
export async function alterDatabase(
  server: SqlServer,
  name: string,
  defaults: Defaults,
  signal: AbortSignal,
): Promise<void> {
  const words = defaultsSql(defaults)
  if (words === '') return
  const what = `The character set of the database ${name} could not be set`
  mustBeWell(await run(server, null, `ALTER DATABASE ${quoted(name)}${words};`, signal), what, server, name)
}

export function defaultsSql({ charset, collation }: Defaults): string {
  return `${charset === null ? '' : ` CHARACTER SET ${charset}`}${collation === null ? '' : ` COLLATE ${collation}`}`
}

/** What a server says of itself. */
export interface ServerFacts {
  /** The longest statement that it takes, bytes. */
  readonly longestStatement: number
  /** Whether it takes names of databases that differ in capitals only for one. */
  readonly ignoreCase: boolean
}

export async function serverFacts(server: SqlServer, signal: AbortSignal): Promise<ServerFacts> {
  const sql = 'SELECT @@global.max_allowed_packet; SELECT @@lower_case_table_names;'
  const end = await run(server, null, sql, signal)
  mustBeWell(end, 'The server cannot be asked for its settings', server, server.config.name)
  const [packet, lower] = lines(end.stdout).map(Number)
  return { longestStatement: packet ?? 0, ignoreCase: lower !== 0 }
}

/** The accounts of the server, `user@host`; null: this account may not see them. */
export async function accountsOf(server: SqlServer, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
  const end = await run(server, null, "SELECT HEX(CONCAT(user, '@', host)) FROM mysql.user;", signal)
  if (end.status !== 0) return null
  return new Set(lines(end.stdout).map(unhex))
}

/** One that is not there is no error. */
export async function dropDatabase(server: SqlServer, name: string, signal: AbortSignal): Promise<void> {
  const sql = `DROP DATABASE IF EXISTS ${quoted(name)};`
  mustBeWell(await run(server, null, sql, signal), `The database ${name} could not be dropped`, server, name)
}

/** Runs a dump in the database. Rejects also with what `statements` throws. */
export async function loadDatabase(
  server: SqlServer,
  name: string,
  statements: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const end = await feed(server, name, statements, signal)
  mustBeWell(end, `The dump could not be loaded into the database ${name}`, server, name)
}

/** The tables that are there now, with their rows. */
export async function countRows(server: SqlServer, name: string, signal: AbortSignal): Promise<RowCounts> {
  const what = `The rows of the database ${name} could not be counted`
  const tables = await run(server, name, TABLES, signal)
  mustBeWell(tables, what, server, name)
  const names = lines(tables.stdout).map(unhex)
  const counts = await run(server, name, names.map((one) => `SELECT COUNT(*) FROM ${quoted(one)};\n`).join(''), signal)
  mustBeWell(counts, what, server, name)
  const rows = lines(counts.stdout).map(Number)
  return {
    name,
    tables: names.length,
    rows: rows.reduce((sum, count) => sum + count, 0),
    rowsByTable: Object.fromEntries(names.map((one, index) => [one, rows[index] ?? 0])),
  }
}

/** Runs statements; gives the lines of the answer. Rejects when one fails, saying that `what` could not be done. */
export async function ask(
  server: SqlServer,
  database: string | null,
  sql: string,
  what: string,
  signal: AbortSignal,
): Promise<string[]> {
  const end = await run(server, database, sql, signal)
  mustBeWell(end, what, server, database ?? server.config.name)
  return lines(end.stdout)
}

async function run(server: SqlServer, database: string | null, sql: string, signal: AbortSignal): Promise<ClientEnd> {
  async function* input(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(sql))
  }
  return await feed(server, database, input(), signal)
}

async function feed(
  { program, config, folder }: SqlServer,
  database: string | null,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<ClientEnd> {
  return await runClient({ program, server: config, database, folder, input, signal })
}

/** What Windows programs end with on Ctrl-C, which the console hands to each of them. */
const STATUS_CONTROL_C_EXIT = 0xc000013a

function mustBeWell(end: ClientEnd, what: string, { config }: SqlServer, name: string): void {
  if (end.status === STATUS_CONTROL_C_EXIT) throw abortError(AbortSignal.abort())
  if (end.status !== 0) throw clientFault(what, config, name, end)
}

export const unhex = (hex: string): string => Buffer.from(hex, 'hex').toString('utf8')

function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '')
}

export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

const SYSTEM = ['mysql', 'sys', 'information_schema', 'performance_schema']

/** Throws E_CONFIG when no dump may be restored to a database of this name. */
export function mustBeDatabaseName(name: string): void {
  // MySQL manual, "Schema Object Names"
  const fault =
    name === '' || Array.from(name).length > 64
      ? 'has 1 to 64 characters'
      : /[\0/\\.\p{Cc}]|\s$|^-/u.test(name)
        ? 'has no slash, backslash, full stop or control character, no "-" at its start and no space at its end'
        : SYSTEM.includes(name.toLowerCase())
          ? "is not one of the server's own"
          : null
  if (fault === null) return
  throw new BackupError('E_CONFIG', `--database: the name of a database to restore to ${fault}.`, {
    advice: 'Name a new one, as in --database viewer_restored.',
  })
}
