import { existsSync } from 'node:fs'
import { BackupError, systemCall, systemCode } from '../../../pipeline/contract/errors.ts'

/** One file cannot be restored; the others can. The message stands in the result. */
export class NotRestored extends Error {}

const OF_ONE_NAME: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'its name is too long for this file system',
  EILSEQ: 'its name has characters that this file system does not allow',
  EINVAL: 'its name has characters that this file system does not allow',
  EISDIR: 'a folder is in its place',
  ENOTEMPTY: 'a folder is in its place',
  EEXIST: 'something else is in its place',
  ENOTDIR: 'a file is in the place of its folder',
  ELOOP: 'a link is in its place',
  EACCES: 'this account may not write there',
  EPERM: 'this account may not replace what is in its place',
  EBUSY: 'another program has the file in its place open',
  ETXTBSY: 'another program has the file in its place open',
}

/** Windows says of a file that is open, of one that may not be replaced and of a folder mostly the same. */
const IN_THE_WAY = 'another program has the file in its place open, or this account may not replace it'
const OF_ONE_NAME_ON_WINDOWS: Readonly<Record<string, string>> = {
  ...OF_ONE_NAME,
  EACCES: IN_THE_WAY,
  EPERM: IN_THE_WAY,
  ENOENT: 'its name is too long for Windows, or has characters that Windows does not take',
}

/** Of a whole folder. */
const OF_ALL: Readonly<Record<string, string>> = {
  EROFS: 'its file system can only be read',
  EIO: 'its disk reports a fault',
  ENODEV: 'its disk is gone',
  ENXIO: 'its disk is gone',
  ENOTCONN: 'its network drive is gone',
  ESTALE: 'its network drive is gone',
  EACCES: 'this account may not write there',
  EPERM: 'this account may not write there',
}

/** Calls for a file that is open already: their errors are not of its name. libuv's names, and those of a FileHandle. */
const OF_CONTENT = /^(writev?|readv?|f?(data)?sync|f?utimes?|close|fstat)$/

/** The reason why one file is not restored; undefined when the error is of the whole folder. */
function reasonOfOne(code: string, folder: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return OF_ONE_NAME[code]
  // A drive that is gone has no names at all.
  return code === 'ENOENT' && !existsSync(folder) ? undefined : OF_ONE_NAME_ON_WINDOWS[code]
}

/**
 * What a system's error in the target folder means: NotRestored when it is of one name, E_QUOTA when the disk is full,
 * else E_CONFIG, as the folder is what the user named.
 * `of` 'folder': the error cannot be of a file's name.
 */
export function targetError(
  error: unknown,
  folder: string,
  of: 'folder' | 'file' = 'file',
  platform: NodeJS.Platform = process.platform,
): Error {
  // A spill file's error is of the state folder, which this file of ours is not in.
  if (error instanceof BackupError && ['E_STATE', 'E_QUOTA'].includes(error.code) && systemCode(error.cause) !== '') {
    return targetError(error.cause, folder, of, platform)
  }
  if (error instanceof BackupError || error instanceof NotRestored) return error
  const code = systemCode(error)
  const reason = of === 'file' ? reasonOfOne(code, folder, platform) : undefined
  // Without a cause: its message has the path.
  if (reason !== undefined) {
    const isOfContent = OF_CONTENT.test(systemCall(error)) && platform !== 'win32'
    return new NotRestored(isOfContent ? `the file system refuses its content or its time (${code})` : reason)
  }
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    return new BackupError('E_QUOTA', `The disk of ${folder} is full.`, {
      advice: 'Free space there and run the restore again: it resumes with what is missing.',
    })
  }
  if (code === '') return error instanceof Error ? error : new Error(String(error))
  const why = OF_ALL[code] === undefined ? ` (${code})` : `: ${OF_ALL[code]} (${code})`
  return new BackupError('E_CONFIG', `The folder ${folder} cannot be restored into${why}.`, {
    advice: 'Check its rights and its disk, then run the restore again: it resumes. Or name another folder.',
  })
}
