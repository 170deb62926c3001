import type { FileHandle } from 'node:fs/promises'
import { stateFileError } from './state-file.ts'

/** Writes all of `data` at the handle's position into a file of the state folder. Rejects with E_QUOTA or E_STATE. */
export async function writeFully(handle: FileHandle, data: Uint8Array, file: string): Promise<void> {
  try {
    let offset = 0
    while (offset < data.length) offset += (await handle.write(data, offset)).bytesWritten
  } catch (error) {
    throw stateFileError(error, file)
  }
}
