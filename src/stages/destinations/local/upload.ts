import { rm, type FileHandle } from 'node:fs/promises'
import { lengthOf } from '../../../pipeline/flow/chunks.ts'
import type { Commit, Requests, StoredObject, Upload } from '../../../pipeline/contract/destination.ts'
import { abortError, BackupError } from '../../../pipeline/contract/errors.ts'
import { renameOver } from '../../../pipeline/files/rename.ts'
import { syncName } from '../../../pipeline/files/state-file.ts'
import { judgedBy } from './errors.ts'
import { sizeOf, storedObject } from './stored-file.ts'

export interface LocalUploadInput {
  readonly name: string
  readonly partial: string
  readonly final: string
  /**
   * The partial file. Null in an upload that was taken up and has only the final file: it was renamed, or somebody else
   * put a file there.
   */
  readonly handle: FileHandle | null
  readonly requests: Requests
  /** Turns any thrown value into this destination's error. */
  readonly judge: (error: unknown) => BackupError
}

/** An upload into `partial`; only `commit` gives the file its final name. */
export function localUpload({ name, partial, final, handle, requests, judge }: LocalUploadInput): Upload {
  let open = true
  /** What a commit found in the file, all of it flushed. */
  let verified: StoredObject | null = null
  /** This upload may have given the file its final name. */
  let named: 'no' | 'maybe' | 'durably' = 'no'

  const closeOnce = async (): Promise<void> => {
    if (!open) return
    open = false
    await handle?.close()
  }

  const size = async (): Promise<number> => {
    if (verified !== null) return verified.bytes
    const bytes = handle === null ? await sizeOf(final) : (await handle.stat()).size
    if (bytes === null) throw new BackupError('E_SESSION', `${name}: ${final} is gone.`, { remedy: 'restart' })
    return bytes
  }

  /** What a write left behind that was broken off counts only when it is on the disk. */
  const held = async (): Promise<number> => {
    const bytes = await size()
    if (verified === null) await flush(() => handle?.datasync())
    return bytes
  }

  const write = async (offset: number, chunks: readonly Uint8Array[], signal: AbortSignal): Promise<number> => {
    const bytes = await size()
    if (bytes !== offset) {
      throw new BackupError('E_OFFSET', `${name}: the file holds ${bytes} bytes where ${offset} were expected.`, {
        remedy: 'resume',
      })
    }
    if (lengthOf(chunks) === 0) return offset
    if (handle === null || verified !== null) {
      throw new BackupError('E_SESSION', `${name}: the upload was finished before its end.`, { remedy: 'restart' })
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
  const flush = async (call: () => Promise<void> | undefined): Promise<void> => {
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
      await renameOver(partial, final)
    } else if (named === 'no' || (await sizeOf(partial)) !== null) {
      throw existsAlready(name, final)
    } else {
      checked(name, await storedObject(final, signal), commit)
    }
    await syncName(final)
    named = 'durably'
  }

  /** What has the final name already was read back before it got it: unless it is whole, it is not this upload's. */
  const commitNamed = async (commit: Commit, signal: AbortSignal): Promise<StoredObject> => {
    if (verified === null) {
      await write(commit.offset, commit.tail, signal)
      const stored = await storedObject(final, signal)
      if (!isWhole(stored, commit)) throw existsAlready(name, final)
      await syncName(final)
      named = 'durably'
      verified = stored
    }
    return checked(name, verified, commit)
  }

  const judged = judgedBy(judge)

  return {
    token: partial,
    requests,
    held: () => judged(held),
    append: (offset, chunks, signal) =>
      judged(async () => {
        const end = await write(offset, chunks, signal)
        await flush(() => handle?.datasync())
        return end
      }),
    commit: (commit, signal) =>
      judged(async () => {
        if (handle === null) return await commitNamed(commit, signal)
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

const isWhole = (stored: StoredObject, { bytes, digests }: Commit): boolean =>
  stored.bytes === bytes && stored.digest === digests.contentHash

function checked(name: string, stored: StoredObject, commit: Commit): StoredObject {
  if (isWhole(stored, commit)) return stored
  throw new BackupError('E_INTEGRITY', `${name}: what the folder contains is not what was sent.`, {
    advice: 'Check the drive for faults. The damaged file was removed.',
  })
}

const existsAlready = (name: string, final: string): BackupError =>
  new BackupError('E_DESTINATION', `${name}: ${final} exists already.`, { advice: 'Rename or move that file.' })
