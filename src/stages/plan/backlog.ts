/**
 * What was found and is not taken yet. `push` cannot wait; whoever is about to find more waits for `room` first. So it
 * grows past its limit by no more than what was under way already.
 */
export class Backlog<T extends object | string> {
  readonly #limit: number
  #items: T[] = []
  #next = 0
  #ended = false
  #failure: Error | null = null
  #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many items wait to be taken. */
  get size(): number {
    return this.#items.length - this.#next
  }

  push(items: readonly T[]): void {
    for (const item of items) this.#items.push(item)
    this.#wake()
  }

  /** No more items come; those that wait are still given out. */
  end(): void {
    this.#ended = true
    this.#wake()
  }

  /**
   * The reader gets this error at its next step, and nobody waits for room any longer. Only the first failure counts.
   */
  fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  /** Resolves with true once fewer than `limit` items wait, with false when no more are wanted. */
  async room(): Promise<boolean> {
    while (this.#failure === null && this.size >= this.#limit) await this.#change()
    return this.#failure === null
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      const item = this.#items[this.#next]
      if (item !== undefined) {
        this.#drop()
        yield item
      } else if (this.#ended) {
        return
      } else {
        await this.#change()
      }
    }
  }

  /** Array.shift would move all the rest each time; this moves it when half of it is gone. */
  #drop(): void {
    this.#next += 1
    if (this.#next * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#next)
      this.#next = 0
    }
    if (this.size < this.#limit) this.#wake()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    if (this.#waiting.length === 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
