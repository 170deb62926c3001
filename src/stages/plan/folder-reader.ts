import { asBackupError } from '../../pipeline/errors.ts'
import type { Backlog } from './backlog.ts'
import { reasonOf } from './left-out.ts'
import { listFolder } from './listing.ts'
import type { Listed, ListingOptions } from './listing.ts'
import { ShownEntry, undisguise } from './shown-entry.ts'
import { sourceError } from './source-error.ts'
import type { LeftOut, PlannedFile } from './types.ts'

/** A file to back up, or what is left out and why. A folder that is left out stands for all that is in it. */
export type WalkItem = PlannedFile | { readonly leftOut: LeftOut }

export interface FolderReaderOptions extends ListingOptions {
  /** Where everything found ends up. Fails with E_SOURCE when the root itself cannot be read. */
  readonly backlog: Backlog<WalkItem>
}

/**
 * Reads folders for fast-glob, which takes `readdir` for its file system. It is shown only what is wanted, so that it
 * has nothing to decide. A folder that cannot be read is told, and empty.
 *
 * fast-glob does not wait for its reader. So this holds the next folder back while the backlog is full. Several folders
 * are read at a time and handed over in the order they were asked for, so that the walk's order is the same each time.
 */
export class FolderReader {
  readonly #options: FolderReaderOptions
  #last: Promise<void> = Promise.resolve()
  /** Files shown to fast-glob so far. */
  files = 0

  constructor(options: FolderReaderOptions) {
    this.#options = options
  }

  readonly readdir = (path: string, _: unknown, callback: (error: null, entries: ShownEntry[]) => void): void => {
    const { root, backlog } = this.#options
    const reading = this.#read(undisguise(path.slice(root.length).replace(/^\//, '')))
    const before = this.#last
    const handOver = async (): Promise<void> => {
      const listed = await reading
      await before
      const shown: ShownEntry[] = []
      for (const item of listed) {
        if (item instanceof ShownEntry) shown.push(item)
        else backlog.push({ leftOut: item })
      }
      this.files += shown.reduce((files, entry) => files + (entry.isFile() ? 1 : 0), 0)
      callback(null, shown)
    }
    this.#last = handOver().catch((error: unknown) => {
      backlog.fail(asBackupError(error))
    })
  }

  /** Resolves when nothing is being read any more. For when the backlog has failed or ended. */
  async idle(): Promise<void> {
    for (let last; last !== this.#last;) await (last = this.#last)
  }

  async #read(folder: string): Promise<readonly Listed[]> {
    const { root, backlog } = this.#options
    if (!(await backlog.room())) return []
    try {
      return await listFolder(folder, this.#options)
    } catch (error) {
      if (folder === '') backlog.fail(sourceError(root, error))
      return [{ path: folder, reason: reasonOf(error) }]
    }
  }
}
