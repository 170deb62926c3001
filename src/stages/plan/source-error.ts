import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'

const WHAT: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder',
  EACCES: 'may not be read: permission denied',
  EPERM: 'may not be read: permission denied',
}

/** The archive folder cannot be used; `error` is what the system said. A backup without it would be an empty one. */
export function sourceError(root: string, error: unknown): BackupError {
  const code = systemCode(error)
  const what = WHAT[code] ?? `cannot be read${code === '' ? '' : ` (${code})`}`
  const advice =
    code === 'EACCES' || code === 'EPERM'
      ? 'Give the account that the backup runs under the right to read it, with everything in it.'
      : 'Check that the drive or network folder is mounted, and that dicom.root names the right folder.'
  return new BackupError('E_SOURCE', `The archive folder ${root} ${what}.`, { advice, cause: error })
}

/** The archive folder was there at the start and is another one, or gone, at the end. */
export function sourceLost(root: string): BackupError {
  return new BackupError('E_SOURCE', `The archive folder ${root} went away while it was read.`, {
    advice: 'Check that the drive or network folder stays mounted, then run the backup again.',
  })
}
