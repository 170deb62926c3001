/** What a source gives in an item's place when it has none for a while: its reader has something else to do. */
export const PAUSE = Symbol('pause')

/** A stream of which some of what comes can be seen before it is taken. */
export class Lookahead<T> {
  readonly #source: AsyncGenerator<T | typeof PAUSE>
  readonly #seen: T[] = []
  #isPausing = false
  #ended = false

  constructor(source: AsyncGenerator<T | typeof PAUSE>) {
    this.#source = source
  }

  /** The next item; null: there is none. PAUSE comes once, before the item that follows it. */
  async peek(): Promise<T | typeof PAUSE | null> {
    const [first] = await this.see(1)
    if (first !== undefined) return first
    if (!this.#isPausing) return null
    this.#isPausing = false
    return PAUSE
  }

  /** The next `count` items; fewer where the source ends or pauses. */
  async see(count: number): Promise<readonly T[]> {
    while (this.#seen.length < count && !this.#ended && !this.#isPausing) {
      const next = await this.#source.next()
      if (next.done === true) this.#ended = true
      else if (next.value === PAUSE) this.#isPausing = true
      else this.#seen.push(next.value)
    }
    return this.#seen.slice(0, count)
  }

  /** Takes the next item, which was seen. */
  take(): T {
    const first = this.#seen.shift()
    if (first === undefined) throw new RangeError('Nothing was seen that could be taken.')
    return first
  }

  async close(): Promise<void> {
    await this.#source.return(undefined)
  }
}
