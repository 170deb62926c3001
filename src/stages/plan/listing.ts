import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { win32 } from 'node:path'
import { fromDirentName, keptApart, onDisk, toFsPath } from './file-name.ts'
import { OWN_FILES, kindOf, reasonOf } from './left-out.ts'
import type { Selection } from './selection.ts'
import type { LeftOut } from './types.ts'

export interface ListingOptions {
  readonly root: string
  readonly selection: Selection
  /** Paths below the root that are reported and not taken. */
  readonly skip: ReadonlySet<string>
}

/** What is wanted of a folder's contents, sorted by the code units of the names, in few pieces: it goes from one thread to another. */
export interface Listing {
  /** The files' names with `/` between them, which no name contains. See `keptApart` for the names that are changed. */
  readonly files: string
  /** The files' sizes in bytes, and their times in ms since 1970. */
  readonly sizes: Float64Array
  readonly times: Float64Array
  /** Names of folders to be entered. */
  readonly folders: readonly string[]
  readonly leftOut: readonly LeftOut[]
}

/**
 * Reads one folder; '' is the root. Size and time come from lstat, and so does the kind, which readdir does not tell on
 * some file systems. Throws the system's error when the folder cannot be read.
 */
export function listFolder(folder: string, options: ListingOptions): Listing {
  // As Latin-1 a name has a character for each byte and none is lost; names as Buffers take five times the memory.
  const found = readdirSync(toFsPath(options.root, folder), { encoding: 'latin1' })
  const plain = found.map(fromLatin1)
  const apart = keptApart(plain)
  // A folder's own order is that of a hash. By name, files that were written together are read together, and two walks can
  // be compared.
  const names = (apart.size === 0 ? plain : plain.map((name) => apart.get(name) ?? name)).sort()
  const files: string[] = []
  const sizes = new Float64Array(names.length)
  const times = new Float64Array(names.length)
  const folders: string[] = []
  const leftOut: LeftOut[] = []
  const below = folder === '' ? '' : `${folder}/`
  const belowOnDisk = onDisk(below)
  for (const name of names) {
    const seen = look(belowOnDisk + onDisk(name), options)
    if (seen === null) continue
    if (typeof seen === 'string') {
      leftOut.push({ path: below + name, reason: seen })
    } else if (seen.isDirectory()) {
      folders.push(name)
    } else {
      sizes[files.length] = seen.size
      times[files.length] = seen.mtimeMs
      files.push(name)
    }
  }
  const count = files.length
  return { files: files.join('/'), sizes: sizes.slice(0, count), times: times.slice(0, count), folders, leftOut }
}

const ASCII = /^[\0-\x7f]*$/

const fromLatin1 = (bytes: string): string => (ASCII.test(bytes) ? bytes : fromDirentName(Buffer.from(bytes, 'latin1')))

/** Folders that Windows keeps on every drive: no account may read the first one. */
const OF_WINDOWS = ['system volume information', '$recycle.bin']

/** Whether a path below `root` is such a folder, where `root` is a whole drive of Windows. */
export function isOfWindows(path: string, root: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== 'win32' || !OF_WINDOWS.includes(path.toLowerCase())) return false
  const { root: drive, base } = win32.parse(root)
  return base === '' && drive !== ''
}

/** A file or a folder that is wanted; null: not wanted; else why it is left out. */
function look(path: string, { root, selection, skip }: ListingOptions): Stats | string | null {
  const takes = selection.takes(path)
  const enters = selection.enters(path)
  if (!takes && !enters) return null
  if (skip.has(path)) return OWN_FILES
  if (isOfWindows(path, root)) return null
  let stats: Stats
  try {
    stats = lstatSync(toFsPath(root, path))
  } catch (error) {
    return reasonOf(error)
  }
  if (stats.isDirectory()) return enters ? stats : null
  if (stats.isFile()) return takes ? stats : null
  // A link that the patterns do not name may lead to a folder that holds what they name.
  return takes || stats.isSymbolicLink() ? kindOf(stats) : null
}
