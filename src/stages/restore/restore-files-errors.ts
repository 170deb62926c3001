import { BackupError, systemCode } from '../../pipeline/errors.ts'

/** One file cannot be restored; the others can. The message stands in the result. */
export class NotRestored extends Error {}

const OF_ONE_NAME: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'its name is too long for this file system',
  EILSEQ: 'its name has characters that this file system does not take',
  EINVAL: 'its name has characters that this file system does not take',
  EISDIR: 'a folder is in its place',
  ENOTEMPTY: 'a folder is in its place',
  EEXIST: 'something else is in its place',
  ENOTDIR: 'a file is in the place of its folder',
  ELOOP: 'a link is in its place',
}

/**
 * What a system's error in the target folder means: NotRestored when it is of one name, E_QUOTA when the disk is full,
 * else E_CONFIG, as the folder is what the user named.
 * `of` 'folder': the error cannot be of a file's name.
 */
export function targetError(error: unknown, folder: string, of: 'folder' | 'file' = 'file'): Error {
  // A spill file's error is of the state folder, which this file of ours is not in.
  if (error instanceof BackupError && ['E_STATE', 'E_QUOTA'].includes(error.code) && systemCode(error.cause) !== '') {
    return targetError(error.cause, folder, of)
  }
  if (error instanceof BackupError || error instanceof NotRestored) return error
  const code = systemCode(error)
  const reason = of === 'file' ? OF_ONE_NAME[code] : undefined
  // Without a cause: its message has the path.
  if (reason !== undefined) return new NotRestored(reason)
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    return new BackupError('E_QUOTA', `The disk of ${folder} is full.`, {
      advice: 'Free space there and run the restore again: it goes on with what is missing.',
    })
  }
  if (code === '') return error instanceof Error ? error : new Error(String(error))
  return new BackupError('E_CONFIG', `The folder ${folder} cannot be restored into (${code}).`, {
    advice: 'Check its rights and its disk, or name another folder.',
  })
}
