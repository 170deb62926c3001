import { lengthOf } from '../flow/chunks.ts'
import { sliceOf, type Part } from '../parts/part.ts'
import { PART_BYTES } from '../contract/digests.ts'
import type { PartReader } from '../parts/part-reader.ts'
import type { WindowReader } from './window.ts'
import type { PartWindow, ByteRange } from './window.ts'

/** Two parts: what a destination that is behind has in memory beside the window. */
const CATCH_UP_BYTES = 2 * PART_BYTES

/**
 * One destination's bytes, from wherever it is: out of the window as long as that has them, else part by part from where
 * they can still be had. So one that is far behind, or was let go, is brought up on its own and joins the window again
 * when it reaches it.
 */
export class Feed {
  readonly #window: PartWindow
  readonly #reader: PartReader
  #fromWindow: WindowReader | null
  #offset = 0
  /** Parts of its own, in order. */
  #parts: Part[] = []

  constructor(window: PartWindow, reader: PartReader) {
    this.#window = window
    this.#reader = reader
    this.#fromWindow = window.attach(0)
  }

  /** The first byte that the far side is not known to hold. */
  get offset(): number {
    return this.#offset
  }

  /** Whether its bytes do not come from the window. */
  get isBehind(): boolean {
    return this.#fromWindow?.isAttached !== true
  }

  /** Goes on at another byte: where the far side says that it is. */
  seek(offset: number): void {
    this.#leaveWindow()
    this.#drop(Infinity)
    this.#offset = offset
    this.#fromWindow = this.#window.attach(offset)
  }

  /**
   * The next `wanted` bytes or, for one that is behind, fewer: a multiple of `multiple`, unless they are the last. Rejects
   * with the source's failure, or E_SOURCE when the bytes cannot be had any more.
   */
  async take(wanted: number, multiple: number, signal: AbortSignal): Promise<ByteRange> {
    if (this.#fromWindow !== null && !this.#fromWindow.isAttached) this.#leaveWindow()
    this.#fromWindow ??= this.#window.attach(this.#offset)
    if (this.#fromWindow !== null) {
      this.#drop(Infinity)
      return await this.#fromWindow.take(wanted, signal)
    }
    const most = Math.min(wanted, Math.max(multiple, CATCH_UP_BYTES - (CATCH_UP_BYTES % multiple)))
    const available = this.#window.published - this.#offset
    const isAll = this.#window.isClosed && available <= most
    let length = isAll ? available : Math.min(most, available - 1)
    if (!isAll) length -= length % multiple
    if (length <= 0 && !isAll) {
      // Within the last bytes that are published, and before the window: more is on its way.
      await this.#window.change(signal)
      return await this.take(wanted, multiple, signal)
    }
    return { offset: this.#offset, chunks: await this.#own(length, signal), last: isAll }
  }

  /**
   * The same from a byte further on, while requests of what lies before it are under way. Null when it is behind, so that
   * those have to end first.
   */
  async takeFrom(from: number, wanted: number, multiple: number, signal: AbortSignal): Promise<ByteRange | null> {
    if (from === this.#offset) return await this.take(wanted, multiple, signal)
    if (this.#fromWindow?.isAttached !== true) return null
    return await this.#fromWindow.takeFrom(from, wanted, signal)
  }

  /** The far side holds everything before `offset`. */
  release(offset: number): void {
    this.#offset = offset
    this.#fromWindow?.release(offset)
    this.#drop(offset)
  }

  /** Nothing more is needed. */
  async leave(): Promise<void> {
    this.#leaveWindow()
    this.#drop(Infinity)
    this.#window.quit()
    await this.#reader.close()
  }

  /** `length` bytes from the offset on, in parts of its own. */
  async #own(length: number, signal: AbortSignal): Promise<Uint8Array[]> {
    const end = this.#offset + length
    for (;;) {
      const last = this.#parts.at(-1)
      const have = last === undefined ? this.#offset - (this.#offset % PART_BYTES) : last.offset + last.bytes.length
      if (have >= end) break
      this.#parts.push(await this.#reader.read(have / PART_BYTES, signal))
    }
    const chunks = this.#parts.map(({ offset, bytes }) =>
      sliceOf(bytes, Math.max(0, this.#offset - offset), Math.max(0, end - offset)),
    )
    const wanted = chunks.filter((chunk) => chunk.length > 0)
    if (lengthOf(wanted) !== length) throw new RangeError('parts do not follow one another')
    return wanted
  }

  #leaveWindow(): void {
    this.#fromWindow?.leave()
    this.#fromWindow = null
  }

  /** Gives back the parts that end before `offset`. */
  #drop(offset: number): void {
    const done = this.#parts.filter((part) => part.offset + part.bytes.length <= offset)
    this.#parts = this.#parts.filter((part) => !done.includes(part))
    for (const part of done) this.#reader.recycle(part)
  }
}
