import type { DatabaseConfig } from '../config/types.ts'
import type { DumpClient } from './client.ts'

/**
 * The dump program's arguments for the whole of a database as one consistent picture: tables with their rows, views,
 * triggers, routines and events. What an option file of the machine could take away is asked for by name, so that
 * it is the command line's word that counts. User and password stand in `optionFile`, never here.
 */
export function dumpArguments(client: DumpClient, database: DatabaseConfig, optionFile: string): string[] {
  return [
    `--defaults-extra-file=${optionFile}`, // must be the first
    ...connection(database),
    '--opt',
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
    '--skip-no-data',
    '--skip-no-create-info',
    // The most there is: a row is never too large to be read.
    '--max-allowed-packet=1G',
    // Tablespaces are no part of a database, and reading them takes the PROCESS privilege.
    '--no-tablespaces',
    ...forMySql(client),
    '--',
    database.name,
  ]
}

function connection({ host, port, socket }: DatabaseConfig): string[] {
  if (socket === null) return ['--protocol=tcp', `--host=${host}`, `--port=${port}`]
  if (process.platform !== 'win32') return ['--protocol=socket', `--socket=${socket}`]
  return ['--protocol=pipe', `--socket=${socket.replace(/^\\\\\.\\pipe\\/i, '')}`]
}

/** Options that MariaDB's program does not know. */
function forMySql({ flavour, version: [major, minor, patch] }: DumpClient): string[] {
  if (flavour !== 'mysql') return []
  const since = (a: number, b: number, c: number): boolean =>
    major !== a ? major > a : minor !== b ? minor > b : patch >= c
  return [
    // A backup of one database says nothing about the server's replication; the default asks for more privileges.
    ...(since(5, 6, 9) ? ['--set-gtid-purged=OFF'] : []),
    // Servers before MySQL 8, and all of MariaDB's, do not have the table it reads.
    ...(since(8, 0, 2) ? ['--column-statistics=0'] : []),
  ]
}
