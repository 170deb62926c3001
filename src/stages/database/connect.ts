import type { Socket } from 'node:net'
import type { RowDataPacket } from 'mysql2'
import type { ConnectionOptions } from 'mysql2/promise'
import { abortError, BackupError } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { clientFailure, signIn } from './client.ts'
import { databaseFault, serverAddress } from './fault.ts'

/** Runs one statement; `?` stands for the values. */
export type Query = (sql: string, values?: readonly (string | number)[]) => Promise<RowDataPacket[]>

const QUERY_MS = 60_000

/**
 * Signs in to the database, does `work` and closes the connection, whatever comes. Rejects with E_AUTH when the sign-in
 * or a privilege is refused, with E_DUMP when the server cannot be reached (10 s), does not have the database or fails,
 * with E_ABORTED as soon as the signal aborts. A BackupError of `work` passes unchanged.
 */
export async function withDatabase<T>(
  database: DatabaseConfig,
  signal: AbortSignal,
  work: (query: Query) => Promise<T>,
  options: ConnectionOptions = {},
): Promise<T> {
  let socket: Socket | null = null
  const stop = (): void => {
    socket?.destroy()
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    const onSocket = (opened: Socket): void => {
      socket = opened
      signal.throwIfAborted()
    }
    const connection = await signIn(database, onSocket, options)
    const result = await work(async (sql, values = []) => {
      const [rows] = await connection.query<RowDataPacket[]>({ sql, values: [...values], timeout: QUERY_MS })
      return rows
    })
    await connection.end()
    return result
  } catch (error) {
    if (signal.aborted) throw abortError(signal)
    throw error instanceof BackupError ? error : clientFault(database, error)
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

/**
 * Makes sure that the server has TLS where the configuration requires it and names no authority: MariaDB's programs before
 * 11.4 would go on in the clear then. Rejects as `withDatabase` does.
 */
export async function mustHaveTls(database: DatabaseConfig, signal: AbortSignal): Promise<void> {
  const { tls } = database
  if (tls?.required !== true || tls.ca !== null) return
  // Without a database: a restore is to make it yet.
  await withDatabase(database, signal, () => Promise.resolve(), { database: '' })
}

function clientFault(database: DatabaseConfig, error: unknown): BackupError {
  const { words, number } = clientFailure(error)
  return databaseFault(database, {
    what: `The database ${database.name} at ${serverAddress(database)} cannot be used`,
    words,
    number,
    cause: error,
  })
}
