/** What a folder holds: how large, with which digest, and that it will still be there after a power cut. */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { ContentHash } from '../../../pipeline/digest.ts'
import type { ByteRange, StoredObject } from '../../../pipeline/destination.ts'
import { abortError, systemCode } from '../../../pipeline/errors.ts'

const READ_BYTES = 1024 * 1024

/** The size of a file in bytes, or null when there is none. */
export async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

/**
 * The bytes of a file from `from` up to `to`, or up to its end when that comes first. A chunk is valid until the next
 * is asked for.
 */
export async function* readFile(file: string, { from, to }: ByteRange, signal: AbortSignal): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(0, to - from)))
  // No stream: one that is aborted while it opens its file can leave it open.
  const handle = await open(file, 'r')
  try {
    for (let at = from; at < to;) {
      if (signal.aborted) throw abortError(signal)
      const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, to - at), at)
      if (bytesRead === 0) return
      at += bytesRead
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** Reads a file back whole and says what the folder holds. */
export async function storedObject(file: string, signal: AbortSignal): Promise<StoredObject> {
  const digest = new ContentHash()
  let bytes = 0
  for await (const piece of readFile(file, { from: 0, to: Infinity }, signal)) {
    digest.update(piece)
    bytes += piece.length
  }
  return { id: file, path: file, bytes, digest: digest.digest() }
}

/** What file systems answer that flush no folders, and the system where a folder may be written to but not listed. */
const CANNOT_FLUSH = ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EISDIR', 'EACCES', 'EPERM']

/**
 * Makes a rename durable, where that can be asked for. Windows has no such call for folders: there NTFS's own log does
 * it.
 */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  let handle: FileHandle | null = null
  try {
    handle = await open(folder, 'r')
    await handle.sync()
  } catch (error) {
    if (!CANNOT_FLUSH.includes(systemCode(error))) throw error
  } finally {
    await handle?.close()
  }
}
