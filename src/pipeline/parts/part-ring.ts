import type { FileHandle } from 'node:fs/promises'
import { SerialQueue } from '../flow/serial-queue.ts'
import { PART_BYTES } from '../contract/digests.ts'
import { readFully, writeFully } from '../files/fully.ts'
import { openStateFile } from '../files/state-file.ts'

/**
 * The bytes of the last parts in a file, each written over the one `slots` before it. A part may be torn or be another's:
 * whoever reads compares the digest.
 */
export class PartRing {
  readonly #file: string
  readonly #slots: number
  readonly #handle: FileHandle | null
  readonly #turn = new SerialQueue()
  #stores: boolean

  private constructor(file: string, slots: number, handle: FileHandle | null) {
    this.#file = file
    this.#slots = slots
    this.#handle = handle
    this.#stores = handle !== null
  }

  /**
   * A ring of `slots` parts of PART_BYTES. Opens a file as it is or creates it (mode 0600). Never rejects: where there
   * can be no file, the ring stores nothing.
   */
  static async open(file: string, slots: number): Promise<PartRing> {
    return new PartRing(file, slots, await openStateFile(file).catch(() => null))
  }

  /**
   * Stores part n, of PART_BYTES at most, in slot n % slots. Resolves when it is written; `bytes` are not kept after
   * that. Never rejects: after a failure (a full disk) the ring stores nothing more.
   */
  put(n: number, bytes: Uint8Array): Promise<void> {
    return this.#turn.run(async () => {
      if (this.#handle === null || !this.#stores) return
      try {
        await writeFully(this.#handle, bytes, this.#file, this.#offset(n))
      } catch {
        this.#stores = false
      }
    })
  }

  /** What was put before the call survives a power cut, if the disk can do it. Never rejects, like `put`. */
  sync(): Promise<void> {
    return this.#turn.run(async () => {
      if (!this.#stores) return
      try {
        await this.#handle?.datasync()
      } catch {
        this.#stores = false
      }
    })
  }

  /**
   * Reads what stands in the slot of part n into `into`, whose length is the part's. True when so many bytes could be
   * read. They may be another part's, or half of one and half of another: compare the digest. Never rejects.
   */
  read(n: number, into: Uint8Array): Promise<boolean> {
    return this.#turn.run(async () => {
      if (this.#handle === null) return false
      try {
        return (await readFully(this.#handle, into, this.#offset(n))) === into.length
      } catch {
        return false
      }
    })
  }

  /** Lets go of the file, after what is under way. Never rejects. */
  async close(): Promise<void> {
    await this.#turn.run(async () => {
      this.#stores = false
      await this.#handle?.close().catch(() => undefined)
    })
  }

  #offset(n: number): number {
    return (n % this.#slots) * PART_BYTES
  }
}
