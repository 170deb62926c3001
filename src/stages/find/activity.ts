/** What is being done right now, for people. Names no file of the archive. */
export interface Activity {
  readonly doing: 'asking' | 'hashing' | 'reading' | 'restoring' | 'loading' | 'replacing' | 'counting'
  /** The destination that is asked or read from; null: all of them. */
  readonly destination: string | null
  /** Bytes. */
  readonly done: number
  /** Bytes; null: not known. */
  readonly total: number | null
  /** Null where it is not about files. */
  readonly files: { readonly done: number; readonly total: number } | null
}

/** Is given, for each new piece of work, a function that tells how far it is. */
export type OnWork = (look: () => Activity) => void

/** Counts bytes as they are read, of one piece of work after the other. */
export class ActivityReporter {
  readonly #tell: OnWork
  readonly #destination: string | null
  #done = 0

  constructor(tell: OnWork, destination: string | null) {
    this.#tell = tell
    this.#destination = destination
  }

  begin(doing: Activity['doing'], total: number | null): void {
    this.#done = 0
    this.#tell(() => ({ doing, destination: this.#destination, done: this.#done, total, files: null }))
  }

  readonly read = (bytes: number): void => {
    this.#done += bytes
  }
}
