import type { DatabaseConfig } from '../config/types.ts'
import type { DumpClient } from './client.ts'

/** What the database holds that a dump has to be asked for, or must not be asked for. */
export interface DumpContent {
  /** Views that the server cannot show: the dump program would stop at the first of them. */
  readonly leaveOut: readonly string[]
  /** Whether there are system-versioned tables, whose earlier rows belong into the dump. */
  readonly history: boolean
  /** Without any row: to try whether a dump is possible. */
  readonly structureOnly?: boolean
}

/**
 * The dump program's arguments for the whole of a database as one consistent picture: tables with their rows, views,
 * triggers, routines and events. What an option file of the machine could take away is asked for by name, so that
 * it is the command line's word that counts. User, password and the names of views that are left out stand in
 * `optionFile`, never here.
 */
export function dumpArguments(
  client: DumpClient,
  database: DatabaseConfig,
  optionFile: string,
  { history, structureOnly = false }: Omit<DumpContent, 'leaveOut'>,
): string[] {
  return [
    `--defaults-extra-file=${optionFile}`, // must be the first
    ...connection(database),
    '--opt',
    // A table that takes its ids from a sequence cannot be loaded while it is locked and the sequence is not.
    '--skip-add-locks',
    '--single-transaction',
    '--quick',
    '--routines',
    '--events',
    '--triggers',
    '--hex-blob',
    '--default-character-set=utf8mb4',
    // The comments hold the names of the tables and the last line, by which a whole dump is known.
    '--skip-compact',
    '--comments',
    structureOnly ? '--no-data' : '--skip-no-data',
    '--skip-no-create-info',
    // The most there is: a row is never too large to be read.
    '--max-allowed-packet=1G',
    // Tablespaces are no part of a database, and reading them takes the PROCESS privilege.
    '--no-tablespaces',
    ...optional(client, history),
    '--',
    database.name,
  ]
}

function connection({ host, port, socket }: DatabaseConfig): string[] {
  if (socket === null) return ['--protocol=tcp', `--host=${host}`, `--port=${port}`]
  if (process.platform !== 'win32') return ['--protocol=socket', `--socket=${socket}`]
  return ['--protocol=pipe', `--socket=${socket.replace(/^\\\\\.\\pipe\\/i, '')}`]
}

/** Options that not every dump program knows. */
function optional({ options }: DumpClient, history: boolean): string[] {
  return [
    // A backup of one database says nothing about the server's replication; the default asks for more privileges.
    ...(options.has('set-gtid-purged') ? ['--set-gtid-purged=OFF'] : []),
    // Servers before MySQL 8, and all of MariaDB's, do not have the table it reads.
    ...(options.has('column-statistics') ? ['--column-statistics=0'] : []),
    ...(history && knowsHistory({ options }) ? ['--dump-history'] : []),
  ]
}

/** Whether the program can dump the earlier rows of system-versioned tables (mariadb-dump 10.11). */
export function knowsHistory({ options }: Pick<DumpClient, 'options'>): boolean {
  return options.has('dump-history')
}
