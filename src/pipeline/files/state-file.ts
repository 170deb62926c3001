/** Files of the state folder: how they are made, and what an error of the system's means there. */
import { constants } from 'node:fs'
import { open, readFile, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../contract/errors.ts'
import { NewerFormatError, readVersionedJson, versionedJson, type Format } from './format-version.ts'
import { isInUse, renameOver, whenFree } from './rename.ts'

/**
 * Creates a file that only this user can read (mode 0600); one that is there already is an error. Rejects with E_QUOTA
 * or E_STATE.
 */
export async function createStateFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600)
  } catch (error) {
    throw stateFileError(error, file)
  }
}

/**
 * Opens a file to read and write, as it is; one that is not there is made so that only this user can read it (mode
 * 0600). Rejects with E_QUOTA or E_STATE.
 */
export async function openStateFile(file: string): Promise<FileHandle> {
  try {
    return await whenFree(() => open(file, constants.O_RDWR | constants.O_CREAT, 0o600))
  } catch (error) {
    throw stateFileError(error, file)
  }
}

/** What file systems answer that flush no folders, and the system where a folder may be written to but not listed. */
const CANNOT_FLUSH = ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EISDIR', 'EACCES', 'EPERM']

/**
 * Makes the names in a folder durable (a file made there, a rename), where that can be asked for. Windows has no such
 * call for folders: see `syncName`. Rejects with the system's error.
 */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  let handle: FileHandle | null = null
  try {
    handle = await open(folder, 'r')
    await handle.sync()
  } catch (error) {
    if (!CANNOT_FLUSH.includes(systemCode(error))) throw error
  } finally {
    await handle?.close()
  }
}

/**
 * Makes the name of a file durable after it was renamed. On Windows by a flush of the file itself, which writes its
 * volume's log of changes up to that moment. Rejects with the system's error.
 */
export async function syncName(file: string, platform: NodeJS.Platform = process.platform): Promise<void> {
  if (platform !== 'win32') {
    await syncFolder(path.dirname(file))
    return
  }
  let handle: FileHandle | null = null
  try {
    // For writing: Windows flushes nothing that was opened to be read.
    handle = await whenFree(() => open(file, 'r+'), { platform })
    await handle.sync()
  } catch (error) {
    // A file that stays in use is there all the same.
    if (handle !== null || !isInUse(error, platform)) throw error
  } finally {
    await handle?.close()
  }
}

/**
 * Writes a small file that only this user can read; it is replaced as a whole or not at all. Its folder is there. Rejects
 * with E_QUOTA or E_STATE.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`
  try {
    const handle = await open(fresh, 'w', 0o600)
    try {
      await handle.writeFile(text)
    } finally {
      await handle.close()
    }
    await renameOver(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined)
    throw stateFileError(error, file)
  }
}

/** The same of a value as JSON, with its version. Rejects likewise. */
export async function replaceNote(file: string, format: Format, value: object): Promise<void> {
  await replaceFile(file, versionedJson(format, value))
}

/**
 * The fields of such a file; null when it is not there, cannot be read or is damaged: whoever reads it can do without.
 * Rejects with NewerFormatError.
 */
export async function readNote(file: string, format: Format): Promise<Record<string, unknown> | null> {
  const text = await readFile(file, 'utf8').catch(() => null)
  return text === null ? null : readVersionedJson(format, text, `The file ${file} in the state folder`)
}

/** Removes a file, if there is one. Rejects with E_STATE. */
export async function removeStateFile(file: string): Promise<void> {
  try {
    await whenFree(() => rm(file, { force: true }))
  } catch (error) {
    throw stateFileError(error, file)
  }
}

/** What opening, writing or reading `file` was refused with: E_QUOTA when its disk is full, else E_STATE. */
export function stateFileError(error: unknown, file: string): BackupError {
  if (error instanceof BackupError) return error
  const code = systemCode(error)
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    return new BackupError('E_QUOTA', `The disk of the state folder is full (${file}).`, {
      advice: 'Free space there, or set state.dir to a disk that has room for the database dump.',
      cause: error,
    })
  }
  const why = code === '' ? '' : ` (${code})`
  return new BackupError('E_STATE', `The file ${file} in the state folder cannot be used${why}.`, {
    advice: 'Check state.dir in the configuration, the rights on that folder and its disk.',
    cause: error,
  })
}

/** Whether it is an error of `damagedStateFile`: else the file could not be used, and perhaps can be later. */
export function isDamage(error: unknown): boolean {
  if (error instanceof NewerFormatError) return false
  return error instanceof BackupError && error.code === 'E_STATE' && error.cause === undefined
}

/** A file of the state folder does not hold what was written into it. Without a cause, for that might quote it. */
export function damagedStateFile(file: string): BackupError {
  return new BackupError('E_STATE', `The file ${file} in the state folder is damaged.`, {
    advice: 'Check its disk, then run the backup again.',
  })
}
