import { availableParallelism } from 'node:os'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { BackupError } from '../contract/errors.ts'

/** Where a helper's program lies: beside `module` (its import.meta), as TypeScript or built. */
export function programBeside(module: ImportMeta, name: string): URL {
  return new URL(`${name}${path.extname(module.filename)}`, module.url)
}

let unanswered = 0

/** How many messages all helper threads together have not answered yet. */
export const messagesUnanswered = (): number => unanswered

/**
 * A thread that works on messages one after another and answers each. It starts with the first, and keeps the process
 * alive only while it has something to do, so one may be shared by all who need it.
 */
export class HelperThread {
  readonly #program: URL
  #worker: Worker | null = null
  readonly #waiting: PromiseWithResolvers<unknown>[] = []

  constructor(program: URL) {
    this.#program = program
  }

  /** How many messages have no answer yet. */
  get load(): number {
    return this.#waiting.length
  }

  /**
   * Resolves with the answer, which comes in the order of the calls. Memory that is shared stays shared, all else is
   * copied. Rejects with E_INTERNAL when the thread ends before it has answered; the next message starts another, which
   * knows nothing of what this one was told.
   */
  async ask<T>(message: unknown): Promise<T> {
    const worker = (this.#worker ??= this.#start())
    const answer = Promise.withResolvers<unknown>()
    // First, for one that cannot be sent has no answer.
    worker.postMessage(message)
    if (this.#waiting.push(answer) === 1) worker.ref()
    unanswered += 1
    try {
      return (await answer.promise) as T
    } finally {
      unanswered -= 1
    }
  }

  /** Ends the thread; the next message starts another. What has no answer yet rejects with E_INTERNAL. Rejects never. */
  async end(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    worker?.removeAllListeners()
    // Else they would get the answers to later messages.
    const failure = new BackupError('E_INTERNAL', 'A helper thread was ended before it had answered.')
    for (const { reject } of this.#waiting.splice(0)) reject(failure)
    await worker?.terminate()
  }

  #start(): Worker {
    // Small, and looked after often: what a helper works on is not on its heap.
    // Options of the process's are for its own program.
    const worker = new Worker(this.#program, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 2 } })
    worker.unref()
    worker.on('message', (answer: unknown) => {
      const waiting = this.#waiting.shift()
      if (this.#waiting.length === 0) worker.unref()
      waiting?.resolve(answer)
    })
    const ended = (reason: unknown): void => {
      // An error is followed by the exit: by then another may be at work.
      if (this.#worker !== worker) return
      this.#worker = null
      const failure = new BackupError('E_INTERNAL', `A helper thread has ended (${String(reason)}).`, {
        advice: 'Please report it with the log file.',
        cause: reason,
      })
      for (const { reject } of this.#waiting.splice(0)) reject(failure)
    }
    worker.on('error', ended)
    worker.on('exit', ended)
    return worker
  }
}

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
