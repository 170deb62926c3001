/**
 * The folder that is restored into. While a restore is under way a small file in it, the marker, names the archive: it
 * lets a later call go on in a folder that is not empty any more. A file is written under a temporary name and gets its
 * own when it is whole and proved.
 */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, opendir, readFile, realpath, rm, rmdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../../pipeline/contract/errors.ts'
import { readVersionedJson, versionedJson, type Format } from '../../../pipeline/files/format-version.ts'
import { renameOver, whenFree } from '../../../pipeline/files/rename.ts'
import { syncName } from '../../../pipeline/files/state-file.ts'
import { targetError } from './errors.ts'
import { flushOpen } from './flush.ts'
import { discard } from './replace.ts'
import { Folders } from './folders.ts'
import { MARKER } from '../safe-path.ts'

const TEMPORARY = /^\.[0-9a-f]{16}\.dicom-backup-part$/

/** A network's file system may not know its size, and answers with zeros or an error. */
const UNKNOWN_ROOM = { blocks: 0, bavail: 0, bsize: 0 }

const OF_THIS_PROCESS = randomBytes(4).toString('hex')
let names = 0

/** A name for a file that is not whole yet; another one each time. */
export function temporaryName(): string {
  names = (names + 1) >>> 0
  return `.${OF_THIS_PROCESS}${names.toString(16).padStart(8, '0')}.dicom-backup-part`
}

export interface TargetOptions {
  readonly to: string
  readonly overwrite: boolean
  /** Of the archive. */
  readonly name: string
  readonly fingerprint: string
}

export class RestoreTarget {
  /** The folder, without links in its path. */
  readonly folder: string
  readonly folders: Folders
  /** Nothing that could be in the way was there before. */
  readonly isEmpty: boolean
  /** Two names that differ in case only are one file here: see `pathKey`. */
  readonly ignoresCase: boolean
  /** The folders that were made for this: it, and those above it. */
  readonly #made: readonly string[]
  readonly #marker: Marker
  readonly #wasMarked: boolean

  private constructor(
    folder: string,
    found: { made: readonly string[]; marker: Marker; wasMarked: boolean; isEmpty: boolean; ignoresCase: boolean },
  ) {
    this.folder = folder
    this.folders = new Folders(folder)
    this.isEmpty = found.isEmpty
    this.ignoresCase = found.ignoresCase
    this.#made = found.made
    this.#marker = found.marker
    this.#wasMarked = found.wasMarked
  }

  /**
   * Makes the folder when it is not there and puts the marker into it; removes what an interrupted restore left there
   * under temporary names. Rejects with E_CONFIG when it has other files in it and `overwrite` is false;
   * with NewerFormatError when a newer version has begun a restore there.
   */
  static async open({ to, overwrite, name, fingerprint }: TargetOptions): Promise<RestoreTarget> {
    try {
      const made = foldersFrom(await mkdir(to, { recursive: true }), to)
      const folder = await realpath(to)
      const marked = await readMarker(folder)
      const isEmpty = marked === null && (await hasNothing(folder))
      const isOurs = isEmpty || marked?.fingerprint === fingerprint
      if (!isOurs && !overwrite) throw notEmpty(to, marked)
      if (isEmpty || marked !== null) await removeTemporary(folder)
      const marker = { archive: name, fingerprint }
      await writeMarker(folder, marker)
      const found = { made, marker, wasMarked: marked !== null, isEmpty, ignoresCase: await ignoresCase(folder) }
      return new RestoreTarget(folder, found)
    } catch (error) {
      if (['ENOTDIR', 'EEXIST'].includes(systemCode(error))) {
        throw new BackupError('E_CONFIG', `${to} is not a folder.`, { advice: 'Name a folder that is empty or new.' })
      }
      throw targetError(error, to, 'folder')
    }
  }

  /** Rejects with E_QUOTA when there is no room for so many bytes, as far as the file system says what room it has. */
  async mustHold(bytes: number): Promise<void> {
    const { blocks, bavail, bsize } = await statfs(this.folder).catch(() => UNKNOWN_ROOM)
    if (blocks === 0 || bytes <= bavail * bsize) return
    const message = `There are ${bavail * bsize} bytes free on the disk of ${this.folder}, and ${bytes} are needed.`
    throw new BackupError('E_QUOTA', message, { advice: 'Free space there, or restore into a folder on another disk.' })
  }

