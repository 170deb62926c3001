import { ArchiveDigest, type DigestState } from './archive-digest.ts'
import type { DigestRequest, PartDigest } from './digest-program.ts'
import { type DigestName, type ObjectDigests, PART_BYTES } from '../contract/digests.ts'
import { HelperThread, programBeside } from '../threads/helper-threads.ts'

const thread = new HelperThread(programBeside(import.meta, './digest-program'))
let count = 0

/**
 * An archive's digests (`ArchiveDigest`), made beside the main thread: MD5 alone, where it is needed, would take half of it.
 * Of an archive that is one short part they are made here: to start the thread takes longer.
 */
export class DigestThread {
  readonly #id = (count += 1)
  readonly #from: readonly DigestName[] | DigestState
  /** Null until it is known where they are made. */
  #by: 'thread' | Promise<ArchiveDigest> | null = null

  private constructor(from: readonly DigestName[] | DigestState) {
    this.#from = from
  }

  /** As `ArchiveDigest.open`. */
  static async open(from: readonly DigestName[] | DigestState): Promise<DigestThread> {
    const digest = new DigestThread(from)
    // What an earlier process has saved may be refused.
    if (!Array.isArray(from)) await digest.#start()
    return digest
  }

  /** Takes the next part. Its bytes are not to change until this resolves; they are not copied if they are shared. */
  async add(part: Uint8Array): Promise<PartDigest> {
    let started: Promise<void> | null = null
    if (this.#by === null && part.length >= PART_BYTES) started = this.#start()
    this.#by ??= ArchiveDigest.open(this.#from)
    if (this.#by === 'thread') {
      const [added] = await Promise.all([this.#ask<PartDigest>({ id: this.#id, is: 'add', part }), started])
      return added
    }
    const digest = await this.#by
    return { sha256: digest.add(part), state: digest.save() }
  }

  /** The digests of all that was added. Nothing can be added after it. Has to be called in any case. */
  async end(): Promise<ObjectDigests> {
    if (this.#by === 'thread') return await this.#ask({ id: this.#id, is: 'end' })
    return (await (this.#by ?? ArchiveDigest.open(this.#from))).digests()
  }

  async #start(): Promise<void> {
    this.#by = 'thread'
    await this.#ask({ id: this.#id, is: 'open', from: this.#from })
  }

  #ask<T>(request: DigestRequest): Promise<T> {
    return thread.ask<T>(request)
  }
}
