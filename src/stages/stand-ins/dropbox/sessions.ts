/** Upload sessions: what they hold, and how they end. */

import { randomBytes } from 'node:crypto'
import { ContentHash } from '../digests.ts'
import { Incoming } from '../incoming.ts'
import { LiveSessions } from '../live-sessions.ts'
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

export class Sessions extends LiveSessions<Session> {
  readonly #storage: Storage
  readonly #clock: () => number

  constructor(storage: Storage, clock: () => number) {
    super(clock, async ({ finished, blob }) => {
      if (!finished) await blob.remove()
    })
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
    this.add(id, session)
    return session
  }
}
