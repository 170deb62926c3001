import { abortError, BackupError } from '../contract/errors.ts'
import { sliceOf, type Part } from '../parts/part.ts'

/** The next bytes for one destination. `last`: nothing follows them; only then may `chunks` be short, or empty. */
export interface ByteRange {
  readonly offset: number
  readonly chunks: readonly Uint8Array[]
  readonly last: boolean
}

/** How long the window may be held up by its slowest reader while another waits: so many ms, and a share of the time. */
export interface StallPolicy {
  readonly graceMs: number
  readonly share: number
}

export const STALL_POLICY: StallPolicy = { graceMs: 300, share: 0.05 }

export interface WindowOptions {
  /** In parts. */
  readonly capacity: number
  /** Where in the archive the first part will begin. */
  readonly begin: number
  /** Readers that there are, attached or not; each ends with `quit`. */
  readonly readers: number
  readonly stallPolicy?: StallPolicy
  /** Gets each part when nobody reads it any more. */
  readonly onFree: (part: Part) => void
}

/** One destination's reader of a PartWindow. */
export interface WindowReader {
  /** Bytes before this are released. */
  readonly offset: number

  /** False when the window has let it go. What it was given is good until it is released all the same. */
  readonly isAttached: boolean

  /**
   * The next `wanted` bytes, once they and at least one byte after them are published, or the end is known. Taking
   * twice without a release gives the same bytes again. Rejects with a RangeError when `wanted` can never fit into the
   * window. Only while it is attached.
   */
  take(wanted: number, signal: AbortSignal): Promise<ByteRange>

  /**
   * The same from a byte further on, while requests of what lies before it are in flight: what was taken stays good.
   * Null when the reader was let go meanwhile.
   */
  takeFrom(from: number, wanted: number, signal: AbortSignal): Promise<ByteRange | null>

  /** The far side holds everything before `offset`: those bytes are not asked for again. */
  release(offset: number): void

  /** This reader needs nothing more from here. */
  leave(): void
}

/** What the window knows of a reader. */
interface Reader {
  /** Bytes before this are released. */
  offset: number
  /** The bytes it has asked for and waits for; null when it does not wait. */
  asks: { readonly from: number; readonly end: number } | null
  /** The parts that it was given bytes of, each until all of those are released. */
  pinned: { readonly part: Part; readonly until: number }[]
}

/**
 * The bounded window of parts that all destinations read from: one producer, any number of readers. A part stays until
 * every reader has released it, so memory is `capacity` × part size whatever the number of destinations. Readers see
 * only what has been published.
 *
 * The slowest reader sets the pace for a while. When others have waited for it too long, it is let go: it leaves the
 * window and has to find its bytes elsewhere. One reader always stays.
 */
export class PartWindow {
  readonly #capacity: number
  readonly #stallPolicy: StallPolicy
  readonly #onFree: (part: Part) => void
  readonly #attached = new Set<Reader>()
  readonly #waiting = new Set<() => void>()
  /** Parts outside of the window's list that a request is still being made of. */
  readonly #pins = new Map<Part, number>()
  #parts: Part[] = []
  #readers: number
  #begin: number
  #end: number
  #published: number
  #closed = false
  #failure: BackupError | null = null
  #heldUpMs = 0
  #since = performance.now()

  constructor({ capacity, begin, readers, onFree, stallPolicy = STALL_POLICY }: WindowOptions) {
    this.#capacity = capacity
    this.#begin = this.#end = this.#published = begin
    this.#readers = readers
    this.#onFree = onFree
    this.#stallPolicy = stallPolicy
  }

  /** Bytes of the archive, from 0, that may be sent. */
  get published(): number {
    return this.#published
  }

  /** Whether the archive ends where `published` says. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Whether no reader is left. */
  get isDeserted(): boolean {
    return this.#readers === 0
  }

