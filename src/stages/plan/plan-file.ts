import { crc32 } from 'node:zlib'
import { readJsonLinesAt, readSpill, SpillFile } from '../../pipeline/spill-file.ts'
import { damagedStateFile, removeStateFile } from '../../pipeline/state-file.ts'
import { isKeptApart } from './file-name.ts'
import { OWN_FILES } from './left-out.ts'
import { walkArchive, type WalkItem, type WalkOptions } from './walk.ts'

/** An archive may begin with a file of so many bytes at most: it is sure to be in the archive's first part. */
export const FIRST_FILE_BYTES = 1024 * 1024

/** Lines are made into bytes so many characters at a time. */
const ADDED_LENGTH = 64 * 1024

/** What the walk of the archive folder found, in sum. The files themselves stand in the plan's file, one line each. */
export interface Plan {
  readonly path: string
  /** CRC-32 of the file. */
  readonly crc: number
  readonly files: number
  readonly bytes: number
  /** Files whose names in the archive are escaped further, to be no other one's: see `keptApart`. */
  readonly keptApart: number
}

/** An item of the plan, and the position in its file of the next one. */
export interface PlanLine {
  readonly item: WalkItem
  readonly end: number
}

/**
 * Walks the archive folder and writes what shall be backed up into `path` (mode 0600; one that is there is replaced), so
 * that a million files never sit in memory. It is durable when this resolves. Files of this program are passed over in
 * silence.
 */
export async function writePlan(path: string, root: string, options: WalkOptions, signal: AbortSignal): Promise<Plan> {
  await removeStateFile(path)
  const spill = await SpillFile.create(path)
  let [files, bytes, keptApart, crc] = [0, 0, 0, 0]
  let lines = ''
  const add = (): Promise<void> | undefined => {
    const data = Buffer.from(lines)
    lines = ''
    crc = crc32(data, crc)
    return spill.add(data)
  }
  try {
    for await (const found of beginSmall(walkArchive(root, options, signal))) {
      if ('leftOut' in found) {
        if (found.leftOut.reason === OWN_FILES) continue
        lines += `${JSON.stringify([found.leftOut.path, found.leftOut.reason])}\n`
      } else {
        files += 1
        bytes += found.size
        if (isKeptApart(found.path)) keptApart += 1
        lines += `${JSON.stringify([found.path, found.size, found.mtimeMs])}\n`
      }
      if (lines.length >= ADDED_LENGTH) await add()
    }
    await add()
    await spill.sync()
  } finally {
    await spill.close()
  }
  return { path, crc, files, bytes, keptApart }
}

/** Rejects with E_STATE when a plan of an earlier process is not what was written. */
export async function checkPlan(path: string, crc: number): Promise<void> {
  if ((await crcOf(path)) !== crc) throw damagedStateFile(path)
}

async function crcOf(path: string): Promise<number> {
  let crc = 0
  for await (const piece of readSpill(path)) crc = crc32(piece, crc)
  return crc
}

/** The plan, in the order of the walk, from a position on. */
export async function* readPlan(path: string, from = 0): AsyncGenerator<PlanLine> {
  for await (const { value, end } of readJsonLinesAt(path, from)) {
    const [file, second, mtimeMs] = value as [string, string] | [string, number, number]
    const item: WalkItem =
      typeof second === 'string'
        ? { leftOut: { path: file, reason: second } }
        : { path: file, size: second, mtimeMs: mtimeMs ?? 0 }
    yield { item, end }
  }
}

/** So many large files are held back for a small one. */
const HELD_BACK = 64

/**
 * The same items, the first small file before the larger ones that precede it. It is what an archive without a dump should
 * begin with: a large file that changes in mid-read would leave bytes at its start that no directory record names.
 */
async function* beginSmall(items: AsyncIterable<WalkItem>): AsyncGenerator<WalkItem> {
  let held: WalkItem[] | null = []
  for await (const item of items) {
    if (held !== null && 'size' in item && item.size > FIRST_FILE_BYTES && held.length < HELD_BACK) {
      held.push(item)
      continue
    }
    yield item
    if (held === null || 'leftOut' in item) continue
    yield* held
    held = null
  }
  if (held !== null) yield* held
}
