/** Resumable upload sessions: what they hold, and how they end. */

import { randomBytes } from 'node:crypto'
import { hashes } from '../digests.ts'
import { Incoming } from '../incoming.ts'
import { LiveSessions } from '../live-sessions.ts'
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

export class Sessions extends LiveSessions<Session> {
  readonly #storage: Storage
  readonly #clock: () => number

  constructor(storage: Storage, clock: () => number) {
    super(clock, async ({ finished, incoming }) => {
      if (finished === null) await incoming.blob.remove()
    })
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

  /** Gives a session another id; the old one is gone. */
  move(id: string): string {
    const session = this.take(id)
    return session === null ? id : this.#register(session)
  }

  #register(session: Session): string {
    const id = randomBytes(32).toString('base64url')
    this.add(id, session)
    return id
  }
}