  /** A reader from `offset` on; null when the window does not have, or will not have, all bytes from there on. */
  attach(offset: number): WindowReader | null {
    if (offset < this.#begin || offset > this.#end) return null
    const reader: Reader = { offset, asks: null, pinned: [] }
    this.#attached.add(reader)
    const isAttached = (): boolean => this.#attached.has(reader)
    return {
      get offset() {
        return reader.offset
      },
      get isAttached() {
        return isAttached()
      },
      take: async (wanted, signal) => {
        this.#unpin(reader)
        const range = await this.#range(reader, reader.offset, wanted, signal)
        if (range === null) throw new RangeError('only a reader that is attached can be taken from')
        return range
      },
      takeFrom: (from, wanted, signal) => this.#range(reader, from, wanted, signal),
      release: (offset) => {
        if (offset < reader.offset) throw new RangeError('a released byte cannot be taken back')
        reader.offset = offset
        this.#unpin(reader, offset)
        this.#trim()
      },
      leave: () => {
        this.#unpin(reader)
        if (this.#attached.delete(reader)) this.#trim()
      },
    }
  }

  /** A reader ends, attached or not. */
  quit(): void {
    this.#readers -= 1
    this.#wake()
  }

  /**
   * Adds the next part, once there is room. Rejects when every reader has quit, or when `signal` is aborted. Its bytes
   * are read by nobody before they are published.
   */
  async put(part: Part, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal)
    while (this.#parts.length >= this.#capacity && this.#readers > 0) await this.#room(signal)
    if (this.#failure !== null) throw this.#failure
    if (this.#readers === 0) throw new BackupError('E_DESTINATION', 'No destination is left to send to.')
    this.#parts.push(part)
    this.#end = part.offset + part.bytes.length
    this.#wake()
  }

  /** Everything before `end` may be sent. */
  publish(end: number): void {
    this.#published = end
    this.#wake()
  }

  /** All parts are published, and none follows. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** The source failed: every reader's `take` rejects with `error`. */
  fail(error: BackupError): void {
    this.#failure ??= error
    this.#wake()
  }

  /** Rejects with the source's failure; resolves when something may have changed. */
  async change(signal: AbortSignal, limitMs: number | null = null): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (signal.aborted) throw abortError(signal)
    const changed = Promise.withResolvers<undefined>()
    const stop = (): void => {
      changed.reject(abortError(signal))
    }
    const wake = (): void => {
      changed.resolve(undefined)
    }
    const timer = limitMs === null ? undefined : setTimeout(wake, limitMs)
    signal.addEventListener('abort', stop, { once: true })
    this.#waiting.add(wake)
    try {
      await changed.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(wake)
      signal.removeEventListener('abort', stop)
    }
  }

  /** Null when the reader was let go before it had all of them. */
  async #range(reader: Reader, from: number, wanted: number, signal: AbortSignal): Promise<ByteRange | null> {
    const end = from + wanted
    try {
      while (this.#failure === null && !this.#closed && this.#published <= end && this.#attached.has(reader)) {
        if (this.#isTooLarge(reader, from, wanted)) throw new RangeError(`${wanted} bytes do not fit into the window`)
        if (reader.asks?.end !== end) {
          reader.asks = { from, end }
          this.#wake()
        }
        await this.change(signal)
      }
    } finally {
      reader.asks = null
    }
    if (this.#failure !== null) throw this.#failure
    if (!this.#attached.has(reader)) return null
    const available = this.#published - from
    const length = Math.min(available, wanted)
    const chunks: Uint8Array[] = []
    for (const part of this.#parts) {
      const first = Math.max(0, from - part.offset)
      const to = Math.min(part.bytes.length, from + length - part.offset)
      if (first >= to) continue
      chunks.push(sliceOf(part.bytes, first, to))
      reader.pinned.push({ part, until: from + length })
      this.#pins.set(part, (this.#pins.get(part) ?? 0) + 1)
    }
    return { offset: from, chunks, last: this.#closed && length === available }
  }

  /** Nobody reads for it any more what it was given that ends at or before `offset`. */
  #unpin(reader: Reader, offset = Infinity): void {
    const done = reader.pinned.filter(({ until }) => until <= offset)
    reader.pinned = reader.pinned.filter(({ until }) => until > offset)
    for (const { part } of done) {
      const left = (this.#pins.get(part) ?? 1) - 1
      if (left > 0) {
        this.#pins.set(part, left)
      } else {
        this.#pins.delete(part)
        if (part.offset < this.#begin) this.#onFree(part)
      }
    }
  }

  /** Drops what no reader needs any more. With none attached everything stays for the next. */
  #trim(): void {
    if (this.#attached.size === 0) return
    const needed = Math.min(...[...this.#attached].map(({ offset }) => offset))
    let count = 0
    for (const part of this.#parts) {
      if (part.offset + part.bytes.length > needed) break
      count += 1
    }
    for (const part of this.#parts.splice(0, count)) {
      this.#begin = part.offset + part.bytes.length
      if (!this.#pins.has(part)) this.#onFree(part)
    }
    this.#wake()
  }

  /** Waits until there may be room, and lets go who has held the others up for too long. */
  async #room(signal: AbortSignal): Promise<void> {
    const blocking = this.#blocking()
    if (blocking.length === 0) {
      await this.change(signal)
      return
    }
    const { graceMs, share } = this.#stallPolicy
    const from = performance.now()
    const left = graceMs + share * (from - this.#since) - this.#heldUpMs
    if (left > 0) {
      await this.change(signal, Math.ceil(left))
      this.#heldUpMs += performance.now() - from
      return
    }
    this.#heldUpMs = 0
    this.#since = from
    for (const reader of blocking) this.#attached.delete(reader)
    this.#trim()
  }

  /** The readers that keep the first part although others have nothing to do. */
  #blocking(): Reader[] {
    const [first] = this.#parts
    const readers = [...this.#attached]
    if (first === undefined || !readers.some((reader) => this.#isStarved(reader))) return []
    const isAtWork = ({ asks, offset }: Reader): boolean => asks === null || asks.from > offset
    return readers.filter((reader) => isAtWork(reader) && reader.offset < first.offset + first.bytes.length)
  }

  /**
   * Whether it waits for bytes that are not there, with none of its requests in flight: one that has them may not have
   * heard of it yet.
   */
  #isStarved({ asks, offset }: Reader): boolean {
    return asks?.from === offset && this.#published <= asks.end
  }

  /**
   * Whether a full window, held up by the reader itself, does not have `wanted` bytes from `from` on and one more for it:
   * it would wait for ever. The first part tells how large parts are, for only the last may be shorter.
   */
  #isTooLarge({ offset }: Reader, from: number, wanted: number): boolean {
    const [first] = this.#parts
    if (first === undefined || from > offset || this.#parts.length < this.#capacity) return false
    const size = first.bytes.length
    return offset < first.offset + size && first.offset + size * this.#capacity - offset <= wanted
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }
}
