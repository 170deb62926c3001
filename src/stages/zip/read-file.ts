/**
 * Reading one file of a live archive folder: whole when it is small, in pieces when it is large, and never a torn
 * state.
 */
import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { CHANGED, reasonOf } from '../plan/left-out.ts'
import type { ReadBuffers } from './read-buffers.ts'

/**
 * Larger files are streamed; a file up to this many bytes is read whole, so that it can be read again when it changed.
 */
export const WHOLE_FILE_BYTES = 4 * 1024 * 1024

const PIECE_BYTES = 1024 * 1024
const TRIES = 3
/** A link that took the file's place after the walk is not followed either. Windows has no such flag. */
const FLAGS = constants.O_RDONLY | ((constants.O_NOFOLLOW as number | undefined) ?? 0)

/** The file cannot be in this backup. `reason` is for people and without the path. */
export class FileLeftOut extends Error {
  readonly reason: string
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause })
    this.reason = reason
  }
}

/** The last moment that a Date can hold; file systems know later ones. */
const LATEST_MS = 8.64e15

export interface FileState {
  readonly size: number
  readonly mtimeMs: number
}

/** Any file system error as the reason why a file is left out. */
function asLeftOut(error: unknown): FileLeftOut {
  return error instanceof FileLeftOut ? error : new FileLeftOut(reasonOf(error), error)
}

/**
 * Reads a small file whole, in one state: when size or time changed while it was read, it is read again, three times at
 * most. Null: it has grown past WHOLE_FILE_BYTES and has to be streamed. The bytes are in one of `buffers`, to be given
 * back. Rejects with FileLeftOut.
 */
export async function readWhole(
  file: string | Buffer,
  buffers: ReadBuffers,
): Promise<{ readonly bytes: Buffer; readonly state: FileState } | null> {
  return await withFile(file, async (handle) => {
    let before = await stateOf(handle)
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (before.size > WHOLE_FILE_BYTES) return null
      const bytes = buffers.take(before.size)
      const read = await readFully(handle, bytes, 0)
      const after = await stateOf(handle)
      if (read === before.size && same(before, after)) return { bytes, state: before }
      buffers.giveBack(bytes)
      before = after
    }
    throw new FileLeftOut(CHANGED)
  })
}

/** A large file, opened. */
export interface LargeFile {
  readonly state: FileState
  /**
   * Another one when the file is written to, replaced or renamed over, also where its time is set back after it; may be
   * kept and compared in a later process.
   */
  readonly identity: string
  /** The first piece, for its DICOM header. */
  readonly head: Buffer
  /**
   * All bytes from byte `from` on, in pieces. Throws FileLeftOut at the end when the file changed since it was opened: what was
   * read then belongs to no one state of it. A piece is valid until the next is asked for.
   */
  readonly pieces: (from?: number) => AsyncGenerator<Buffer>
}

/** Opens a large file for `use` and closes it after. Rejects with FileLeftOut. */
export async function* streamLarge<T, R>(
  file: string | Buffer,
  use: (large: LargeFile) => AsyncGenerator<T, R>,
): AsyncGenerator<T, R> {
  const handle = await openFile(file)
  try {
    const beginning = await beginningOf(handle)
    return yield* use({ ...beginning, pieces: (from = 0) => pieces(handle, beginning, from) })
  } finally {
    await handle.close()
  }
}

type FileBeginning = Pick<LargeFile, 'state' | 'identity' | 'head'>

async function beginningOf(handle: FileHandle): Promise<FileBeginning> {
  try {
    const state = await stateOf(handle)
    const identity = await identityOf(handle)
    const head = Buffer.allocUnsafe(Math.min(PIECE_BYTES, state.size))
    if ((await readFully(handle, head, 0)) < head.length) throw new FileLeftOut(CHANGED)
    return { state, identity, head }
  } catch (error) {
    throw asLeftOut(error)
  }
}

async function* pieces(handle: FileHandle, { head, state }: FileBeginning, from: number): AsyncGenerator<Buffer> {
  if (from < head.length) yield head.subarray(from)
  let position = Math.max(from, head.length)
  try {
    while (position < state.size) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, state.size - position))
      if ((await readFully(handle, piece, position)) < piece.length) break
      position += piece.length
      yield piece
    }
    if (position < state.size || !same(state, await stateOf(handle))) throw new FileLeftOut(CHANGED)
  } catch (error) {
    throw asLeftOut(error)
  }
}

async function openFile(file: string | Buffer): Promise<FileHandle> {
  try {
    return await open(file, FLAGS)
  } catch (error) {
    throw asLeftOut(error)
  }
}

async function withFile<R>(file: string | Buffer, use: (handle: FileHandle) => Promise<R>): Promise<R> {
  const handle = await openFile(file)
  try {
    return await use(handle)
  } catch (error) {
    throw asLeftOut(error)
  } finally {
    await handle.close()
  }
}

async function stateOf(handle: FileHandle): Promise<FileState> {
  const found = await handle.stat()
  if (!found.isFile()) throw new FileLeftOut(CHANGED)
  return { size: found.size, mtimeMs: Math.max(-LATEST_MS, Math.min(found.mtimeMs, LATEST_MS)) }
}

/** The time of the last change of anything (ctime) cannot be set by programs. */
async function identityOf(handle: FileHandle): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await handle.stat({ bigint: true })
  return hash('sha256', `${size} ${mtimeNs} ${ctimeNs} ${ino}`).slice(0, 16)
}

const same = (a: FileState, b: FileState): boolean => a.size === b.size && a.mtimeMs === b.mtimeMs

/** Fills `bytes` from `position` on; gives the number read, which is less at the end of the file. */
async function readFully(handle: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let done = 0
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}
