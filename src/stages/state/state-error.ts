import { BackupError } from '../../pipeline/contract/errors.ts'

/** https://www.sqlite.org/rescode.html; the bits above the lowest eight tell why. */
const SQLITE_BUSY = 5
const SQLITE_READONLY = 8
export const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/** Whether an SQLite file is in another connection's use. */
export function isBusy(error: unknown): boolean {
  return hasCode(error, SQLITE_BUSY)
}

/** Whether an SQLite file would have to be written to. */
export function isReadOnly(error: unknown): boolean {
  return hasCode(error, SQLITE_READONLY)
}

/** Whether a file is no SQLite database, or a damaged one. */
export function isDamaged(error: unknown): boolean {
  return hasCode(error, SQLITE_CORRUPT) || hasCode(error, SQLITE_NOTADB)
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === code
}

/** A file of the state folder cannot be made, read or written. */
export function unusableState(folder: string, cause: unknown): BackupError {
  if (cause instanceof BackupError) return cause
  if (isDamaged(cause)) {
    return new BackupError('E_STATE', `The record of runs in the state folder ${folder} is damaged.`, {
      advice: 'The next run keeps it under another name and begins a new one. Check the disk.',
      cause,
    })
  }
  return new BackupError('E_STATE', `The state folder ${folder} cannot be used.`, {
    advice: 'Check state.dir in the configuration, the rights on that folder and the space on its disk.',
    cause,
  })
}
