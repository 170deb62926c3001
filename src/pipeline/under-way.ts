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

  /** Resolves when fewer than `count` are under way. Rejects as `all` does. */
  async fewerThan(count: number): Promise<void> {
    await this.#until(() => this.#requests.size < count)
  }

  /** Resolves when they and one of `bytes` carry no more than `most`, or none is under way. Rejects as `all` does. */
  async room(bytes: number, most: number): Promise<void> {
    const sum = (): number => [...this.#requests.values()].reduce((before, more) => before + more, 0)
    await this.#until(() => this.#requests.size === 0 || sum() + bytes <= most)
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

  async #until(isSo: () => boolean): Promise<void> {
    while (this.#failure === null && !isSo()) await Promise.race(this.#requests.keys())
    if (this.#failure !== null) await this.all()
  }
}
