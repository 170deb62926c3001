/**
 * The lock that all machines with the same tables share: GET_LOCK of the server, which goes with its connection. That one is
 * kept alive as long as the lock is held, be it for days, and made again when it was lost.
 */
import { createHash, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { isoLocal } from '../../contract/time.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import type { ActiveRun, Lock } from '../state.ts'
import { openSession, type Session } from './connection.ts'
import { unusableDatabase } from './state-fault.ts'

/** How often it is looked whether the lock is still held. ms. */
const WATCH_MS = 15_000
/**
 * After so long without a word the server ends the connection, and with it the lock of a machine that lost its power or its
 * network. s.
 */
const SILENCE_S = 120
/** The server lets one that has just been killed go within this. ms. */
const WAIT_MS = 300
/** Pauses before the server is tried again. ms. */
const PAUSES_MS = [100, 200, 500, 1000, 2000, 5000]
/** Bytes; MySQL counts 64 characters, MariaDB 192 bytes. */
const LONGEST_NAME = 64

interface Held {
  readonly session: Session
  readonly socket: Socket
  /** Settles when the connection has ended. */
  readonly ended: Promise<void>
}

/** Names of locks are the server's, not a database's, and have 64 characters at most. */
function lockName(database: unknown, foldsCase: boolean): string {
  const name = foldsCase ? String(database).toLowerCase() : String(database)
  const whole = `dicom-backup:${name}`
  if (Buffer.byteLength(whole) <= LONGEST_NAME) return whole
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16)
  return `${Array.from(whole).slice(0, 40).join('')}:${digest}`
}

async function lockNameOn(session: Session): Promise<string> {
  const [row] = await session.rows('SELECT DATABASE() AS name, @@lower_case_table_names AS folds')
  return lockName(row?.['name'], Number(row?.['folds']) !== 0)
}

/** Takes the lock. Rejects with E_LOCKED, which says who has it since when, or E_STATE. `watchMs`: for tests. */
export async function takeServerLock(database: DatabaseConfig, watchMs = WATCH_MS): Promise<Lock> {
  const lock = new ServerLock(database, watchMs)
  try {
    await lock.take()
    return lock
  } catch (error) {
    await lock.release()
    throw unusableDatabase(database, error)
  }
}

/** Who has the lock; null when nobody does. `isTold`: whether the table that tells of the holder is there. */
export async function serverActiveRun(session: Session, isTold: boolean): Promise<ActiveRun | null> {
  const connection = await holderOf(session, await lockNameOn(session))
  if (connection === null) return null
  const holder = isTold ? await toldHolder(session) : null
  return { since: holder?.connection === connection ? holder.since : null }
}

class ServerLock implements Lock {
  readonly #database: DatabaseConfig
  readonly #watchMs: number
  readonly #token = randomUUID()
  readonly #since = new Date()
  readonly #lost = new AbortController()
  readonly #released = new AbortController()
  #held: Held | null = null
  #socket: Socket | null = null
  #watching: Promise<void> = Promise.resolve()

