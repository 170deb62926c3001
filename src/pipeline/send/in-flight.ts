import { BackupError } from '../contract/errors.ts'

/**
 * The requests of one upload that are in flight. One that was answered still counts while one before it is not: what has
 * to be sent again after a kill is all that comes after the first gap. When one fails for good, the others are aborted and
 * no further one starts, as they would hold up the upload's next try (docs/design.md, *Retrying*).
 */
export class InFlight {
  /** Where each of them ends that may not be held without a gap. */
  #ends: number[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #held: () => number
  readonly #broken = new AbortController()
  readonly #signal: AbortSignal
  #failure: { readonly error: unknown } | null = null

  /** `held`: everything before it is held. `halt`: aborts all of them. */
  constructor(held: () => number, halt: AbortSignal) {
    this.#held = held
    this.#signal = AbortSignal.any([halt, this.#broken.signal])
  }

  /** Aborted when one of them has failed. */
  get broken(): AbortSignal {
    return this.#broken.signal
  }

  /** Starts a request whose bytes end at `end`. */
  begin(end: number, request: (signal: AbortSignal) => Promise<void>): void {
    const running = request(this.#signal)
      .catch((error: unknown) => {
        this.#failure ??= { error }
        // A stop lets the others end.
        if (error instanceof BackupError && error.code === 'E_ABORTED') return
        this.#broken.abort(new BackupError('E_ABORTED', 'Another request of the same upload failed.'))
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
    this.#ends.push(end)
  }

  /** Resolves when fewer than `count` are in flight. Rejects as `all` does. */
  async fewerThan(count: number): Promise<void> {
    await this.#until(() => {
      const held = this.#held()
      this.#ends = this.#ends.filter((end) => end > held)
      return this.#ends.length < count
    })
  }

  /** Resolves when with one more, that ends at `end`, no more than `bytes` are in flight. Rejects as `all` does. */
  async room(end: number, bytes: number): Promise<void> {
    await this.#until(() => end - this.#held() <= bytes)
  }

  /** Resolves when none is running any more. Rejects then with the error of the first that failed. */
  async all(): Promise<void> {
    await this.settled()
    if (this.#failure !== null) throw this.#failure.error
  }

  /** Resolves when none is running any more, however they ended. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Until it is so, or nothing is left that could make it so. */
  async #until(isSo: () => boolean): Promise<void> {
    while (this.#failure === null && this.#running.size > 0 && !isSo()) await Promise.race(this.#running)
    if (this.#failure !== null) await this.all()
  }
}
