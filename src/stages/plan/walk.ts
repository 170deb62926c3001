import path from 'node:path'
import { Readable } from 'node:stream'
import fastGlob from 'fast-glob'
import { BackupError, abortError } from '../../pipeline/errors.ts'
import { deviceOf, mustBeOn } from './archive-folder.ts'
import { Backlog } from './backlog.ts'
import { FolderReader } from './folder-reader.ts'
import type { WalkItem } from './folder-reader.ts'
import { pathsBelow } from './own-paths.ts'
import type { Patterns } from './selection.ts'

export type { WalkItem } from './folder-reader.ts'

export interface WalkOptions extends Patterns {
  /**
   * Absolute paths of what the program writes itself, folders or files. Those below the root are told and not entered;
   * others do not matter.
   */
  readonly skipFolders: readonly string[]
}

/** So many found files wait to be taken before no further folder is read. */
const BACKLOG = 1000
const FOLDERS_AT_ONCE = 4

/**
 * Walks the archive folder: its files, folder by folder, in an order that does not change from walk to walk. Empty
 * folders give nothing. Symbolic links, pipes, sockets, devices, what cannot be read and `skipFolders` are told as left
 * out; what the patterns leave out is not. In memory are BACKLOG files, those of four folders more, and the paths of
 * folders still to be read, however slow the reader.
 *
 * Rejects with E_SOURCE when `root` is missing, not a folder, not readable, or gone at the end; with E_CONFIG when it
 * is itself one of `skipFolders`; with the signal's reason when it is aborted.
 */
export async function* walkArchive(root: string, options: WalkOptions, signal: AbortSignal): AsyncGenerator<WalkItem> {
  const device = await deviceOf(root)
  const { include, exclude, skipFolders } = options
  const skip = await pathsBelow(root, skipFolders)
  const backlog = new Backlog<WalkItem>(BACKLOG)
  const reader = new FolderReader({ root: path.resolve(root), include, exclude, skip: [...skip] }, backlog)
  const stop = (): void => {
    backlog.fail(abortError(signal))
  }
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const stream = fastGlob.stream('**/*', {
    cwd: root,
    dot: true,
    followSymbolicLinks: false,
    unique: false,
    concurrency: FOLDERS_AT_ONCE,
    fs: { readdir: reader.readdir as unknown as fastGlob.FileSystemAdapter['readdir'] },
  })
  stream.on('end', () => {
    backlog.end()
  })
  stream.resume()
  try {
    yield* backlog
    if (reader.unread > 0) throw new BackupError('E_INTERNAL', 'The walk of the archive folder passed a folder over.')
    await mustBeOn(device, root)
  } finally {
    signal.removeEventListener('abort', stop)
    backlog.fail(new BackupError('E_ABORTED', 'The walk was ended.'))
    if (stream instanceof Readable) stream.destroy()
    await reader.close()
  }
}
