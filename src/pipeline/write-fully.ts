import type { FileHandle } from 'node:fs/promises'
import { stateFileError } from './state-file.ts'

/**
 * Writes all of `data` into a file of the state folder, from byte `position` on, or at the handle's own position when
 * that is null. Rejects with E_QUOTA or E_STATE.
 */
export async function writeFully(
  handle: FileHandle,
  data: Uint8Array,
  file: string,
  position: number | null = null,
): Promise<void> {
  try {
    for (let offset = 0; offset < data.length;) {
      const at = position === null ? null : position + offset
      offset += (await handle.write(data, offset, data.length - offset, at)).bytesWritten
    }
  } catch (error) {
    throw stateFileError(error, file)
  }
}
