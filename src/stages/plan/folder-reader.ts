import { asBackupError } from '../../pipeline/errors.ts'
import { programBeside } from '../../pipeline/helper-thread.ts'
import { HelperThreads } from '../../pipeline/helper-threads.ts'
import type { Backlog } from './backlog.ts'
import { reasonOf } from './left-out.ts'
import type { Listing } from './listing.ts'
import type { ListRequest, NotListed, WalkRules } from './listing-program.ts'
import { ShownFolder, undisguise } from './shown-folder.ts'
import { sourceError } from './source-error.ts'
import type { LeftOut, PlannedFile } from './types.ts'

/** A file to back up, or what is left out and why. A folder that is left out stands for all that is in it. */
export type WalkItem = PlannedFile | { readonly leftOut: LeftOut }

const NOTHING: Listing = {
  files: '',
  sizes: new Float64Array(),
  times: new Float64Array(),
  folders: [],
  leftOut: [],
}

/** They end with the walk: a run of hours has no more use for them. */
const threads = new HelperThreads(programBeside(import.meta, './listing-program'))

/**
 * Reads folders for fast-glob, which takes `readdir` for its file system and knows which are left. It is shown the
 * folders that are to be entered, and nothing else: what it does with a file costs more than to find the file. Files go
 * into the backlog from here. A folder that cannot be read is told, and empty.
 *
 * fast-glob does not wait for its reader. So this holds the next folder back while the backlog is full. Several folders
 * are read at a time, in threads, and handed over in the order they were asked for, so that the walk's order is the
 * same each time.
 */
export class FolderReader {
  readonly #rules: WalkRules
  /** Where everything found ends up. Fails with E_SOURCE when the root itself cannot be read. */
  readonly #backlog: Backlog<WalkItem>
  #last: Promise<void> = Promise.resolve()
  /** Folders that fast-glob was shown, the root among them, and has not asked for yet. */
  unread = 1

  constructor(rules: WalkRules, backlog: Backlog<WalkItem>) {
    this.#rules = rules
    this.#backlog = backlog
    threads.come()
  }

  readonly readdir = (path: string, _: unknown, callback: (error: null, entries: ShownFolder[]) => void): void => {
    const folder = undisguise(path.slice(this.#rules.root.length).replace(/^\//, ''))
    const reading = this.#read(folder)
    const before = this.#last
    this.unread -= 1
    const handOver = async (): Promise<void> => {
      const listing = await reading
      await before
      this.#backlog.push(itemsOf(folder, listing))
      this.unread += listing.folders.length
      callback(
        null,
        listing.folders.map((name) => new ShownFolder(name)),
      )
    }
    this.#last = handOver().catch((error: unknown) => {
      this.#backlog.fail(asBackupError(error))
    })
  }

  /** Leaves the threads, when nothing is being read any more. For when the backlog has failed or ended. */
  async close(): Promise<void> {
    for (let last; last !== this.#last;) await (last = this.#last)
    threads.leave()
  }

  async #read(folder: string): Promise<Listing> {
    if (!(await this.#backlog.room())) return NOTHING
    const request: ListRequest = { folder, rules: this.#rules }
    const answer = await threads.ask<Listing | NotListed>(request)
    if (!('code' in answer)) return answer
    const error = Object.assign(new Error(answer.message), { code: answer.code })
    if (folder === '') this.#backlog.fail(sourceError(this.#rules.root, error))
    return { ...NOTHING, leftOut: [{ path: folder, reason: reasonOf(error) }] }
  }
}

function itemsOf(folder: string, { files, sizes, times, leftOut }: Listing): WalkItem[] {
  const items: WalkItem[] = leftOut.map((one) => ({ leftOut: one }))
  if (files === '') return items
  const below = folder === '' ? '' : `${folder}/`
  for (const [n, name] of files.split('/').entries()) {
    items.push({ path: below + name, size: sizes[n] ?? 0, mtimeMs: times[n] ?? 0 })
  }
  return items
}
