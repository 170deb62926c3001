import type { FileHandle } from 'node:fs/promises'
import { stateFileError } from './state-file.ts'

/**
 * Fills `into` from the handle's file, from byte `position` on. Returns the bytes read: fewer than asked for where the
 * file ends. Rejects with the system's error.
 */
export async function readFully(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let filled = 0
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

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
