import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { SerialQueue } from '../../../pipeline/flow/serial-queue.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import { clientFailure, signIn } from '../../database/client.ts'
import { unusableDatabase } from './state-fault.ts'

export type Value = string | number | null
export type Row = Record<string, unknown>

/** Runs one statement; `?` stands for the values. */
export interface Session {
  rows(sql: string, ...values: readonly Value[]): Promise<Row[]>
  write(sql: string, ...values: readonly Value[]): Promise<ResultSetHeader>
}

const QUERY_MS = 60_000
/** One that was left alone for longer may be gone without a word: firewalls forget it, servers end it. ms. */
const IDLE_MS = 30_000
/**
 * How often a transaction is tried that another program's locks have ended, by the server's error: a deadlock is reported at
 * once, a lock is waited for as long as `innodb_lock_wait_timeout` says, 50 s unless set.
 */
const TRIES: Readonly<Record<number, number>> = { 1213: 30, 1205: 3 }
/** Before a transaction is tried again, at most; at random, so that two do not meet again. ms. */
const PAUSE_MS = 50

/**
 * Not strict, so that a column of the viewer's that is shorter, of another character set, or one more that must not be
 * null, takes what fits and spoils no run; and quotes and escapes mean what mysql2 takes them for.
 */
const SET_UP = "SET SESSION sql_mode = '', SESSION autocommit = 1"

/** A session of its own, as it stands; the caller ends it by destroying its socket. Rejects as mysql2 does. */
export async function openSession(
  database: DatabaseConfig,
  onSocket: (socket: Socket) => void,
): Promise<{ readonly session: Session; readonly connection: Connection }> {
  let socket: Socket | null = null
  const connection = await signIn(
    database,
    (opened) => {
      socket = opened
      onSocket(opened)
    },
    { dateStrings: true },
  )
  /** mysql2's own limit would keep the process from ending when the connection is lost. */
  const inTime = async <T>(answer: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => socket?.destroy(), QUERY_MS)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
    }
  }
  const session: Session = {
    async rows(sql, ...values) {
      const [rows] = await inTime(connection.query<RowDataPacket[]>(sql, [...values]))
      return rows
    },
    async write(sql, ...values) {
      const [done] = await inTime(connection.query<ResultSetHeader>(sql, [...values]))
      return done
    },
  }
  await session.write(SET_UP)
  return { session, connection }
}

/**
 * The database that the state is in. It is connected to when it is needed, and again when the connection was dropped: a
 * run may take days. Calls are made one after another. Everything rejects with E_STATE.
 */
export class StateConnection implements Session {
  readonly database: DatabaseConfig
  readonly #turn = new SerialQueue()
  #open: { readonly session: Session; readonly connection: Connection } | null = null
  #socket: Socket | null = null
  /** By performance.now(). */
  #usedAt = 0

  constructor(database: DatabaseConfig) {
    this.database = database
  }

  rows(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return this.#turn.run(() => this.#use((session) => session.rows(sql, ...values)))
  }

  write(sql: string, ...values: readonly Value[]): Promise<ResultSetHeader> {
    return this.#turn.run(() => this.#use((session) => session.write(sql, ...values)))
  }

  /** All that `work` does or nothing; it may be done several times, so what it does is to be the same then. */
  transaction(work: (session: Session) => Promise<void>): Promise<void> {
    const whole = async (session: Session): Promise<void> => {
      for (let attempt = 1; ; attempt += 1) {
        await session.write('START TRANSACTION')
        try {
          await work(session)
          await session.write('COMMIT')
          return
        } catch (error) {
          const { isAnswer, number } = clientFailure(error)
          if (isAnswer) await session.write('ROLLBACK')
          if (attempt >= (TRIES[number ?? 0] ?? 0)) throw error
        }
        await sleep(Math.random() * PAUSE_MS)
      }
    }
    return this.#turn.run(() => this.#use(whole))
  }

  /** Never rejects. */
  close(): Promise<void> {
    return this.#turn.run(async () => {
      const { connection } = this.#open ?? {}
      await connection?.end().catch(() => undefined)
      this.#drop()
    })
  }

  async #use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    try {
      if (performance.now() - this.#usedAt > IDLE_MS) this.#drop()
      const wasOpen = this.#open !== null
      try {
        return await work(await this.#session())
      } catch (error) {
        if (clientFailure(error).isAnswer) throw error
        this.#drop()
        if (!wasOpen) throw error
      }
      return await work(await this.#session())
    } catch (error) {
      throw unusableDatabase(this.database, error)
    } finally {
      this.#usedAt = performance.now()
    }
  }

  async #session(): Promise<Session> {
    this.#open ??= await openSession(this.database, (socket) => {
      this.#socket = socket
    })
    return this.#open.session
  }

  #drop(): void {
    this.#socket?.destroy()
    this.#socket = null
    this.#open = null
  }
}
