import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { abortError } from '../contract/errors.ts'
import { createStateFile, removeStateFile, stateFileError, syncFolder } from './state-file.ts'
import { writeFully } from './fully.ts'

/**
 * Writes `source` into `file` (mode 0600; one that is there is replaced), at the source's own speed. It decouples a
 * source that must not wait, such as a database in a transaction, from destinations that take days, and keeps it for a
 * later process. Resolves with the size in bytes when all of it survives a power cut. Rejects with E_QUOTA on a full
 * disk, with E_STATE when the file cannot be used; the source's own errors pass unchanged.
 */
export async function spool(
  source: AsyncIterable<Uint8Array>,
  file: string,
  options: { readonly onBytes?: (bytes: number) => void; readonly signal: AbortSignal },
): Promise<number> {
  let written = 0
  let handle: FileHandle | null = null
  try {
    await removeStateFile(file)
    handle = await createStateFile(file)
    for await (const chunk of source) {
      if (options.signal.aborted) throw abortError(options.signal)
      await writeFully(handle, chunk, file, written)
      written += chunk.length
      options.onBytes?.(written)
    }
    await flush(handle, file)
    return written
  } finally {
    // What is whole is flushed.
    await handle?.close().catch(() => undefined)
  }
}

async function flush(handle: FileHandle, file: string): Promise<void> {
  try {
    await handle.sync()
    await syncFolder(path.dirname(file))
  } catch (error) {
    throw stateFileError(error, file)
  }
}
