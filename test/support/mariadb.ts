/** A real MariaDB server of the tests' own: in a temporary folder, on its own socket, gone with `close()`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, rmSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import type { DatabaseConfig } from '../../src/stages/config/types.ts'
import { needProgram } from './needed-programs.ts'
import { mariaDbTemplate, SERVER_OPTIONS } from './mariadb-template.ts'
import { withThisProcess } from './with-this-process.ts'

export { findProgram } from './find-program.ts'

const START_MS = 120_000

export type Row = Record<string, string | number | Buffer | null>

export interface MariaDb {
  readonly socket: string
  readonly host: '127.0.0.1'
  /** Loopback port; null when the server was not asked to listen. */
  readonly port: number | null
  /**
   * An account that may do everything, from anywhere. (The socket also takes root without a password, as XAMPP does.)
   */
  readonly user: string
  readonly password: string
  /** The server's process id, for tests that stop or kill it. */
  readonly pid: number
  /**
   * Runs SQL, several statements when separated by `;`, in `database` when it is named; resolves with the last one's
   * rows.
   */
  query(sql: string, database?: string): Promise<Row[]>
  /** Feeds a dump to the client program, as a person restoring it would. */
  load(database: string, dump: Uint8Array): Promise<void>
  /** Stops the server and removes its folder. */
  close(): Promise<void>
}

export interface MariaDbOptions {
  /** Listen on a free port of 127.0.0.1 too. */
  readonly tcp?: boolean
  /** Further arguments of the server. */
  readonly options?: readonly string[]
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/**
 * Starts a server with an empty data folder. One per test file is quick enough: `before(startMariaDb)`, `after(close)`.
 */
export async function startMariaDb(options: MariaDbOptions = {}): Promise<MariaDb> {
  // A short path: the socket's may have no more than about 100 bytes.
  const folder = await mkdtemp(path.join(os.tmpdir(), 'mdb-'))
  const data = path.join(folder, 'data')
  const socket = path.join(folder, 's')
  const port = options.tcp === true ? await freePort() : null
  const password = 'of the tests'
  await cp(await mariaDbTemplate(), data, { recursive: true, mode: constants.COPYFILE_FICLONE })
  const [program, ...args] = withThisProcess([
    needProgram('mariadbd'),
    ...SERVER_OPTIONS,
    `--datadir=${data}`,
    // Its own: temporary tables of servers that start at once clash in a shared one, and crash them.
    `--tmpdir=${folder}`,
    `--socket=${socket}`,
    `--pid-file=${path.join(folder, 'pid')}`,
    ...(port === null ? ['--skip-networking'] : ['--bind-address=127.0.0.1', `--port=${port}`]),
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_unicode_ci',
    '--innodb-flush-log-at-trx-commit=0',
    '--max-allowed-packet=64M',
    ...(options.options ?? []),
  ])
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-8192)
  })
  const end = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve()
    })
  })
  // A test file that fails half-way leaves nothing behind.
  const atExit = (): void => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  process.once('exit', atExit)
  const close = async (): Promise<void> => {
    process.off('exit', atExit)
    child.kill('SIGKILL') // its data is thrown away
    await end
    await rm(folder, { recursive: true, force: true })
  }

  const query = async (sql: string, database?: string): Promise<Row[]> => {
    const connection = await mysql.createConnection({
      socketPath: socket,
      user: 'root',
      multipleStatements: true,
      charset: 'utf8mb4',
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      ...(database === undefined ? {} : { database }),
    })
    try {
      const [result] = await connection.query(sql)
      return lastRows(result)
    } finally {
      await connection.end()
    }
  }

  const deadline = Date.now() + START_MS
  for (;;) {
    try {
      await query(`GRANT ALL ON *.* TO tests@'%' IDENTIFIED BY '${password}' WITH GRANT OPTION`)
      break
    } catch (error) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
        await close()
        throw new Error(`The tests' MariaDB did not start:\n${log}`, { cause: error })
      }
      await sleep(50)
    }
  }
  return {
    socket,
    host: '127.0.0.1',
    port,
    user: 'tests',
    password,
    pid: child.pid ?? 0,
    query,
    load: (database, dump) => load(socket, database, dump),
    close,
  }
}

async function load(socket: string, database: string, dump: Uint8Array): Promise<void> {
  const args = [
    '--no-defaults',
    `--socket=${socket}`,
    '--user=root',
    '--default-character-set=utf8mb4',
    '--comments',
    database,
  ]
  const client = spawn(needProgram('mariadb'), args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let words = ''
  client.stderr.setEncoding('utf8').on('data', (text: string) => (words += text))
  client.stdin.on('error', () => undefined) // the client stops at the first fault, which it names itself
  client.stdin.end(dump)
  const [status] = (await once(client, 'close')) as [number | null]
  if (status !== 0) throw new Error(`The dump does not load: ${words}`)
}

/** The configuration by which the product reaches a database of this server. */
export function databaseConfig(server: MariaDb, name: string, change: Partial<DatabaseConfig> = {}): DatabaseConfig {
  const { host, port, socket, user, password } = server
  const where = port === null ? { port: 3306, socket } : { port, socket: null }
  return { host, ...where, user, password, name, dumpCommand: null, ...change }
}

/** A single SELECT answers with its rows, several statements with one answer each. */
function lastRows(result: unknown): Row[] {
  if (!Array.isArray(result)) return []
  const last: unknown = result.at(-1)
  if (Array.isArray(last)) return last as Row[]
  return result.every((row) => Object.getPrototypeOf(row) !== null && !('affectedRows' in (row as object)))
    ? (result as Row[])
    : []
}
