import type { FileHandle } from 'node:fs/promises'
import { systemCode } from '../../../pipeline/contract/errors.ts'

/** What drives answer that keep no such rights (FAT, network shares), or keep them for the owner of the file only. */
const WITHOUT_RIGHTS = ['EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/**
 * Gives a file these access rights whatever the process's umask is, where its drive has any. Rejects with the system's
 * error.
 */
export async function setMode(handle: FileHandle, mode: number): Promise<void> {
  if (process.platform === 'win32') return
  try {
    if (((await handle.stat()).mode & 0o777) !== mode) await handle.chmod(mode)
  } catch (error) {
    if (!WITHOUT_RIGHTS.includes(systemCode(error))) throw error
  }
}
