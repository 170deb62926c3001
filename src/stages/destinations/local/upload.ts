import { createReadStream } from 'node:fs'
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { ContentHash } from '../../../pipeline/digest.ts'
import type { Commit, StoredObject, Upload } from '../../../pipeline/destination.ts'
import { abortError, BackupError, systemCode } from '../../../pipeline/errors.ts'

const READ_BYTES = 1024 * 1024

export interface LocalUploadInput {
  readonly name: string
  readonly partial: string
  readonly final: string
  readonly handle: FileHandle
  /** Turns any thrown value into this destination's error. */
  readonly judge: (error: unknown) => BackupError
}

/** An upload into `partial`; only `commit` gives the file its final name. */
export function localUpload({ name, partial, final, handle, judge }: LocalUploadInput): Upload {
  let open = true
  const closeOnce = async (): Promise<void> => {
    if (!open) return
    open = false
    await handle.close()
  }

  const write = async (offset: number, chunks: readonly Uint8Array[], signal: AbortSignal): Promise<number> => {
    const { size } = await handle.stat()
    if (size !== offset) {
      throw new BackupError(
        'E_OFFSET',
        `${name}: the partial file holds ${size} bytes where ${offset} were expected.`,
        {
          remedy: 'resume',
        },
      )
    }
    let position = offset
    for (const chunk of chunks) {
      if (signal.aborted) throw abortError(signal)
      let done = 0
      while (done < chunk.length) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position)
        done += bytesWritten
        position += bytesWritten
      }
    }
    return position
  }

  const judged = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call()
    } catch (error) {
      throw judge(error)
    }
  }

  return {
    token: partial,
    held: () => judged(async () => (await handle.stat()).size),
    append: (offset, chunks, signal) =>
      judged(async () => {
        const held = await write(offset, chunks, signal)
        await handle.datasync()
        return held
      }),
    commit: (commit, signal) =>
      judged(async () => {
        const done = open ? null : await storedObject(final, signal)
        if (done !== null) return checked(name, done, commit)
        await write(commit.offset, commit.tail, signal)
        await handle.sync()
        const stored = { ...(await storedObject(partial, signal)), id: final, path: final }
        checked(name, stored, commit)
        if ((await sizeOf(final)) !== null) {
          throw new BackupError('E_DESTINATION', `${name}: ${final} exists already.`, {
            advice: 'Move that file away.',
          })
        }
        await closeOnce()
        await rename(partial, final)
        await syncFolder(path.dirname(final))
        return stored
      }),
    async abort() {
      try {
        await closeOnce()
        await rm(partial, { force: true })
      } catch {
        // What is left has a name that nobody takes for a backup.
      }
    },
  }
}

function checked(name: string, stored: StoredObject, { bytes, digests }: Commit): StoredObject {
  if (stored.bytes === bytes && stored.digest === digests.contentHash) return stored
  throw new BackupError('E_INTEGRITY', `${name}: what the folder holds is not what was sent.`, {
    advice: 'Check the drive for faults. The damaged file was removed.',
  })
}

/** The size of a file in bytes, or null when there is none. */
export async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

/** Reads a file back whole and says what the folder holds. */
export async function storedObject(file: string, signal: AbortSignal): Promise<StoredObject> {
  const digest = new ContentHash()
  let bytes = 0
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES, signal })) {
      digest.update(chunk as Buffer)
      bytes += (chunk as Buffer).length
    }
  } catch (error) {
    if (signal.aborted) throw abortError(signal)
    throw error
  }
  return { id: file, path: file, bytes, digest: digest.digest() }
}

/** Makes a rename durable. Windows has no such call for folders: there NTFS's own log does it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
