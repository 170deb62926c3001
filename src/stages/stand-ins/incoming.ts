/**
 * The bytes of an upload that is not finished. A request's bytes are written and hashed as they come, and count only
 * when the request settles. The newest request owns the upload: when a client gave an older one up and sends again, the
 * older one settles as if its connection had been cut, and what still arrives on it is dropped.
 */

import { Gone } from './answer.ts'
import { ContentHash } from './digests.ts'
import type { Digester, Digests } from './digests.ts'
import type { Blob, BlobWriter } from './storage.ts'

export interface ReceiveOptions {
  /** Bytes past this many are dropped; Infinity: keep all. */
  readonly limit: number
  /** What stays of the request when it does not reach its end. */
  readonly onAbandon: Settle
  /** Flip one bit of the first byte. */
  readonly flip: boolean
}

/** `units`: only whole units, counted from the upload's start. */
export type Settle = 'none' | 'units' | 'all'

interface Held {
  readonly bytes: number
  readonly digester: Digester
}

export class Incoming {
  readonly blob: Blob
  readonly unit: number
  #held: Held
  #newest: Receiver | null = null
  readonly #digester: () => Digester

  /** `unit`: bytes, see `Settle`; Infinity where there are none. */
  constructor(blob: Blob, digester: () => Digester, unit: number) {
    this.blob = blob
    this.unit = unit
    this.#digester = digester
    this.#held = { bytes: 0, digester: digester() }
  }

  get held(): number {
    return this.#held.bytes
  }

  digests(): Digests {
    return this.#held.digester.digests()
  }

  /** Settles a request that is still under way as abandoned. Nothing is under way when this resolves. */
  async interrupt(): Promise<void> {
    for (let newest = this.#newest; newest !== null; newest = this.#newest) {
      await newest.settle()
      if (this.#newest === newest) this.#newest = null
    }
  }

  /**
   * Opens the door for the bytes of one request, after all that is held. To be called right after `interrupt` and
   * whatever is checked against `held`, without waiting for anything between them.
   */
  receive(options: ReceiveOptions): Receiver {
    this.#newest = new Receiver(this.#held, this.unit, this.blob, options, (held) => {
      this.#held = held
    })
    return this.#newest
  }

  /** Drops what is held past the first `bytes`. */
  async forget(bytes: number): Promise<void> {
    await this.interrupt()
    const digester = this.#digester()
    if (bytes > 0) for await (const chunk of this.blob.read(0, bytes)) digester.update(chunk)
    this.#held = { bytes, digester }
  }
}

/** One request's bytes on their way in. */
export class Receiver {
  readonly #unit: number
  readonly #start: Held
  readonly #blob: Blob
  readonly #options: ReceiveOptions
  readonly #count: (held: Held) => void
  readonly #digester: Digester
  #whole: Held
  #bytes = 0
  #writer: BlobWriter | null = null
  #writing: Promise<void> = Promise.resolve()
  #settled: Promise<void> | null = null

  constructor(start: Held, unit: number, blob: Blob, options: ReceiveOptions, count: (held: Held) => void) {
    this.#unit = unit
    this.#start = start
    this.#whole = start
    this.#blob = blob
    this.#options = options
    this.#count = count
    this.#digester = start.digester.copy()
  }

  /** The content hash of exactly the bytes that were written, when that is known anyhow. */
  contentHash(): string | null {
    const isWhole = this.#options.limit === Infinity && !this.#options.flip
    return isWhole && this.#digester instanceof ContentHash ? this.#digester.ofOwn() : null
  }

  isSettled(): boolean {
    return this.#settled !== null
  }

  /** Rejects with `Gone` when a newer request has taken the upload over. */
  async write(chunk: Buffer): Promise<void> {
    if (this.isSettled()) throw new Gone()
    const kept = this.#flipped(chunk.subarray(0, Math.max(0, this.#options.limit - this.#bytes)))
    // Hashed while it is written.
    this.#writing = this.#store(this.#start.bytes + this.#bytes, kept)
    this.#hash(kept)
    await this.#writing
  }

  /** Decides what counts of the bytes that came, once; asked again, nothing changes. */
  async settle(what: Settle = this.#options.onAbandon): Promise<void> {
    this.#settled ??= this.#settleOnce(what)
    await this.#settled
  }

  /** As `settle`, but rejects with `Gone` when a newer request has taken the upload over. */
  async commit(what: Settle): Promise<void> {
    if (this.isSettled()) throw new Gone()
    await this.settle(what)
  }

  async #settleOnce(what: Settle): Promise<void> {
    try {
      await this.#writing
    } finally {
      await this.#writer?.close()
    }
    if (what === 'all') this.#count({ bytes: this.#start.bytes + this.#bytes, digester: this.#digester })
    if (what === 'units') this.#count(this.#whole)
  }

  async #store(position: number, chunk: Buffer): Promise<void> {
    this.#writer ??= await this.#blob.write()
    await this.#writer.write(position, chunk)
  }

  #hash(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const position = this.#start.bytes + this.#bytes
      const piece = chunk.subarray(at, at + this.#unit - (position % this.#unit))
      this.#digester.update(piece)
      this.#bytes += piece.length
      at += piece.length
      if ((position + piece.length) % this.#unit === 0) {
        this.#whole = { bytes: position + piece.length, digester: this.#digester.copy() }
      }
    }
  }

  #flipped(chunk: Buffer): Buffer {
    if (!this.#options.flip || this.#bytes > 0 || chunk.length === 0) return chunk
    const copy = Buffer.from(chunk)
    copy.writeUInt8(copy.readUInt8(0) ^ 1, 0)
    return copy
  }
}
