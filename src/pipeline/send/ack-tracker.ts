/** The pieces of an upload that takes several at once, and how far they reach that were acknowledged. In bytes. */
export class AckTracker {
  #held: number
  #highWater: number
  /** Where acknowledged pieces after a gap begin, and end. */
  readonly #beyond = new Map<number, number>()

  /** `held`: everything before it is acknowledged. */
  constructor(held: number) {
    this.#held = this.#highWater = held
  }

  /** Everything before it is acknowledged. */
  get held(): number {
    return this.#held
  }

  /**
   * Everything before it was begun: it is acknowledged, under way, or to be sent again. A piece that begins after it
   * leaves a gap that nobody means to fill.
   */
  get highWater(): number {
    return this.#highWater
  }

  /** A piece is acknowledged when `send` resolves. Resolves with `held` then. */
  async during(from: number, to: number, send: () => Promise<void>): Promise<number> {
    if (from <= this.#highWater) this.#highWater = Math.max(this.#highWater, to)
    await send()
    this.#beyond.set(from, Math.max(to, this.#beyond.get(from) ?? 0))
    for (let next = this.#next(); next !== null; next = this.#next()) {
      this.#held = Math.max(this.#held, this.#beyond.get(next) ?? 0)
      this.#beyond.delete(next)
    }
    return this.#held
  }

  #next(): number | null {
    for (const from of this.#beyond.keys()) if (from <= this.#held) return from
    return null
  }
}
