/** Upload sessions: what they hold, and how they end. */

import { randomBytes } from 'node:crypto'
import { ContentHash } from '../digests.ts'
import { Incoming } from '../incoming.ts'
import type { Blob, Storage } from '../storage.ts'
import { BlockBoard } from './block-board.ts'

interface SessionBase {
  readonly id: string
  readonly startedAt: number
  readonly blob: Blob
  closed: boolean
  finished: boolean
}

/** Bytes come one after the other. */
export interface SequentialSession extends SessionBase {
  readonly type: 'sequential'
  readonly incoming: Incoming
}

/** Bytes come in any order, in blocks. */
export interface ConcurrentSession extends SessionBase {
  readonly type: 'concurrent'
  readonly board: BlockBoard
}

export type Session = SequentialSession | ConcurrentSession

/** Bytes that a session has are found again for 7 days. */
const LIFE_MS = 7 * 24 * 60 * 60 * 1000

export class Sessions {
  readonly #live = new Map<string, Session>()
  readonly #storage: Storage
  readonly #clock: () => number

  constructor(storage: Storage, clock: () => number) {
    this.#storage = storage
    this.#clock = clock
  }

  async start(type: Session['type']): Promise<Session> {
    const blob = await this.#storage.create()
    const id = `pid_upload_session:${randomBytes(24).toString('base64url')}`
    const base = { id, startedAt: this.#clock(), blob, closed: false, finished: false }
    const session: Session =
      type === 'sequential'
        ? { ...base, type, incoming: new Incoming(blob, () => new ContentHash(), Infinity) }
        : { ...base, type, board: new BlockBoard() }
    this.#live.set(id, session)
    return session
  }

  /** Null when it is unknown, forgotten or older than 7 days. */
  async find(id: string): Promise<Session | null> {
    const session = this.#live.get(id)
    if (session === undefined) return null
    if (this.#clock() - session.startedAt <= LIFE_MS) return session
    await this.drop(id)
    return null
  }

  async drop(id: string): Promise<void> {
    const session = this.#live.get(id)
    this.#live.delete(id)
    if (session !== undefined && !session.finished) await session.blob.remove()
  }
}
