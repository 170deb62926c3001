import { BackupError } from './errors.ts'

/**
 * The requests of one upload that are under way. When one fails those beside it are broken off, and nothing new begins:
 * they read from buffers that would be given back.
 */
export class UnderWay {
  readonly #requests = new Map<Promise<void>, number>()
  readonly #broken = new AbortController()
  readonly #signal: AbortSignal
  #failure: { readonly error: unknown } | null = null

  /** `halt`: breaks all of them off. */
  constructor(halt: AbortSignal) {
    this.#signal = AbortSignal.any([halt, this.#broken.signal])
  }

  /** Aborted when one of them has failed. */
  get broken(): AbortSignal {
    return this.#broken.signal
  }

  begin(bytes: number, request: (signal: AbortSignal) => Promise<void>): void {
    const running = request(this.#signal)
      .catch((error: unknown) => {
        this.#failure ??= { error }
        this.#broken.abort(new BackupError('E_ABORTED', 'A request beside it failed.'))
      })
      .finally(() => this.#requests.delete(running))
    this.#requests.set(running, bytes)
  }

  /** Resolves when there is room for one more of `bytes`, beside at most `count - 1` others. Rejects as `all` does. */
  async room(bytes: number, count: number, most: number): Promise<void> {
    const isFull = (): boolean => {
      const sum = [...this.#requests.values()].reduce((before, more) => before + more, 0)
      return this.#requests.size >= count || (this.#requests.size > 0 && sum + bytes > most)
    }
    while (this.#failure === null && isFull()) await Promise.race(this.#requests.keys())
    if (this.#failure !== null) await this.all()
  }

  /** Resolves when none is under way any more. Rejects then with what the first of those that failed did. */
  async all(): Promise<void> {
    await this.settled()
    if (this.#failure !== null) throw this.#failure.error
  }

  /** Resolves when none is under way any more, however they ended. */
  async settled(): Promise<void> {
    while (this.#requests.size > 0) await Promise.all(this.#requests.keys())
  }
}
