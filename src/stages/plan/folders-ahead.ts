import { HelperThreads, programBeside } from '../../pipeline/threads/helper-threads.ts'
import type { Listing } from './listing.ts'
import type { ListRequest, NotListed, WalkRules } from './listing-program.ts'

/** So many folders are listed at once. */
const AT_ONCE = 4
/** So many of those whose turn comes next are listed before it, */
const AHEAD = 8
/** and no more of them while so many files of listed folders wait for their turn. */
const FILES_AHEAD = 1000

interface Folder {
  readonly path: string
  /** Null: it is not asked for yet. */
  listing: Promise<Listing | NotListed> | null
  /** Files of its listing, once that is there and waits for its turn. */
  files: number
  isTaken: boolean
}

const folderAt = (path: string): Folder => ({ path, listing: null, files: 0, isTaken: false })

export interface FolderInTurn {
  /** Below the root, `/` between its parts; '' is the root. */
  readonly path: string
  /** Rejects with E_INTERNAL only. */
  readonly listing: Promise<Listing | NotListed>
}

/** They end after the walk: a run of hours has no more use for them. */
const threads = new HelperThreads(programBeside(import.meta, './listing-program'))

/**
 * The folders of a walk, each followed by those that are in it, in the order of their names. They are listed in threads,
 * some before their turn. In memory are the listings of AHEAD folders a level, and the paths of folders still to be listed.
 */
export class FoldersAhead {
  readonly #rules: WalkRules
  /** The next one is the last. */
  readonly #folders: Folder[] = []
  #inFlight = 0
  #filesAhead = 0

  constructor(rules: WalkRules) {
    this.#rules = rules
    this.#folders.push(folderAt(''))
    threads.come()
  }

  /** The next folder; null when there is none. */
  next(): FolderInTurn | null {
    const folder = this.#folders.pop()
    if (folder === undefined) return null
    folder.isTaken = true
    this.#filesAhead -= folder.files
    return { path: folder.path, listing: folder.listing ?? this.#list(folder) }
  }

  /** Folders that are in the one that came last: they come next, in this order. */
  add(paths: readonly string[]): void {
    for (const path of paths.toReversed()) this.#folders.push(folderAt(path))
    this.#listAhead()
  }

  /** What is listed now is of no use any more; nothing is waited for, for a file system may never answer. */
  close(): void {
    this.#folders.length = 0
    threads.leave()
  }

  #listAhead(): void {
    for (let n = 1; n <= AHEAD && this.#inFlight < AT_ONCE && this.#filesAhead < FILES_AHEAD; n += 1) {
      const folder = this.#folders.at(-n)
      if (folder === undefined) return
      if (folder.listing !== null) continue
      const listing = this.#list(folder)
      folder.listing = listing
      const arrived = async (): Promise<void> => {
        const found = await listing
        if (folder.isTaken || 'code' in found) return
        folder.files = found.sizes.length
        this.#filesAhead += folder.files
      }
      // Whoever takes the folder hears of a thread that has ended.
      arrived().catch(() => undefined)
    }
  }

  async #list({ path }: Folder): Promise<Listing | NotListed> {
    const request: ListRequest = { folder: path, rules: this.#rules }
    this.#inFlight += 1
    try {
      return await threads.ask<Listing | NotListed>(request)
    } finally {
      this.#inFlight -= 1
      this.#listAhead()
    }
  }
}
