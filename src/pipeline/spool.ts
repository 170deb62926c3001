import { open, type FileHandle } from 'node:fs/promises'
import { abortError, asBackupError, type BackupError } from './errors.ts'
import { createStateFile, damagedStateFile, stateFileError } from './state-file.ts'
import { writeFully } from './write-fully.ts'

const READ_BYTES = 1024 * 1024

/** A file that is written at the source's pace and read at the reader's, the reader following the writer. */
export interface Spool {
  /** The bytes from the start, as they come, to the source's end. Rejects as soon as the source has failed. */
  read(): AsyncGenerator<Uint8Array>
  /** Resolves with the size in bytes when the whole source is in the file. */
  readonly done: Promise<number>
}

/**
 * Starts to write `source` into `file` (new, mode 0600). It decouples a source that must not wait, such as a database
 * in a transaction, from destinations that take days. Rejects with E_QUOTA on a full disk, with E_STATE when the file
 * cannot be used; the source's own errors pass unchanged. The caller waits for `done` before the file is removed.
 */
export function spool(source: AsyncIterable<Uint8Array>, file: string, signal: AbortSignal): Spool {
  let written = 0
  let ended = false
  let failure: BackupError | null = null
  let changed = Promise.withResolvers<undefined>()
  const tell = (): void => {
    changed.resolve(undefined)
    changed = Promise.withResolvers()
  }

  const write = async (): Promise<number> => {
    let handle: FileHandle | null = null
    try {
      handle = await createStateFile(file)
      for await (const chunk of source) {
        if (signal.aborted) throw abortError(signal)
        await writeFully(handle, chunk, file)
        written += chunk.length
        tell()
      }
      ended = true
      return written
    } catch (error) {
      failure = asBackupError(error, signal)
      throw failure
    } finally {
      tell()
      await handle?.close()
    }
  }
  const done = write()
  done.catch(() => undefined)

  return {
    done,
    async *read() {
      let position = 0
      let handle: FileHandle | null = null
      try {
        for (;;) {
          const next = changed.promise
          if (failure !== null) throw failure
          if (position < written) {
            handle ??= await openToRead(file)
            const piece = await readPiece(handle, position, Math.min(READ_BYTES, written - position), file)
            position += piece.length
            yield piece
          } else if (ended) {
            return
          } else {
            await next
          }
        }
      } finally {
        await handle?.close()
      }
    },
  }
}

async function openToRead(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r')
  } catch (error) {
    throw stateFileError(error, file)
  }
}

/** At least one byte, at most `size`. */
async function readPiece(handle: FileHandle, position: number, size: number, file: string): Promise<Buffer> {
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, position)
    if (bytesRead === 0) throw damagedStateFile(file)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    throw stateFileError(error, file)
  }
}
