import type { FileHandle } from 'node:fs/promises'

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
