/**
 * Reading one file of a live archive folder: whole when it is small, in pieces when it is large, and never a torn
 * state.
 */
import { hash } from 'node:crypto'
import { closeSync, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'
import { lstat, open, type FileHandle } from 'node:fs/promises'
import type { Range } from '../dicom/reading.ts'
import { CHANGED, kindOf, reasonOf } from '../plan/left-out.ts'
import { READ_FLAGS, REFUSES_LINKS } from '../plan/read-flags.ts'
import type { FileOwner } from './manifest.ts'

/**
 * Larger files are streamed; a file up to this many bytes is read whole, so that it can be read again when it changed.
 */
export const WHOLE_FILE_BYTES = 4 * 1024 * 1024

const PIECE_BYTES = 1024 * 1024
const TRIES = 3

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
  /** With what it has below the ms; negative before 1970. */
  readonly mtimeMs: number
  readonly owner: FileOwner
}

/** A file's time as the archive keeps it: the ms that it falls into, also before 1970, where a Date would take the next. */
export const timeOf = ({ mtimeMs }: Pick<FileState, 'mtimeMs'>): Date => new Date(Math.floor(mtimeMs))

/** Any file system error as the reason why a file is left out. */
function asLeftOut(error: unknown): FileLeftOut {
  return error instanceof FileLeftOut ? error : new FileLeftOut(reasonOf(error), error)
}

/**
 * Reads a small file whole into `room`, in one state: when size or time changed while it was read, it is read again,
 * three times at most. Gives its state, of as many bytes as are in `room` then; or its size, when that is more than
 * there is room for. Throws FileLeftOut. It waits for the disk, so it is not for the main thread.
 */
export function readWhole(
  file: string | Buffer,
  room: Uint8Array,
): { readonly state: FileState } | { readonly needs: number } {
  let descriptor: number | null = null
  try {
    if (!REFUSES_LINKS) mustBeNoLink(lstatSync(file))
    descriptor = openSync(file, READ_FLAGS)
    let before = stateFrom(fstatSync(descriptor))
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (before.size > room.length) return { needs: before.size }
      const read = fillSync(descriptor, room.subarray(0, before.size))
      const after = stateFrom(fstatSync(descriptor))
      if (read === before.size && same(before, after)) return { state: before }
      before = after
    }
    throw new FileLeftOut(CHANGED)
  } catch (error) {
    throw asLeftOut(error)
  } finally {
    if (descriptor !== null) closeRead(descriptor)
  }
}

/** What was read is read, whatever a network folder has to say when the file is closed. */
function closeRead(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // Closed it is all the same.
  }
}

/** Fills `bytes` from the file's start; gives the number read, which is less when the file ends before. */
function fillSync(descriptor: number, bytes: Uint8Array): number {
  let done = 0
  while (done < bytes.length) {
    const read = readSync(descriptor, bytes, done, bytes.length - done, done)
    if (read === 0) break
    done += read
  }
  return done
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
  /** Any bytes of it, where the header is longer; fewer at its end. Rejects with FileLeftOut. */
  readonly range: (range: Range) => Promise<Buffer>
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
    return yield* use({
      ...beginning,
      range: (wanted) => rangeOf(handle, wanted),
      pieces: (from = 0) => pieces(handle, beginning, from),
    })
  } finally {
    // What was read is read.
    await handle.close().catch(() => undefined)
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

async function rangeOf(handle: FileHandle, { at, length }: Range): Promise<Buffer> {
  try {
    const bytes = Buffer.allocUnsafe(length)
    return bytes.subarray(0, await readFully(handle, bytes, at))
  } catch (error) {
    throw asLeftOut(error)
  }
}

async function* pieces(handle: FileHandle, { head, state }: FileBeginning, from: number): AsyncGenerator<Buffer> {
  if (from < head.length) yield head.subarray(from)
  let position = Math.max(from, head.length)
  const room = Buffer.allocUnsafeSlow(Math.max(0, Math.min(PIECE_BYTES, state.size - position)))
  try {
    while (position < state.size) {
      const piece = room.subarray(0, state.size - position)
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
    if (!REFUSES_LINKS) mustBeNoLink(await lstat(file))
    return await open(file, READ_FLAGS)
  } catch (error) {
    throw asLeftOut(error)
  }
}

function mustBeNoLink(found: Stats): void {
  if (found.isSymbolicLink()) throw new FileLeftOut(kindOf(found))
}

async function stateOf(handle: FileHandle): Promise<FileState> {
  return stateFrom(await handle.stat())
}

function stateFrom(found: Stats): FileState {
  if (!found.isFile()) throw new FileLeftOut(CHANGED)
  const mtimeMs = Math.max(-LATEST_MS, Math.min(found.mtimeMs, LATEST_MS))
  return { size: found.size, mtimeMs, owner: ownerOf(found) }
}

/** Windows has other ones, which `stat` does not tell. */
function ownerOf({ mode, uid, gid }: Stats): FileOwner {
  return process.platform === 'win32' ? {} : { mode: (mode & 0o7777).toString(8).padStart(4, '0'), uid, gid }
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
