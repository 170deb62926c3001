/**
 * Small files on their way into the archive: read, hashed and deflated several ahead of their turn, in threads beside
 * the main one, and handed on in order.
 */
import { aheadInOrder } from '../../pipeline/ahead.ts'
import { inBatches } from '../../pipeline/batches.ts'
import { programBeside } from '../../pipeline/helper-thread.ts'
import { HelperThreads, THREADS } from '../../pipeline/helper-threads.ts'
import type { Compression } from '../config/types.ts'
import type { PlannedFile } from '../plan/types.ts'
import type { WalkItem } from '../plan/walk.ts'
import { wholeEntry } from './entry-records.ts'
import { storedLine } from './manifest.ts'
import { entryPath, leftOut, type PreparedFile } from './prepare-file.ts'
import type { Batch, Prepared } from './prepare-program.ts'
import { WHOLE_FILE_BYTES } from './read-file.ts'
import { roomFor, Trays, TRAY_BYTES } from './trays.ts'

export interface PrepareOptions {
  readonly root: string
  readonly compression: Compression
  /** How many batches are under way at once. */
  readonly ahead: number
}

/** Batches ahead when an archive is made: each thread has one to do and one waiting. */
export const MAKE_AHEAD = 2 * THREADS

/** So much goes to a thread at once: little enough to spread, much enough for messages not to count. */
const BATCH = { items: 64, budget: 1024 * 1024 }

const threads = new HelperThreads(programBeside(import.meta, './prepare-program'))

/**
 * The items with what becomes of them, in order. Small files are whole; a large one is left for its turn; one that
 * cannot be read is left out. Never rejects because of a file.
 */
export async function* prepareFiles<T extends { readonly item: WalkItem }>(
  items: AsyncIterable<T>,
  options: PrepareOptions,
): AsyncGenerator<{ readonly from: T; readonly one: PreparedFile }> {
  const trays = new Trays()
  const work = (batch: readonly T[]): Promise<{ from: T; one: PreparedFile }[]> => prepareBatch(batch, options, trays)
  const weight = ({ item }: T): number => (isSmall(item) ? roomFor(item.size) : 0)
  const limits = { concurrency: options.ahead, items: options.ahead + 1, budget: Infinity, weight: () => 0 }
  for await (const batch of aheadInOrder(inBatches(items, { ...BATCH, weight }), work, limits)) yield* batch
}

const isSmall = (item: WalkItem): item is PlannedFile => !('leftOut' in item) && item.size <= WHOLE_FILE_BYTES

async function prepareBatch<T extends { readonly item: WalkItem }>(
  batch: readonly T[],
  { root, compression }: PrepareOptions,
  trays: Trays,
): Promise<{ from: T; one: PreparedFile }[]> {
  const tray = trays.take()
  let filled = 0
  const files: Batch['files'][number][] = []
  for (const { item } of batch) {
    if (!isSmall(item)) continue
    const room = roomFor(item.size)
    files.push({ path: item.path, at: filled, room })
    filled += room
  }
  const answers = files.length === 0 ? [] : await threads.ask<Prepared[]>({ root, compression, tray, files })
  let n = 0
  // The tray is free when the last of its files has gone out.
  let inUse = 1
  const release = (): void => {
    inUse -= 1
    if (inUse === 0) trays.giveBack(tray)
  }
  const prepared: { from: T; one: PreparedFile }[] = []
  for (const from of batch) {
    const { item } = from
    const place = isSmall(item) ? files[n] : undefined
    const answer = isSmall(item) ? answers[n++] : undefined
    if ('leftOut' in item) {
      const { path, reason } = item.leftOut
      prepared.push({ from, one: { file: { path, size: 0, mtimeMs: 0 }, kind: 'left-out', reason, lost: false } })
    } else if (place === undefined || answer === undefined) {
      prepared.push({ from, one: { file: item, kind: 'large' } })
    } else if (answer.is === 'grown') {
      prepared.push({ from, one: await prepareGrown(item, answer.size, { root, compression }, trays) })
    } else {
      if (answer.is === 'read') inUse += 1
      const data = tray.subarray(place.at, place.at + (answer.is === 'read' ? answer.packed : 0))
      prepared.push({ from, one: preparedFile(item, answer, data, release) })
    }
  }
  release()
  return prepared
}

/** A file that has grown since it was planned, in a tray of its own. */
async function prepareGrown(
  file: PlannedFile,
  size: number,
  options: Pick<PrepareOptions, 'root' | 'compression'>,
  trays: Trays,
): Promise<PreparedFile> {
  if (size > WHOLE_FILE_BYTES) return { file, kind: 'large' }
  const tray = trays.take()
  const [answer] = await threads.ask<Prepared[]>({
    ...options,
    tray,
    files: [{ path: file.path, at: 0, room: TRAY_BYTES }],
  })
  if (answer === undefined || answer.is === 'grown') {
    trays.giveBack(tray)
    return { file, kind: 'large' }
  }
  const data = tray.subarray(0, answer.is === 'read' ? answer.packed : 0)
  return preparedFile(file, answer, data, () => {
    trays.giveBack(tray)
  })
}

function preparedFile(
  file: PlannedFile,
  answer: Exclude<Prepared, { is: 'grown' }>,
  data: Uint8Array,
  release: () => void,
): PreparedFile {
  if (answer.is === 'left-out') return leftOut(file, answer)
  const { size, mtimeMs, sha256, crc, level, header, packed } = answer
  const name = entryPath(file)
  const mtime = new Date(mtimeMs)
  return {
    file,
    kind: 'whole',
    entry: wholeEntry({ name, mtime, level }, { crc, packed, size }, answer.data ?? data),
    size,
    release,
    line: storedLine({ path: name, size, mtime: mtime.toISOString(), sha256 }, header),
  }
}
