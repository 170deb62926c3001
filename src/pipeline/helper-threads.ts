import { availableParallelism } from 'node:os'
import { HelperThread } from './helper-thread.ts'

/** One a core; four keep up with any line, and each costs some 10 MB. */
export const THREADS = Math.min(4, availableParallelism())

/** THREADS threads of one program: a message goes to the one that has the least to do. */
export class HelperThreads {
  readonly #threads: readonly HelperThread[]

  constructor(program: URL) {
    this.#threads = Array.from({ length: THREADS }, () => new HelperThread(program))
  }

  /** As `HelperThread.ask`; the answers come in any order. */
  ask<T>(message: unknown): Promise<T> {
    const [first, ...others] = this.#threads
    if (first === undefined) throw new RangeError('no threads')
    return others.reduce((least, one) => (one.load < least.load ? one : least), first).ask<T>(message)
  }

  /** As `HelperThread.end`, of all. */
  async end(): Promise<void> {
    await Promise.all(this.#threads.map((one) => one.end()))
  }
}
