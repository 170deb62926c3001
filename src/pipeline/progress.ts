/**
 * Progress is counters plus whoever looks at them. Stages only add; they know of no terminal and no interval.
 */

export interface DestinationProgress {
  readonly name: string
  /**
   * `behind`: too slow for the others, it is brought up from the source on its own. `interrupted`: the run was stopped
   * before it held all.
   */
  state: 'waiting' | 'sending' | 'retrying' | 'behind' | 'verifying' | 'completed' | 'failed' | 'interrupted'
  /** Bytes of the archive that the destination is known to hold, those that an earlier process sent included. */
  held: number
  /** Bytes this process uploaded to it, repeats included. */
  sent: number
}

export interface Progress {
  phase: 'preparing' | 'dumping' | 'archiving' | 'finishing'
  /** What the plan holds; null until the walk of the archive folder has ended. */
  filesTotal: number | null
  bytesTotal: number | null
  /** Files put into the archive or left out, and their bytes, in units of the plan. */
  filesDone: number
  bytesDone: number
  filesSkipped: number
  /** Bytes of the database dump put into the archive. */
  dumpBytes: number
  /** Bytes of the archive made so far. */
  archiveBytes: number
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
