/** Both services find the bytes of an unfinished upload again for 7 days. */
const LIFE_MS = 7 * 24 * 60 * 60 * 1000

/** Upload sessions by their ids, until they are dropped or 7 days old. */
export class LiveSessions<S extends { readonly startedAt: number }> {
  readonly #live = new Map<string, S>()
  readonly #clock: () => number
  readonly #discard: (session: S) => Promise<void>

  /** `discard` removes what a session holds, unless it has become a file. */
  constructor(clock: () => number, discard: (session: S) => Promise<void>) {
    this.#clock = clock
    this.#discard = discard
  }

  add(id: string, session: S): void {
    this.#live.set(id, session)
  }

  /** Null when it is unknown, dropped or older than 7 days. */
  async find(id: string): Promise<S | null> {
    const session = this.#live.get(id)
    if (session === undefined) return null
    if (this.#clock() - session.startedAt <= LIFE_MS) return session
    await this.drop(id)
    return null
  }

  async drop(id: string): Promise<void> {
    const session = this.take(id)
    if (session !== null) await this.#discard(session)
  }

  /** Forgets a session and leaves what it holds; null when it is unknown. */
  take(id: string): S | null {
    const session = this.#live.get(id) ?? null
    this.#live.delete(id)
    return session
  }
}
