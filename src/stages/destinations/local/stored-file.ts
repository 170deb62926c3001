/** What a folder holds: which files, how large, with which digest. */
import { open, opendir, stat } from 'node:fs/promises'
import path from 'node:path'
import { DIGESTS } from '../../../pipeline/contract/digests.ts'
import type { ByteRange, Destination, StoredObject } from '../../../pipeline/contract/destination.ts'
import { abortError, systemCode } from '../../../pipeline/contract/errors.ts'

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
  const digest = DIGESTS.contentHash.whole()
  let bytes = 0
  for await (const piece of readFile(file, { from: 0, to: Infinity }, signal)) {
    digest.update(piece)
    bytes += piece.length
  }
  return { id: file, path: file, bytes, digest: digest.digest() }
}

/** A link that leads nowhere, or a file that was removed while the folder was listed. */
const NOT_THERE = ['ENOENT', 'ELOOP']

/** The files in a folder, not in folders below it; links count as what they lead to. Nothing is read or hashed. */
export async function* filesIn(folder: string, signal: AbortSignal): ReturnType<Destination['list']> {
  for await (const entry of await opendir(folder)) {
    if (signal.aborted) throw abortError(signal)
    if (!entry.isFile() && !entry.isSymbolicLink()) continue
    const file = path.join(folder, entry.name)
    let found
    try {
      found = await stat(file)
    } catch (error) {
      if (NOT_THERE.includes(systemCode(error))) continue
      throw error
    }
    if (found.isFile()) yield { id: file, path: file, name: entry.name, bytes: found.size, digest: null }
  }
}
