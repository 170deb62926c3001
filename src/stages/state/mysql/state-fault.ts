import { BackupError } from '../../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import { clientFailure } from '../../database/client.ts'
import { databaseFault, serverAddress } from '../../database/fault.ts'

/** The state in X at Y, as the subject of a sentence. */
export function stateIn(database: DatabaseConfig): string {
  return `The state in the database ${database.name} at ${serverAddress(database)}`
}

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

/** What the account of the configuration has to be given. */
export function stateGrant({ name, user }: DatabaseConfig): string {
  return `As an administrator of the database: GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${quoted(name)}.* TO the account ${user}.`
}

/** What the server says to an account that lacks a privilege. */
const REFUSALS: readonly number[] = [1044, 1142, 1143, 1227, 1370]

/** Whether an error of `unusableDatabase` says that the account lacks a privilege. */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof BackupError) || error.cause === undefined) return false
  const { number } = clientFailure(error.cause)
  return number !== null && REFUSALS.includes(number)
}

/** Numbers of the server (MySQL manual, "Server Error Message Reference") that mean something else here than for a dump. */
const ADVICE: readonly (readonly [numbers: readonly number[], advice: (database: DatabaseConfig) => string])[] = [
  [REFUSALS, stateGrant],
  [[1146], () => 'Start `dicom-backup run` again: it creates the missing tables.'],
  [[1290, 1792, 1836], () => 'The server only reads: name the one that takes changes under database.host.'],
  [[3, 28, 1021, 1114], () => "Free space on the database server's disk."],
  [[1205, 1213], () => 'Another program has locked the tables; the next run tries again.'],
]

/** E_STATE: the state cannot be read or written. */
export function unusableDatabase(database: DatabaseConfig, error: unknown): BackupError {
  if (error instanceof BackupError) return error
  const { words, number } = clientFailure(error)
  const known = ADVICE.find(([numbers]) => number !== null && numbers.includes(number))
  const { advice } = databaseFault(database, { what: '', words, number })
  return new BackupError('E_STATE', `${stateIn(database)} cannot be used: ${words}`, {
    advice: known?.[1](database) ?? (advice || 'Check the database server and its error log.'),
    cause: error,
  })
}