  /**
   * Everything is there: it survives a power cut. When a part of the archive was selected, the marker stays, so that
   * another part of the same archive can be added; else the folder is like any other.
   */
  async finish(isPart: boolean): Promise<void> {
    await this.leave()
    if (isPart) await writeMarker(this.folder, { ...this.#marker, part: true })
    else await whenFree(() => rm(path.join(this.folder, MARKER), { force: true }))
  }

  /** Something is missing: what is there survives a power cut, and a later call goes on. */
  async leave(): Promise<void> {
    await this.folders.sync()
    // A flush of any file there writes the log of all changes of names before it.
    if (process.platform === 'win32') await syncName(path.join(this.folder, MARKER))
  }

  /** Nothing was restored. What was not there before the call is removed. */
  async undo(): Promise<void> {
    if (!this.#wasMarked) await rm(path.join(this.folder, MARKER), { force: true })
    if (!this.isEmpty) return
    for (const folder of this.#made) await rmdir(folder).catch(() => undefined)
  }
}

const MARKER_FORMAT: Format = { name: 'an unfinished restore', version: 1 }

/** What names the archive in the target folder. `part`: all that was selected of it is there. */
interface Marker {
  readonly archive: string
  readonly fingerprint: string
  readonly part?: true
}

/** The folders from `last` up to `first`, the innermost first; `first` undefined: none. */
function foldersFrom(first: string | undefined, last: string): string[] {
  if (first === undefined) return []
  const top = path.resolve(first)
  const folders = [path.resolve(last)]
  for (;;) {
    const above = path.dirname(folders.at(-1) ?? top)
    if (above.length < top.length || !above.startsWith(top)) return folders
    folders.push(above)
  }
}

function notEmpty(to: string, marked: Marker | null): BackupError {
  if (marked === null) {
    return new BackupError('E_CONFIG', `${to} is not empty.`, {
      advice: 'Name a folder that is empty or new, or allow overwriting (--overwrite).',
    })
  }
  const from = `another archive${marked.archive === '' ? '' : ` (${marked.archive})`}`
  const what = marked.part === true ? `files of ${from}` : `the unfinished restore of ${from}`
  return new BackupError('E_CONFIG', `${to} contains ${what}.`, {
    advice: 'Name that archive to add to it, name another folder, or allow overwriting (--overwrite).',
  })
}

/** Null: there is none. One that cannot be read names nothing. Rejects with NewerFormatError. */
async function readMarker(folder: string): Promise<Marker | null> {
  const file = path.join(folder, MARKER)
  const unreadable = { archive: '', fingerprint: '' }
  try {
    if (!(await lstat(file)).isFile()) return unreadable
    const found = readVersionedJson(MARKER_FORMAT, await readFile(file, 'utf8'), `The file ${file}`)
    const { archive, fingerprint, part } = found ?? {}
    if (typeof fingerprint !== 'string') return unreadable
    // The name goes into a message, and whoever wrote the file may be anyone.
    const name = typeof archive === 'string' && /^[\w.-]{1,200}$/.test(archive) ? archive : ''
    return { archive: name, fingerprint, ...(part === true ? { part } : {}) }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

async function writeMarker(folder: string, marker: Marker): Promise<void> {
  const temporary = path.join(folder, temporaryName())
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(`${versionedJson(MARKER_FORMAT, marker)}\n`)
    await flushOpen(handle)
  } finally {
    await handle.close()
  }
  await renameOver(temporary, path.join(folder, MARKER))
}

/** Leftovers of a restore that came to nothing do not count. */
async function hasNothing(folder: string): Promise<boolean> {
  for await (const { name } of await opendir(folder)) if (!TEMPORARY.test(name)) return false
  return true
}

async function removeTemporary(folder: string): Promise<void> {
  for await (const found of await opendir(folder)) {
    const full = path.join(folder, found.name)
    if (found.isFile() && TEMPORARY.test(found.name)) await discard(full)
    if (!found.isDirectory()) continue
    // Not there under this name: it is not valid UTF-8, and so not made by a restore.
    await removeTemporary(full).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error
    })
  }
}

/** Asked for the marker by another spelling of its name. */
async function ignoresCase(folder: string): Promise<boolean> {
  try {
    await lstat(path.join(folder, MARKER.toUpperCase()))
    return true
  } catch {
    return false
  }
}
