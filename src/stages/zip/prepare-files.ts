/**
 * Small files on their way into the archive: made entries several batches ahead of their turn, in threads beside the
 * main one (prepare-program.ts), and handed on in order.
 */
import { orderedParallelMap } from '../../pipeline/flow/ordered-parallel-map.ts'
import { inBatches } from '../../pipeline/flow/batches.ts'
import { HelperThreads, THREADS, programBeside } from '../../pipeline/threads/helper-threads.ts'
import type { Compression } from '../config/types.ts'
import type { PlannedFile } from '../plan/types.ts'
import type { WalkItem } from '../plan/walk.ts'
import { leftOut, type PreparedFile } from './prepare-file.ts'
import type { Batch, Prepared } from './prepare-program.ts'
import { WHOLE_FILE_BYTES } from './read-file.ts'
import { roomFor, TRAY_FILES, BatchBuffers } from './batch-buffers.ts'

export interface PrepareOptions {
  readonly root: string
  readonly compression: Compression
  /** How many batches are under way at once. */
  readonly ahead: number
}

/** Batches ahead when an archive is made: each thread has one to do and one waiting. */
export const MAKE_AHEAD = 2 * THREADS

/** So much goes to a thread at once: little enough to spread, much enough for messages not to count. */
const BATCH = { items: TRAY_FILES, budget: 1024 * 1024 }

const threads = new HelperThreads(programBeside(import.meta, './prepare-program'))

/** An item with what becomes of it. */
export interface PreparedItem<T> {
  readonly from: T
  readonly one: PreparedFile
}

/**
 * The items with what becomes of them, in order and in batches. Small files are whole; a large one is left for its turn,
 * and so is one that has grown since it was planned; one that cannot be read is left out. Memory is bounded by `ahead`,
 * whatever has become of the files. Never rejects because of a file.
 */
export async function* prepareFiles<T extends { readonly item: WalkItem }>(
  items: AsyncIterable<T>,
  options: PrepareOptions,
): AsyncGenerator<readonly PreparedItem<T>[]> {
  const batchBuffers = new BatchBuffers()
  const work = (batch: readonly T[]): Promise<PreparedItem<T>[]> => prepareBatch(batch, options, batchBuffers)
  const weight = ({ item }: T): number => (isSmall(item) ? roomFor(item) : 0)
  const limits = { concurrency: options.ahead, items: options.ahead + 1, budget: Infinity, weight: () => 0 }
  yield* orderedParallelMap(inBatches(items, { ...BATCH, weight }), work, limits)
}

const isSmall = (item: WalkItem): item is PlannedFile => !('leftOut' in item) && item.size <= WHOLE_FILE_BYTES

async function prepareBatch<T extends { readonly item: WalkItem }>(
  batch: readonly T[],
  options: PrepareOptions,
  batchBuffers: BatchBuffers,
): Promise<PreparedItem<T>[]> {
  const small = batch.map(({ item }) => item).filter(isSmall)
  const outcomes = (await outcomesOf(small, options, batchBuffers)).values()
  return batch.map((from) => {
    const { item } = from
    if ('leftOut' in item) {
      const { path, reason } = item.leftOut
      return { from, one: { file: { path, size: 0, mtimeMs: 0 }, kind: 'left-out', reason, lost: false } }
    }
    const outcome = isSmall(item) ? outcomes.next().value : undefined
    return { from, one: outcome ?? { file: item, kind: 'large' } }
  })
}

/** What becomes of small files, in one batch buffer. */
async function outcomesOf(
  files: readonly PlannedFile[],
  { root, compression }: PrepareOptions,
  batchBuffers: BatchBuffers,
): Promise<PreparedFile[]> {
  if (files.length === 0) return []
  const batchBuffer = batchBuffers.take()
  const notesAt = files.reduce((sum, file) => sum + roomFor(file), 0)
  const batch: Batch = {
    root,
    compression,
    batchBuffer,
    notesAt,
    files: files.map(({ path, size }) => ({ path, size })),
  }
  const answer = await threads.ask<Prepared[]>(batch)
  const entries = new Slices(batchBuffer, 0)
  const notes = new Slices(batchBuffer, notesAt)
  // The batch buffer is free when the last of its files has gone out.
  let inUse = 1
  const release = (): void => {
    inUse -= 1
    if (inUse === 0) batchBuffers.recycle(batchBuffer)
  }
  const outcomes = answer.map((found, n): PreparedFile => {
    const file = files[n]
    if (file === undefined) throw new RangeError('an answer without a file')
    if (found.is === 'no-room') return { file, kind: 'large' }
    if (found.is === 'left-out') return leftOut(file, found)
    inUse += 1
    const entry = entries.next(found.entry)
    return {
      file,
      kind: 'whole',
      entry,
      record: notes.next(found.record),
      line: notes.next(found.line),
      size: found.size,
      dicom: found.dicom,
      release,
    }
  })
  release()
  return outcomes
}

/** One stretch behind the other of the same memory. */
class Slices {
  readonly #bytes: Buffer
  #at: number

  constructor({ buffer, byteOffset, length }: Uint8Array, at: number) {
    this.#bytes = Buffer.from(buffer, byteOffset, length)
    this.#at = at
  }

  next(length: number): Buffer {
    const from = this.#at
    this.#at += length
    return this.#bytes.subarray(from, this.#at)
  }
}
