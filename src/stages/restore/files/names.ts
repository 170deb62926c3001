import type { HelperThreads } from '../../../pipeline/threads/helper-threads.ts'
import { flush } from './flush.ts'
import type { WantedOwner } from './owner.ts'
import type { NameRequest, Outcome } from './program.ts'
import { discard } from './replace.ts'

/** A file that is whole and proved under a temporary name. */
export interface Written {
  readonly temporary: string
  readonly final: string
  readonly bytes: number
  /** To be given to it with its name; null: none. */
  readonly owner: WantedOwner | null
  /** Called before it gets its name: makes sure of its folder. When it rejects, the file is removed. */
  readonly prepare: () => Promise<unknown>
  /** Called when it has its name, or is removed because that cannot be: with null, or what it lacks, or why. */
  readonly settled: (outcome: Error | Outcome) => void
}

/** So many files, or bytes of them, are flushed together; a kill loses no more, nor what is older than this. */
const MOST_FILES = 1000
const MOST_BYTES = 64 * 1024 * 1024
const OLDEST_MS = 100

/**
 * Gives small files their own names, many at a time, as soon as they are durable and not before. While some are flushed,
 * the next are written.
 */
export class FinalNames {
  readonly #folder: string
  readonly #threads: HelperThreads
  #waiting: Written[] = []
  #bytes = 0
  #since = 0
  #naming: Promise<void> | null = null
  #failure: { readonly error: unknown } | null = null

  /** `threads` run restore-files-program.ts; `folder` is what is restored into. */
  constructor(folder: string, threads: HelperThreads) {
    this.#folder = folder
    this.#threads = threads
  }

  /** Resolves when more may be written. Rejects with the system's error when files cannot be made durable. */
  async add(file: Written): Promise<void> {
    if (this.#waiting.length === 0) this.#since = performance.now()
    this.#waiting.push(file)
    this.#bytes += file.bytes
    while (this.#isFull()) {
      if (this.#naming === null) this.#begin()
      else await this.#naming
    }
    if (this.#naming === null && performance.now() - this.#since > OLDEST_MS) this.#begin()
    this.#check()
  }

  /** Resolves when all have their names. Rejects as `add` does; then those that have none are removed. */
  async end(): Promise<void> {
    while (this.#naming !== null || this.#waiting.length > 0) {
      if (this.#naming === null) this.#begin()
      await this.#naming
    }
    this.#check()
  }

  #isFull(): boolean {
    return this.#waiting.length >= MOST_FILES || this.#bytes >= MOST_BYTES
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.error
  }

  #begin(): void {
    const files = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    this.#naming = this.#name(files)
      .catch(async (error: unknown) => {
        this.#failure ??= { error }
        for (const { temporary } of files) await discard(temporary)
      })
      .finally(() => {
        this.#naming = null
      })
  }

  async #name(files: readonly Written[]): Promise<void> {
    this.#check()
    await flush(
      this.#folder,
      files.map(({ temporary }) => temporary),
    )
    const ready: Written[] = []
    for (const file of files) {
      try {
        await file.prepare()
        ready.push(file)
      } catch (error) {
        await discard(file.temporary)
        file.settled(error instanceof Error ? error : new Error(String(error)))
      }
    }
    const names: NameRequest = { names: ready.map(({ temporary, final, owner }) => ({ temporary, final, owner })) }
    const outcomes = await this.#threads.ask<Outcome[]>(names)
    for (const [n, { settled }] of ready.entries()) settled(outcomes[n] ?? null)
  }
}
