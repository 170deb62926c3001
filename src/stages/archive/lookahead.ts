/** A stream of which some of what comes can be seen before it is taken. */
export class Lookahead<T> {
  readonly #source: AsyncGenerator<T>
  readonly #seen: T[] = []
  #ended = false

  constructor(source: AsyncGenerator<T>) {
    this.#source = source
  }

  /** The next item; null: there is none. */
  async peek(): Promise<T | null> {
    return (await this.see(1))[0] ?? null
  }

  /** The next `count` items, or all that there are. */
  async see(count: number): Promise<readonly T[]> {
    while (this.#seen.length < count && !this.#ended) {
      const next = await this.#source.next()
      if (next.done === true) this.#ended = true
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
