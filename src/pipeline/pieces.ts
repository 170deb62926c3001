/**
 * The pieces of an upload that takes several at once: which are under way, and how far those reach that were
 * acknowledged. Offsets in bytes.
 */
export class Pieces {
  #held: number
  /** Where pieces after a gap begin, and end. */
  readonly #beyond = new Map<number, number>()
  readonly #underWay = new Set<{ readonly from: number; readonly to: number }>()

  /** `held`: everything before it is acknowledged. */
  constructor(held: number) {
    this.#held = held
  }

  /** Everything before it is acknowledged. */
  get held(): number {
    return this.#held
  }

  /** Everything before it is acknowledged or under way: a piece that begins after it would leave a gap. */
  get reach(): number {
    let reach = this.#held
    const pieces = [...this.#underWay, ...[...this.#beyond].map(([from, to]) => ({ from, to }))]
    for (const { from, to } of pieces.sort((a, b) => a.from - b.from)) if (from <= reach) reach = Math.max(reach, to)
    return reach
  }

  /** A piece is under way for as long as `send` takes, and acknowledged when that resolves. Resolves with `held` then. */
  async during(from: number, to: number, send: () => Promise<void>): Promise<number> {
    const piece = { from, to }
    this.#underWay.add(piece)
    try {
      await send()
    } finally {
      this.#underWay.delete(piece)
    }
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
