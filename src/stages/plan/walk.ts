import path from 'node:path'
import { abortError } from '../../pipeline/contract/errors.ts'
import { waitFor } from '../../pipeline/flow/wait-for.ts'
import { deviceOf, mustBeOn } from './archive-folder.ts'
import { branchesOf } from './branches.ts'
import { FoldersAhead } from './folders-ahead.ts'
import { reasonOf } from './left-out.ts'
import type { Listing } from './listing.ts'
import type { NotListed } from './listing-program.ts'
import { pathsBelow } from './own-paths.ts'
import type { Patterns } from './selection.ts'
import { sourceError } from './source-error.ts'
import type { LeftOut, PlannedFile } from './types.ts'

/** A file to back up, or what is left out and why. A folder that is left out stands for all that is in it. */
export type WalkItem = PlannedFile | { readonly leftOut: LeftOut }

export interface WalkOptions extends Patterns {
  /**
   * Absolute paths of what the program writes itself, folders or files. Those below the root are reported and not entered;
   * others do not matter.
   */
  readonly skipFolders: readonly string[]
}

/**
 * Walks the archive folder in one order, `compareInWalk`: the files of a folder, then its folders. Empty folders give
 * nothing. Symbolic links, pipes, sockets, devices, what cannot be read and `skipFolders` are reported as left out; what the
 * patterns leave out is not. In memory are some folders' listings and the paths of folders still to be read, however slow
 * the reader.
 *
 * Rejects with E_SOURCE when `root` is missing, not a folder, not readable, or gone at the end; with E_CONFIG when it
 * is itself one of `skipFolders`; with the signal's reason when it is aborted.
 */
export async function* walkArchive(root: string, options: WalkOptions, signal: AbortSignal): AsyncGenerator<WalkItem> {
  mustNotStop(signal)
  const device = await deviceOf(root)
  const { include, exclude, skipFolders } = options
  const skip = await pathsBelow(root, skipFolders)
  const branches = branchesOf(options)
  const folders = new FoldersAhead({ root: path.resolve(root), include, exclude, branches, skip: [...skip] })
  try {
    for (let folder = folders.next(); folder !== null; folder = folders.next()) {
      const listing = await waitFor(folder.listing, signal)
      if ('code' in listing) {
        yield notListed(root, folder.path, listing)
        continue
      }
      const below = folder.path === '' ? '' : `${folder.path}/`
      folders.add(listing.folders.map((name) => below + name))
      for (const item of itemsOf(below, listing)) {
        mustNotStop(signal)
        yield item
      }
    }
    mustNotStop(signal)
    await mustBeOn(device, root)
  } finally {
    folders.close()
  }
}

function mustNotStop(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal)
}

function* itemsOf(below: string, { files, sizes, times, leftOut }: Listing): Generator<WalkItem> {
  for (const one of leftOut) yield { leftOut: one }
  if (files === '') return
  for (const [n, name] of files.split('/').entries()) {
    yield { path: below + name, size: sizes[n] ?? 0, mtimeMs: times[n] ?? 0 }
  }
}

/** A folder that cannot be listed is left out, unless it is the root. */
function notListed(root: string, folder: string, { code, message }: NotListed): WalkItem {
  const error = Object.assign(new Error(message), { code })
  if (folder === '') throw sourceError(root, error)
  return { leftOut: { path: folder, reason: reasonOf(error) } }
}
