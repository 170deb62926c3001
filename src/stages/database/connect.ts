import { connect, type Socket } from 'node:net'
import type { RowDataPacket } from 'mysql2'
import { abortError, BackupError } from '../../pipeline/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { databaseFault, serverAddress } from './fault.ts'

/** Runs one statement; `?` stands for the values. */
export type Query = (sql: string, values?: readonly (string | number)[]) => Promise<RowDataPacket[]>

const CONNECT_MS = 10_000
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
): Promise<T> {
  const { createConnection } = await import('mysql2/promise')
  // A socket of our own can be destroyed at any moment, also while mysql2 still waits for the server's greeting.
  const socket = openSocket(database)
  const stop = (): void => {
    socket.destroy()
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    const connection = await createConnection({
      stream: socket,
      user: database.user,
      password: database.password,
      database: database.name,
      charset: 'utf8mb4',
      connectTimeout: CONNECT_MS,
    })
    // What breaks the connection is told by the query it breaks; unheard, it would end the process.
    connection.on('error', () => undefined)
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
    socket.destroy()
  }
}

function openSocket({ host, port, socket }: DatabaseConfig): Socket {
  if (socket === null) return connect({ host, port, noDelay: true })
  const pipe = process.platform === 'win32' && !socket.startsWith('\\\\')
  return connect(pipe ? `\\\\.\\pipe\\${socket}` : socket)
}

/** Codes of the network and of mysql2, as the client library's numbers. */
const NUMBERS: Readonly<Record<string, number>> = {
  ECONNREFUSED: 2003,
  ETIMEDOUT: 2003,
  EHOSTUNREACH: 2003,
  ENETUNREACH: 2003,
  ENOTFOUND: 2005,
  EAI_AGAIN: 2005,
  ENOENT: 2002,
  EACCES: 2002,
  ECONNRESET: 2013,
  EPIPE: 2013,
  PROTOCOL_CONNECTION_LOST: 2013,
  AUTH_SWITCH_PLUGIN_ERROR: 2059,
}

function clientFault(database: DatabaseConfig, error: unknown): BackupError {
  const { message, code, errno } = error instanceof Error ? (error as Error & { code?: unknown; errno?: unknown }) : {}
  const name = typeof code === 'string' ? code : ''
  // The network's numbers are negative; the server's are its own.
  const number = NUMBERS[name] ?? (typeof errno === 'number' && errno > 0 ? errno : null)
  return databaseFault(database, {
    what: `The database ${database.name} at ${serverAddress(database)} cannot be used`,
    words: message || name || 'no reason given',
    number,
    cause: error,
  })
}
