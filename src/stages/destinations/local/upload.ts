import { rename as renameFile, rm, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Commit, StoredObject, Upload } from '../../../pipeline/destination.ts'
import { abortError, BackupError } from '../../../pipeline/errors.ts'
import { judgedBy } from './errors.ts'
import { sizeOf, storedObject, syncFolder } from './stored-file.ts'

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
  /** What a commit found in the partial file, all of it flushed. */
  let verified: StoredObject | null = null
  /** The file may have its final name. */
  let named: 'no' | 'maybe' | 'durably' = 'no'

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

  /**
   * A flush that failed is not tried again: the system tells of lost bytes once, and after that takes them for written.
   */
  const flush = async (call: () => Promise<void>): Promise<void> => {
    try {
      await call()
    } catch (error) {
      const { code, message, advice } = judge(error)
      throw new BackupError(code, message, { advice, cause: error })
    }
  }

  /** An earlier rename may have been carried out although it was answered with an error. */
  const rename = async (commit: Commit, signal: AbortSignal): Promise<void> => {
    if ((await sizeOf(final)) === null) {
      named = 'maybe'
      await renameFile(partial, final)
    } else if (named === 'no' || (await sizeOf(partial)) !== null) {
      throw new BackupError('E_DESTINATION', `${name}: ${final} exists already.`, { advice: 'Move that file away.' })
    } else {
      checked(name, await storedObject(final, signal), commit)
    }
    await syncFolder(path.dirname(final))
    named = 'durably'
  }

  const judged = judgedBy(judge)

  return {
    token: partial,
    held: () => judged(async () => verified?.bytes ?? (await handle.stat()).size),
    append: (offset, chunks, signal) =>
      judged(async () => {
        const held = await write(offset, chunks, signal)
        await flush(() => handle.datasync())
        return held
      }),
    commit: (commit, signal) =>
      judged(async () => {
        if (verified === null) {
          await write(commit.offset, commit.tail, signal)
          await flush(() => handle.sync())
          const stored = { ...(await storedObject(partial, signal)), id: final, path: final }
          verified = checked(name, stored, commit)
        }
        await closeOnce()
        if (named !== 'durably') await rename(commit, signal)
        return checked(name, verified, commit)
      }),
    async abort() {
      if (named === 'durably') return
      try {
        await closeOnce()
        await rm(partial, { force: true })
        if (named === 'maybe') await rm(final, { force: true })
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
