import { availableParallelism } from 'node:os'
import { HelperThread } from './helper-thread.ts'

/** One a core; four keep up with any line, and each costs some 10 MB. */
export const THREADS = Math.min(4, availableParallelism())

/** How long threads that are shared wait for the next user, in ms: to start one takes 60 ms of the processor's time. */
const KEPT_MS = 1000

/** THREADS threads of one program: a message goes to the one that has the least to do. */
export class HelperThreads {
  readonly #threads: readonly HelperThread[]
  #users = 0
  #ending: NodeJS.Timeout | undefined

  constructor(program: URL) {
    this.#threads = Array.from({ length: THREADS }, () => new HelperThread(program))
  }

  /** As `HelperThread.ask`; the answers come in any order. */
  ask<T>(message: unknown): Promise<T> {
    const [first, ...others] = this.#threads
    if (first === undefined) throw new RangeError('no threads')
    return others.reduce((least, one) => (one.load < least.load ? one : least), first).ask<T>(message)
  }

  /** For threads that are needed for a part of a run only: each user comes before it asks, and leaves when it is answered. */
  come(): void {
    this.#users += 1
    clearTimeout(this.#ending)
  }

  /** The threads end when the last user has left and none has come for KEPT_MS. A process does not wait for that. */
  leave(): void {
    this.#users -= 1
    if (this.#users > 0) return
    this.#ending = setTimeout(() => {
      for (const thread of this.#threads) void thread.end()
    }, KEPT_MS).unref()
  }
}
