/** Resumable upload sessions: what they hold, and how they end. */

import { randomBytes } from 'node:crypto'
import { hashes } from '../digests.ts'
import { Incoming } from '../incoming.ts'
import type { Storage } from '../storage.ts'
import type { Mask } from './fields.ts'
import { wants } from './fields.ts'
import type { DriveFile } from './files.ts'

/** Every chunk but the last is a multiple of this many bytes; what is held of an unfinished upload always is. */
export const UNIT = 256 * 1024

export interface Session {
  readonly startedAt: number
  /** The file that this will become. */
  readonly draft: DriveFile
  /** Shapes the final answer. */
  readonly fields: Mask
  readonly incoming: Incoming
  /** X-Upload-Content-Length, or the first total that a chunk named; null: not known yet. */
  total: number | null
  finished: DriveFile | null
}

const LIFE_MS = 7 * 24 * 60 * 60 * 1000

export class Sessions {
  readonly #live = new Map<string, Session>()
  readonly #storage: Storage
  readonly #clock: () => number

  constructor(storage: Storage, clock: () => number) {
    this.#storage = storage
    this.#clock = clock
  }

  /** Resolves with the new session's id. */
  async start(draft: DriveFile, fields: Mask, total: number | null): Promise<string> {
    // Each digest costs time on every byte: only those that the final answer shall have.
    const names = ['md5', ...['sha1', 'sha256'].filter((name) => wants(fields, `${name}Checksum`))]
    const incoming = new Incoming(await this.#storage.create(), () => hashes(...names), UNIT)
    const session: Session = { startedAt: this.#clock(), draft, fields, incoming, total, finished: null }
    return this.#register(session)
  }

  /** Null when it is unknown, cancelled or older than 7 days. */
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
    if (session?.finished === null) await session.incoming.blob.remove()
  }

  /** Gives a session another id; the old one is gone. */
  move(id: string): string {
    const session = this.#live.get(id)
    if (session === undefined) return id
    this.#live.delete(id)
    return this.#register(session)
  }

  #register(session: Session): string {
    const id = randomBytes(32).toString('base64url')
    this.#live.set(id, session)
    return id
  }
}
