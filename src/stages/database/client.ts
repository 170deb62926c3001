/** The connection of mysql2, on a socket of our own, and what its errors say. */
import { readFile } from 'node:fs/promises'
import { connect, isIP, type Socket } from 'node:net'
import type { Connection, ConnectionOptions, SslOptions } from 'mysql2/promise'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig, DatabaseTls } from '../config/types.ts'
import { signEd25519 } from './ed25519.ts'

const CONNECT_MS = 10_000

type OnSocket = (socket: Socket) => void

/**
 * Signs in within 10 s: with TLS as `database.tls` says; without that section in the clear, and when the server refuses
 * that, with TLS, since an account may need it. `onSocket` is given the connection's socket, and another one when it is
 * tried again; each may be destroyed at any moment, also while mysql2 still waits for the server's greeting. Rejects as
 * mysql2 does (`clientFailure` tells what it means), or with what `onSocket` throws.
 */
export async function signIn(
  database: DatabaseConfig,
  onSocket: OnSocket,
  options: ConnectionOptions = {},
): Promise<Connection> {
  const { tls } = database
  if (tls !== undefined) {
    try {
      return await connectOnce(database, onSocket, { ...options, ssl: await sslOptions(database, tls) })
    } catch (error) {
      if (tls.required || !(error instanceof Error && 'code' in error && error.code === NO_TLS)) throw error
      return await connectOnce(database, onSocket, options)
    }
  }
  try {
    return await connectOnce(database, onSocket, options)
  } catch (error) {
    if (!MAY_NEED_TLS.includes(clientFailure(error).number ?? 0)) throw error
    try {
      return await connectOnce(database, onSocket, { ...options, ssl: { rejectUnauthorized: false } })
    } catch {
      throw error
    }
  }
}

const NO_TLS = 'HANDSHAKE_NO_SSL_SUPPORT'
/** What servers answer to a sign-in without TLS that needs it: access denied, or insecure transport. */
const MAY_NEED_TLS = [1045, 3159]

/** mysql2's options of TLS. A certificate is checked when its authority is known; by a socket no name belongs to it. */
async function sslOptions({ socket }: DatabaseConfig, { ca, cert, key }: DatabaseTls): Promise<SslOptions> {
  return {
    rejectUnauthorized: ca !== null,
    verifyIdentity: ca !== null && socket === null,
    ...(ca === null ? {} : { ca: await readPem(ca) }),
    ...(cert === null || key === null ? {} : { cert: await readPem(cert), key: await readPem(key) }),
  }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new BackupError('E_CONFIG', `${file} cannot be read (${systemCode(error)}).`, {
      advice: 'Correct database.tls in the configuration.',
      cause: error,
    })
  }
}

async function connectOnce(
  database: DatabaseConfig,
  onSocket: OnSocket,
  options: ConnectionOptions,
): Promise<Connection> {
  const { createConnection } = await import('mysql2/promise')
  const stream = openSocket(database)
  onSocket(stream)
  const { host, user, password, name } = database
  try {
    const connection = await createConnection({
      stream,
      // For the name in the server's certificate.
      host,
      user,
      password,
      database: name,
      charset: 'utf8mb4',
      connectTimeout: CONNECT_MS,
      authPlugins: { client_ed25519: () => (message) => signEd25519(password, message) },
      ...options,
    })
    // What breaks the connection is reported by the query it breaks; unheard, it would end the process.
    connection.on('error', () => undefined)
    return connection
  } catch (error) {
    stream.destroy()
    throw error
  }
}

function openSocket({ host, port, socket }: DatabaseConfig): Socket {
  if (socket === null) {
    const stream = connect({ host, port, noDelay: true })
    // TLS compares the certificate with this name; Node notes it itself only where it has to look a name up.
    return isIP(host) === 0 ? stream : Object.assign(stream, { _host: host })
  }
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
  HANDSHAKE_NO_SSL_SUPPORT: 2026,
  HANDSHAKE_SSL_ERROR: 2026,
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
