/** The connection of mysql2, on a socket of our own, and what its errors say. */
import { connect, type Socket } from 'node:net'
import type { Connection, ConnectionOptions } from 'mysql2/promise'
import type { DatabaseConfig } from '../config/types.ts'

const CONNECT_MS = 10_000

/**
 * Signs in within 10 s. `onSocket` is given the connection's socket, which may be destroyed at any moment, also while mysql2
 * still waits for the server's greeting. Rejects as mysql2 does (`clientFailure` tells what it means), or with what
 * `onSocket` throws.
 */
export async function signIn(
  database: DatabaseConfig,
  onSocket: (socket: Socket) => void,
  options: ConnectionOptions = {},
): Promise<Connection> {
  const { createConnection } = await import('mysql2/promise')
  const stream = openSocket(database)
  onSocket(stream)
  const { user, password, name } = database
  const connection = await createConnection({
    stream,
    user,
    password,
    database: name,
    charset: 'utf8mb4',
    connectTimeout: CONNECT_MS,
    ...options,
  })
  // What breaks the connection is told by the query it breaks; unheard, it would end the process.
  connection.on('error', () => undefined)
  return connection
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

export interface ClientFailure {
  /** The other side's own words. */
  readonly words: string
  /** Error number of the server, or of the client library for what the network or mysql2 says; null: none. */
  readonly number: number | null
  /** Whether the server answered with it, so that the connection is as good as before. */
  readonly isAnswer: boolean
}

export function clientFailure(error: unknown): ClientFailure {
  const { message, code, errno } = error instanceof Error ? (error as Error & { code?: unknown; errno?: unknown }) : {}
  const name = typeof code === 'string' ? code : ''
  const known = NUMBERS[name]
  // The network's numbers are negative; the server's are its own.
  const answered = known === undefined && typeof errno === 'number' && errno > 0
  return {
    words: message || name || 'no reason given',
    number: known ?? (answered ? errno : null),
    isAnswer: answered,
  }
}