  constructor(database: DatabaseConfig, watchMs: number) {
    this.#database = database
    this.#watchMs = watchMs
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async take(): Promise<void> {
    const held = await this.#connect()
    let other = await this.#lock(held.session)
    if (other !== null) {
      await this.#pause(WAIT_MS)
      other = await this.#lock(held.session)
    }
    if (other !== null) {
      throw new BackupError('E_LOCKED', `Another backup run is active${other.words}.`, {
        advice: 'Wait until it has ended.',
      })
    }
    this.#held = held
    this.#watching = this.#watch()
  }

  async release(): Promise<void> {
    this.#released.abort()
    await this.#watching
    try {
      const name = this.#held === null ? null : await lockNameOn(this.#held.session)
      await this.#held?.session.write('DELETE FROM dicom_backup_lock WHERE token = ?', this.#token)
      await this.#held?.session.rows('SELECT RELEASE_LOCK(?)', name)
    } catch {
      // It goes with the connection.
    } finally {
      this.#socket?.destroy()
    }
  }

  async #connect(): Promise<Held> {
    let ended: Promise<void> = Promise.resolve()
    const { session } = await openSession(this.#database, (socket) => {
      this.#socket?.destroy()
      this.#socket = socket
      ended = new Promise((resolve) => {
        socket.once('close', () => {
          resolve()
        })
      })
    })
    await session.write(`SET SESSION wait_timeout = ${SILENCE_S}`)
    const socket = this.#socket
    if (socket === null) throw new Error('no socket')
    return { session, socket, ended }
  }

  /** Null when it has the lock now; else who has it. */
  async #lock(session: Session): Promise<Other | null> {
    const name = await lockNameOn(session)
    const [row] = await session.rows('SELECT GET_LOCK(?, 0) AS got', name)
    if (Number(row?.['got']) !== 1) return await this.#other(session, name)
    await session.write(
      'REPLACE INTO dicom_backup_lock (id, token, connection_id, host, pid, since) VALUES (1, ?, CONNECTION_ID(), ?, ?, ?)',
      this.#token,
      hostname(),
      process.pid,
      isoLocal(this.#since),
    )
    return null
  }

  async #other(session: Session, name: string): Promise<Other> {
    const connection = await holderOf(session, name)
    const holder = await toldHolder(session)
    const isTold = holder !== null && holder.connection === connection
    return {
      isSelf: isTold && holder.token === this.#token,
      isTold,
      words: isTold ? ` (process ${holder.pid} on ${holder.host}, since ${holder.since})` : '',
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isReleased() && !this.lost.aborted) {
      const held = this.#held
      if (held === null) {
        await this.#again()
        continue
      }
      await Promise.race([this.#pause(this.#watchMs), held.ended])
      if (this.#isReleased()) return
      if (!(await this.#isHeld(held))) this.#held = null
    }
  }

  async #isHeld({ session, socket }: Held): Promise<boolean> {
    if (socket.destroyed) return false
    try {
      const [row] = await session.rows('SELECT IS_USED_LOCK(?) = CONNECTION_ID() AS held', await lockNameOn(session))
      return Number(row?.['held']) === 1
    } catch {
      return false
    }
  }

  /** Takes the lock on a new connection, as soon as there is a server; or finds that another run has it. */
  async #again(): Promise<void> {
    for (let attempt = 0; !this.#isReleased(); attempt += 1) {
      try {
        const held = await this.#connect()
        const other = await this.#lock(held.session)
        if (other === null) {
          this.#held = held
          return
        }
        // What the server still takes for our own lost connection keeps others out as well, and it ends soon.
        if (other.isTold && !other.isSelf) {
          this.#lost.abort(
            new BackupError(
              'E_LOCKED',
              `The database could not be reached, and another backup run has started meanwhile${other.words}.`,
              {
                advice: 'This run stops; it is resumed when the other one has ended.',
              },
            ),
          )
          return
        }
      } catch {
        // No server yet.
      }
      await this.#pause(PAUSES_MS[attempt] ?? PAUSES_MS.at(-1) ?? 0)
    }
  }

  #isReleased(): boolean {
    return this.#released.signal.aborted
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#released.signal }).catch(() => undefined)
  }
}

interface Other {
  readonly isSelf: boolean
  /** Whether it is known who it is. */
  readonly isTold: boolean
  /** For a message. */
  readonly words: string
}

/** The id of the connection that has the lock. */
async function holderOf(session: Session, name: string): Promise<string | null> {
  const [row] = await session.rows('SELECT CAST(IS_USED_LOCK(?) AS CHAR) AS connection', name)
  return typeof row?.['connection'] === 'string' ? row['connection'] : null
}

interface Holder {
  readonly token: string
  readonly connection: string
  readonly host: string
  readonly pid: string
  readonly since: string
}

async function toldHolder(session: Session): Promise<Holder | null> {
  const [row] = await session.rows(
    'SELECT token, CAST(connection_id AS CHAR) AS connection, host, pid, since FROM dicom_backup_lock WHERE id = 1',
  )
  if (row === undefined) return null
  const { token, connection, host, pid, since } = row
  return {
    token: String(token),
    connection: String(connection),
    host: String(host),
    pid: String(pid),
    since: String(since),
  }
}
