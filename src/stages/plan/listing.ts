import { lstat } from 'node:fs'
import type { Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { fromDirentName, toFsPath } from './file-name.ts'
import { OWN_FILES, kindOf, reasonOf } from './left-out.ts'
import type { Selection } from './selection.ts'
import { ShownEntry } from './shown-entry.ts'
import type { LeftOut } from './types.ts'

export interface ListingOptions {
  readonly root: string
  readonly selection: Selection
  /** Paths below the root that are told and not taken. */
  readonly skip: ReadonlySet<string>
}

/** What of a folder's contents is wanted, as fast-glob is to see it; or what is to be told. */
export type Listed = ShownEntry | LeftOut

const STATS_AT_ONCE = 8
/** Half the cost of the one in fs/promises, which counts when there are millions. */
const statFile = promisify(lstat)

/** Reads one folder, sorted by name; '' is the root. Rejects with the system's error when it cannot be read. */
export async function listFolder(folder: string, options: ListingOptions): Promise<Listed[]> {
  // As Latin-1 a name has a character for each byte and none is lost; names as Buffers take five times the memory.
  const names = await readdir(toFsPath(options.root, folder), { encoding: 'latin1' })
  // A folder's own order is that of a hash. By name, files that were written together are read together, the same each
  // time.
  names.sort()
  const listed = new Array<Listed | null>(names.length)
  const rest = names.entries()
  const worker = async (): Promise<void> => {
    for (const [index, bytes] of rest) {
      const name = fromDirentName(Buffer.from(bytes, 'latin1'))
      listed[index] = await look(name, folder === '' ? name : `${folder}/${name}`, options)
    }
  }
  await Promise.all(Array.from({ length: STATS_AT_ONCE }, worker))
  return listed.filter((item) => item !== null)
}

/** Null: not wanted. Size and time come from lstat, for the kind that readdir tells is unknown on some file systems. */
async function look(name: string, path: string, { root, selection, skip }: ListingOptions): Promise<Listed | null> {
  const takes = selection.takes(path)
  const enters = selection.enters(path)
  if (!takes && !enters) return null
  if (skip.has(path)) return { path, reason: OWN_FILES }
  let stats: Stats
  try {
    stats = await statFile(toFsPath(root, path))
  } catch (error) {
    return { path, reason: reasonOf(error) }
  }
  if (stats.isDirectory()) return enters ? new ShownEntry(name, null) : null
  if (stats.isFile()) return takes ? new ShownEntry(name, { path, size: stats.size, mtimeMs: stats.mtimeMs }) : null
  // A link that the patterns do not name may lead to a folder that holds what they name.
  return takes || stats.isSymbolicLink() ? { path, reason: kindOf(stats) } : null
}
