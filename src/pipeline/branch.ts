import type { Part } from './part.ts'
import type { PartWindow, Stretch } from './window.ts'

/** One destination's reader of a PartWindow. */
export class Branch {
  readonly #window: PartWindow
  #offset: number
  /** For PartWindow only: the bytes it has asked for and waits for; null when it does not wait. */
  asks: { readonly from: number; readonly end: number } | null = null
  /** For PartWindow only: the parts that its stretches are made of, each until all of the stretch is released. */
  pinned: { readonly part: Part; readonly until: number }[] = []

  constructor(window: PartWindow, offset: number) {
    this.#window = window
    this.#offset = offset
  }

  /** Bytes before this are released. */
  get offset(): number {
    return this.#offset
  }

  /** False when the window has let it go. Its stretches are good until they are released all the same. */
  get isAttached(): boolean {
    return this.#window.isAttached(this)
  }

  /**
   * The next `wanted` bytes, once they and at least one byte after them are published, or the end is known. Taking
   * twice without a release gives the same bytes again. Rejects with a RangeError when `wanted` can never fit into the
   * window. Only while it is attached.
   */
  async take(wanted: number, signal: AbortSignal): Promise<Stretch> {
    this.#unpin()
    const stretch = await this.#window.stretch(this, this.#offset, wanted, signal)
    if (stretch === null) throw new RangeError('only a branch that is attached can be taken from')
    return stretch
  }

  /**
   * The same from a byte further on, while requests of what lies before it are under way: stretches that were taken stay
   * good. Null when the branch was let go meanwhile.
   */
  takeFrom(from: number, wanted: number, signal: AbortSignal): Promise<Stretch | null> {
    return this.#window.stretch(this, from, wanted, signal)
  }

  /** The far side holds everything before `offset`: those bytes are not asked for again. */
  release(offset: number): void {
    if (offset < this.#offset) throw new RangeError('a released byte cannot be taken back')
    this.#offset = offset
    this.#unpin(offset)
    this.#window.trim()
  }

  /** This reader needs nothing more from here. */
  leave(): void {
    this.#unpin()
    this.#window.detach(this)
  }

  /** The parts of stretches that end at or before `offset`. */
  #unpin(offset = Infinity): void {
    const done = this.pinned.filter(({ until }) => until <= offset)
    this.pinned = this.pinned.filter(({ until }) => until > offset)
    this.#window.unpin(done.map(({ part }) => part))
  }
}
