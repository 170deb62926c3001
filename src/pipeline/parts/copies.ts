import type { Destination, StoredObject } from '../contract/destination.ts'
import { abortError, BackupError } from '../contract/errors.ts'

export interface Copy {
  readonly destination: Destination
  readonly stored: StoredObject
}

/**
 * The whole copies of the archive that there are, for bytes that cannot be made again. Who needs one and finds none
 * waits for another destination to be done; when nobody is left who could get there, the wait is over.
 */
export class Copies {
  readonly all: Copy[] = []
  #working: number
  readonly #waiting = new Set<() => void>()

  /** `working`: destinations that are on their way. */
  constructor(working: number) {
    this.#working = working
  }

  /** A destination that was on its way has a whole copy. */
  add(copy: Copy): void {
    this.all.push(copy)
    this.#wake()
  }

  /** A destination is on its way no more, with a copy or without. */
  ended(): void {
    this.#working -= 1
    this.#wake()
  }

  /**
   * Resolves when there are more copies than the `known` ones that were already tried. Rejects with E_SOURCE when
   * there will be none.
   */
  async next(signal: AbortSignal, known = this.all.length): Promise<void> {
    while (this.all.length === known) {
      if (signal.aborted) throw abortError(signal)
      if (this.#waiting.size + 1 >= this.#working) {
        this.#wake()
        throw lost()
      }
      await this.#change(signal)
    }
  }

  async #change(signal: AbortSignal): Promise<void> {
    const changed = Promise.withResolvers<undefined>()
    const wake = (): void => {
      changed.resolve(undefined)
    }
    signal.addEventListener('abort', wake, { once: true })
    this.#waiting.add(wake)
    try {
      await changed.promise
    } finally {
      this.#waiting.delete(wake)
      signal.removeEventListener('abort', wake)
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

const lost = (): BackupError =>
  new BackupError(
    'E_SOURCE',
    'Files that were partly uploaded have changed since, and no complete copy has their bytes.',
    {
      advice: 'The next run makes a new backup.',
    },
  )
