import { abortError, BackupError } from './errors.ts'
import type { Part } from './part.ts'

/** The next bytes for one destination. `last`: nothing follows them; only then may `chunks` be short, or empty. */
export interface Stretch {
  readonly offset: number
  readonly chunks: readonly Uint8Array[]
  readonly last: boolean
}

/**
 * The bounded window of parts that all destinations read from: one producer, any number of branches. A part stays until
 * every branch has released it, so memory is `capacity` × part size whatever the number of destinations, and the
 * slowest branch sets the pace. A branch that leaves is forgotten; when all have left, `put` rejects.
 */
export class PartWindow {
  readonly #capacity: number
  readonly #onFree: (part: Part) => void
  readonly #branches = new Set<Branch>()
  readonly #waiting = new Set<() => void>()
  #parts: Part[] = []
  #end = 0
  #closed = false
  #failure: BackupError | null = null

  /** `capacity` in parts; `onFree` gets each part when the last branch has released it. */
  constructor(capacity: number, onFree: (part: Part) => void) {
    this.#capacity = capacity
    this.#onFree = onFree
  }

  /** A reader from byte 0. Open all branches before the first `put`. */
  open(): Branch {
    const branch = new Branch(this)
    this.#branches.add(branch)
    return branch
  }

  /** Whether every branch that was opened has left. */
  get isDeserted(): boolean {
    return this.#branches.size === 0
  }

  /** Adds the next part, once there is room. Rejects when every branch has left, or when `signal` is aborted. */
  async put(part: Part, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal)
    while (this.#parts.length >= this.#capacity && this.#branches.size > 0) await this.#change(signal)
    if (this.#branches.size === 0) throw new BackupError('E_DESTINATION', 'No destination is left to send to.')
    this.#parts.push(part)
    this.#end = part.offset + part.bytes.length
    this.#wake()
  }

  /** No part follows. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** The source failed: every branch's `take` rejects with `error`. */
  fail(error: BackupError): void {
    this.#failure = error
    this.#wake()
  }

  /** For Branch only. */
  async stretch(offset: number, wanted: number, signal: AbortSignal): Promise<Stretch> {
    while (this.#failure === null && !this.#closed && this.#end - offset <= wanted) {
      if (this.#isTooLarge(wanted, offset)) throw new RangeError(`${wanted} bytes do not fit into the window`)
      await this.#change(signal)
    }
    if (this.#failure !== null) throw this.#failure
    const available = this.#end - offset
    const length = Math.min(available, wanted)
    const chunks: Uint8Array[] = []
    for (const part of this.#parts) {
      const from = Math.max(0, offset - part.offset)
      const to = Math.min(part.bytes.length, offset + length - part.offset)
      if (from < to) chunks.push(part.bytes.subarray(from, to))
    }
    return { offset, chunks, last: length === available }
  }

  /** For Branch only: drops what no branch needs any more. */
  trim(): void {
    let needed = this.#end
    for (const branch of this.#branches) needed = Math.min(needed, branch.offset)
    let count = 0
    for (const part of this.#parts) {
      if (part.offset + part.bytes.length > needed) break
      count += 1
    }
    for (const part of this.#parts.splice(0, count)) this.#onFree(part)
    this.#wake()
  }

  /** For Branch only. */
  forget(branch: Branch): void {
    if (this.#branches.delete(branch)) this.trim()
  }

  /**
   * Whether a full window, held up by the branch at `offset` itself, does not have `wanted` bytes and one more for it:
   * it would wait for ever. The first part tells how large parts are, for only the last may be shorter.
   */
  #isTooLarge(wanted: number, offset: number): boolean {
    const [first] = this.#parts
    if (first === undefined || this.#parts.length < this.#capacity) return false
    const size = first.bytes.length
    return offset < first.offset + size && first.offset + size * this.#capacity - offset <= wanted
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  async #change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal)
    let stop = (): void => undefined
    try {
      await new Promise<void>((resolve, reject) => {
        stop = () => {
          reject(abortError(signal))
        }
        signal.addEventListener('abort', stop, { once: true })
        this.#waiting.add(resolve)
      })
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}

/** One destination's reader of a PartWindow. */
export class Branch {
  readonly #window: PartWindow
  #offset = 0

  constructor(window: PartWindow) {
    this.#window = window
  }

  /** Bytes before this are released. */
  get offset(): number {
    return this.#offset
  }

  /**
   * The next `wanted` bytes, once they and at least one byte after them are there, or the end is known. Taking twice
   * without a release gives the same bytes again. Rejects with a RangeError when `wanted` can never fit into the
   * window.
   */
  take(wanted: number, signal: AbortSignal): Promise<Stretch> {
    return this.#window.stretch(this.#offset, wanted, signal)
  }

  /** The far side holds everything before `offset`: those bytes are not asked for again. */
  release(offset: number): void {
    if (offset < this.#offset) throw new RangeError('a released byte cannot be taken back')
    this.#offset = offset
    this.#window.trim()
  }

  /** This reader needs nothing more. */
  leave(): void {
    this.#window.forget(this)
  }
}
