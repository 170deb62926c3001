import { BackupError, systemCode } from '../../../pipeline/contract/errors.ts'

const FULL = ['ENOSPC', 'EDQUOT']
const FORBIDDEN = ['EACCES', 'EPERM', 'EROFS']
const GONE = ['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO']
/** A network drive that hiccups, or a virus scanner that holds the file for a moment. */
const PASSING = ['EBUSY', 'EIO', 'ESTALE', 'ETIMEDOUT', 'EAGAIN', 'EHOSTDOWN', 'EHOSTUNREACH', 'EMFILE', 'ENFILE']

/**
 * A file system error as what the engine and the person need: the one place where this destination's errors are judged.
 * What passes is to be resumed, or tried again when nothing was to be written.
 */
export function localError(
  error: unknown,
  name: string,
  folder: string,
  doing: 'write' | 'read' | 'list' = 'write',
): BackupError {
  if (error instanceof BackupError) return error
  const code = systemCode(error)
  const where = `${name}: the folder ${folder}`
  if (FULL.includes(code)) {
    return new BackupError('E_QUOTA', `${where} is full.`, {
      advice: 'Free space there or choose another folder.',
      cause: error,
    })
  }
  if (code === 'EFBIG') {
    return new BackupError('E_QUOTA', `${where} is on a drive that cannot hold a file as large as the archive.`, {
      advice: 'Choose a drive with another file system; FAT32 files end at 4 GB.',
      cause: error,
    })
  }
  if (PASSING.includes(code) || (code === 'EPERM' && process.platform === 'win32')) {
    return new BackupError('E_DESTINATION', `${where} did not answer (${code}).`, {
      remedy: doing === 'write' ? 'resume' : 'retry',
      advice: 'Check that the drive or network share is connected.',
      cause: error,
    })
  }
  if (FORBIDDEN.includes(code) && doing === 'read') {
    return new BackupError('E_AUTH', `${where} has a file that may not be read (${code}).`, {
      advice: 'Give the user who runs the backup the right to read the files there.',
      cause: error,
    })
  }
  if (FORBIDDEN.includes(code) && doing === 'list') {
    return new BackupError('E_AUTH', `${where} may not be listed (${code}).`, {
      advice: 'Give the user who runs the backup the right to see which files are there.',
      cause: error,
    })
  }
  if (FORBIDDEN.includes(code)) {
    return new BackupError('E_AUTH', `${where} may not be written to (${code}).`, {
      advice: 'Give the user who runs the backup the right to create files there.',
      cause: error,
    })
  }
  if (GONE.includes(code)) {
    return new BackupError('E_DESTINATION', `${where} does not exist.`, {
      advice:
        'Create it, or connect the drive it is on. It is not created automatically, so that a backup never lands on the wrong disk.',
      cause: error,
    })
  }
  return new BackupError('E_DESTINATION', `${where} failed${code === '' ? '' : ` with ${code}`}.`, { cause: error })
}

/** Makes a function that does a `call` and rejects with what `judge` makes of its error. */
export const judgedBy =
  (judge: (error: unknown) => BackupError) =>
  async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call()
    } catch (error) {
      throw judge(error)
    }
  }
