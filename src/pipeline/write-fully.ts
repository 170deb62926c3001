import type { FileHandle } from 'node:fs/promises'
import { BackupError, systemCode } from './errors.ts'

/**
 * Writes all of `data` at the handle's position into a file of the state folder. Rejects with E_QUOTA when its disk is
 * full, with the system's error otherwise.
 */
export async function writeFully(handle: FileHandle, data: Uint8Array, file: string): Promise<void> {
  try {
    let offset = 0
    while (offset < data.length) offset += (await handle.write(data, offset)).bytesWritten
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(systemCode(error))) throw error
    throw new BackupError('E_QUOTA', `The disk of the state folder is full (${file}).`, {
      advice: 'Free space there, or set state.dir to a disk that has room for the database dump.',
      cause: error,
    })
  }
}
