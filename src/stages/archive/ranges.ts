/** How a file's ranges are asked for. */
import type { RemoteFile } from './remote-file.ts'

/** Large enough that the time to a first byte does not count, small enough to be held. */
const BLOCK_BYTES = 4 * 1024 * 1024

/** All bytes of a range. Only for ranges that are small. */
export async function readRange(file: RemoteFile, from: number, to: number, signal: AbortSignal): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Math.max(0, to - from))
  let filled = 0
  for await (const chunk of to > from ? file.read(from, to, signal) : []) {
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  return bytes
}

/**
 * The same file, read in ranges of 4 MiB that are fetched whole: for a reader that takes its time, as a service closes a
 * connection that nobody reads from. A chunk stays valid.
 */
export function inBlocks(file: RemoteFile): RemoteFile {
  return {
    name: file.name,
    bytes: file.bytes,
    async *read(from, to, signal) {
      for (let at = from; at < to; at += BLOCK_BYTES) {
        yield await readRange(file, at, Math.min(at + BLOCK_BYTES, to), signal)
      }
    },
  }
}

/** The same file of which the bytes from `tailFrom` to its end are here already. */
export function withTail(file: RemoteFile, tailFrom: number, tail: Buffer): RemoteFile {
  return {
    name: file.name,
    bytes: file.bytes,
    async *read(from, to, signal) {
      const far = Math.min(to, tailFrom)
      if (from < far) yield* file.read(from, far, signal)
      if (to > tailFrom) yield tail.subarray(Math.max(from, tailFrom) - tailFrom, to - tailFrom)
    },
  }
}

export interface GroupOptions {
  /** Bytes between two wanted pieces that are fetched along rather than asked around. */
  readonly gap?: number
  /** Bytes that a group may have; a piece that is larger is a group by itself. */
  readonly bytes?: number
  /** Pieces that a group may have: of empty files, 8 MiB hold more than memory should. */
  readonly pieces?: number
}

/** Bytes `start` to `end` (exclusive) of a file. */
export interface Piece {
  readonly start: number
  readonly end: number
}

/**
 * Neighbouring pieces in groups, each to be fetched by one range. In the order of the source; pieces that do not ascend
 * begin a new group.
 */
export async function* grouped<T>(
  source: AsyncIterable<T>,
  pieceOf: (item: T) => Piece,
  { gap = 64 * 1024, bytes = 8 * 1024 * 1024, pieces = 4096 }: GroupOptions = {},
): AsyncGenerator<T[]> {
  let group: T[] = []
  let from = 0
  let last = 0
  let to = 0
  for await (const item of source) {
    const { start, end } = pieceOf(item)
    const fits = start >= last && start - to < gap && end - from <= bytes
    if (group.length === pieces || (group.length > 0 && !fits)) {
      yield group
      group = []
    }
    if (group.length === 0) from = start
    group.push(item)
    last = start
    to = end
  }
  if (group.length > 0) yield group
}
