/**
 * Progress is counters. A run's stages report what they did to one reporter, which alone writes the counters; whoever
 * shows them reads them when it likes. Stages know of no terminal and no interval.
 */

export interface DestinationProgress {
  readonly name: string
  /**
   * `behind`: too slow for the others, it catches up from the source on its own. `interrupted`: the run was stopped before
   * it held all.
   */
  readonly state: 'waiting' | 'sending' | 'retrying' | 'behind' | 'verifying' | 'completed' | 'failed' | 'interrupted'
  /** Bytes of the archive that the destination is known to hold, those that an earlier process sent included. */
  readonly held: number
  /** Bytes this process uploaded to it, repeats included. */
  readonly sent: number
}

export interface Progress {
  readonly phase: 'preparing' | 'dumping' | 'archiving' | 'finishing'
  /** What the plan holds; null until the walk of the archive folder has ended. */
  readonly filesTotal: number | null
  readonly bytesTotal: number | null
  /** Files put into the archive or left out, and their bytes, in units of the plan. */
  readonly filesDone: number
  readonly bytesDone: number
  readonly filesSkipped: number
  /** Bytes of the database dump put into the archive. */
  readonly dumpBytes: number
  /** Bytes of the archive made so far. */
  readonly archiveBytes: number
  readonly destinations: readonly DestinationProgress[]
}

export function newProgress(destinations: readonly string[]): Progress {
  return {
    phase: 'preparing',
    filesTotal: null,
    bytesTotal: null,
    filesDone: 0,
    bytesDone: 0,
    filesSkipped: 0,
    dumpBytes: 0,
    archiveBytes: 0,
    destinations: destinations.map((name) => ({ name, state: 'waiting', held: 0, sent: 0 })),
  }
}

type Counters<T> = { -readonly [K in keyof T]: T[K] }

/** The only writer of a run's progress. Bytes and files are counted as `Progress` says. */
export class ProgressReporter {
  /** The counters, as they are at any time. */
  readonly progress: Progress
  /** In the order of the names. */
  readonly destinations: readonly DestinationReporter[]
  readonly #counters: Counters<Progress>

  constructor(destinations: readonly string[]) {
    this.progress = this.#counters = newProgress(destinations)
    this.destinations = this.progress.destinations.map((own) => new DestinationReporter(own))
  }

  enter(phase: Progress['phase']): void {
    this.#counters.phase = phase
  }

  /** The dump has so many bytes. */
  dumped(bytes: number): void {
    this.#counters.dumpBytes = bytes
  }

  /** The plan is complete. `bytes`: of its files and of the dump. */
  planned(files: number, bytes: number): void {
    this.#counters.filesTotal = files
    this.#counters.bytesTotal = bytes
  }

  /** The archive starts, or resumes where an earlier process had done this much. */
  startedAt({ filesDone, filesSkipped, bytesDone }: Pick<Progress, 'filesDone' | 'filesSkipped' | 'bytesDone'>): void {
    Object.assign(this.#counters, { filesDone, filesSkipped, bytesDone })
  }

  /** A file of the plan is in the archive, or left out. */
  fileDone(bytes: number): void {
    this.#counters.filesDone += 1
    this.#counters.bytesDone += bytes
  }

  fileSkipped(): void {
    this.#counters.filesSkipped += 1
  }

  /** So many further bytes of the dump are in the archive. */
  dumpDone(bytes: number): void {
    this.#counters.bytesDone += bytes
  }

  /** The archive has so many bytes. */
  archived(bytes: number): void {
    this.#counters.archiveBytes = bytes
  }
}

/** The same for one destination. */
export class DestinationReporter {
  readonly #own: Counters<DestinationProgress>

  constructor(own: DestinationProgress) {
    this.#own = own
  }

  /** Started or resumed, it holds so many bytes, or an append was acknowledged up to there. */
  held(bytes: number): void {
    this.#own.held = bytes
  }

  /** A request carries so many bytes. */
  sent(bytes: number): void {
    this.#own.sent += bytes
  }

  sending({ isBehind }: { readonly isBehind: boolean }): void {
    this.#own.state = isBehind ? 'behind' : 'sending'
  }

  retrying(): void {
    this.#own.state = 'retrying'
  }

  verifying(): void {
    this.#own.state = 'verifying'
  }

  /** It has proved that it holds the whole archive. */
  completed(bytes: number): void {
    this.#own.state = 'completed'
    this.#own.held = bytes
  }

  /** `isStopped`: it did not fail; the run was stopped. */
  ended({ isStopped }: { readonly isStopped: boolean }): void {
    this.#own.state = isStopped ? 'interrupted' : 'failed'
  }
}
