/**
 * The folder that is restored into. While a restore is under way a small file in it, the marker, names the archive: it
 * lets a later call go on in a folder that is not empty any more. A file is written under a temporary name and gets its
 * own when it is whole and proved.
 */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, opendir, readFile, realpath, rename, rm, rmdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/errors.ts'
import { targetError } from './restore-files-errors.ts'
import { Folders } from './restore-files-folders.ts'
import { MARKER } from './safe-path.ts'

const TEMPORARY = /^\.[0-9a-f]{16}\.dicom-backup-part$/

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
  /** Two names that differ in case only are one file here. */
  readonly ignoresCase: boolean
  /** The folder itself was made for this. */
  readonly #isMade: boolean

  private constructor(folder: string, found: { isMade: boolean; isEmpty: boolean; ignoresCase: boolean }) {
    this.folder = folder
    this.folders = new Folders(folder)
    this.isEmpty = found.isEmpty
    this.ignoresCase = found.ignoresCase
    this.#isMade = found.isMade
  }

  /**
   * Makes the folder when it is not there and puts the marker into it; removes what an interrupted restore left there
   * under temporary names. Rejects with E_CONFIG when it has other files in it and `overwrite` is false.
   */
  static async open({ to, overwrite, name, fingerprint }: TargetOptions): Promise<RestoreTarget> {
    try {
      const isMade = (await mkdir(to, { recursive: true })) !== undefined
      const folder = await realpath(to)
      const marked = await readMarker(folder)
      const isEmpty = marked === null && (await hasNothing(folder))
      const isOurs = isEmpty || marked === fingerprint
      if (!isOurs && !overwrite) throw notEmpty(to, marked !== null)
      if (isEmpty || marked !== null) await removeTemporary(folder)
      await writeMarker(folder, { archive: name, fingerprint })
      return new RestoreTarget(folder, { isMade, isEmpty, ignoresCase: await ignoresCase(folder) })
    } catch (error) {
      if (['ENOTDIR', 'EEXIST'].includes(systemCode(error))) {
        throw new BackupError('E_CONFIG', `${to} is not a folder.`, { advice: 'Name a folder that is empty or new.' })
      }
      throw targetError(error, to, 'folder')
    }
  }

  /** Rejects with E_QUOTA when there is no room for so many bytes. */
  async mustHold(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder)
    if (bytes <= bavail * bsize) return
    const message = `There are ${bavail * bsize} bytes free on the disk of ${this.folder}, and ${bytes} are needed.`
    throw new BackupError('E_QUOTA', message, { advice: 'Free space there, or restore into a folder on another disk.' })
  }

  /** Everything is there: it survives a power cut, and the folder is like any other. */
  async finish(): Promise<void> {
    await this.folders.sync()
    await rm(path.join(this.folder, MARKER), { force: true })
  }

  /** Something is missing: what is there survives a power cut, and a later call goes on. */
  async leave(): Promise<void> {
    await this.folders.sync()
  }

  /** Nothing was restored. What was not there before the call is removed. */
  async undo(): Promise<void> {
    if (!this.isEmpty) return
    await rm(path.join(this.folder, MARKER), { force: true })
    if (this.#isMade) await rmdir(this.folder).catch(() => undefined)
  }
}

const notEmpty = (to: string, isMarked: boolean): BackupError =>
  isMarked
    ? new BackupError('E_CONFIG', `${to} holds the unfinished restore of another archive.`, {
        advice: 'Finish that one, name another folder, or allow overwriting (--overwrite).',
      })
    : new BackupError('E_CONFIG', `${to} is not empty.`, {
        advice: 'Name a folder that is empty or new, or allow overwriting (--overwrite).',
      })

/** The fingerprint that the marker names, '' when it names none; null when there is no marker. */
async function readMarker(folder: string): Promise<string | null> {
  const file = path.join(folder, MARKER)
  try {
    if (!(await lstat(file)).isFile()) return ''
    const { fingerprint } = JSON.parse(await readFile(file, 'utf8')) as { readonly fingerprint?: unknown }
    return typeof fingerprint === 'string' ? fingerprint : ''
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    if (error instanceof SyntaxError || error instanceof TypeError) return ''
    throw error
  }
}

async function writeMarker(folder: string, marker: { archive: string; fingerprint: string }): Promise<void> {
  const temporary = path.join(folder, temporaryName())
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(marker)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path.join(folder, MARKER))
}

/** Leftovers of a restore that came to nothing do not count. */
async function hasNothing(folder: string): Promise<boolean> {
  for await (const { name } of await opendir(folder)) if (!TEMPORARY.test(name)) return false
  return true
}

async function removeTemporary(folder: string): Promise<void> {
  for await (const found of await opendir(folder)) {
    const full = path.join(folder, found.name)
    if (found.isFile() && TEMPORARY.test(found.name)) await rm(full, { force: true })
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
