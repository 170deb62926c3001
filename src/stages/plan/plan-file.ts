import { crc32 } from 'node:zlib'
import { versionedJson } from '../../pipeline/files/format-version.ts'
import { SpillFile } from '../../pipeline/files/spill-file.ts'
import { removeStateFile } from '../../pipeline/files/state-file.ts'
import { isKeptApart } from './file-name.ts'
import { OWN_FILES } from './left-out.ts'
import { PLAN_FORMAT } from './plan-reader.ts'
import { walkArchive, type WalkItem, type WalkOptions } from './walk.ts'

/** An archive may begin with a file of so many bytes at most: it is sure to be in the archive's first part. */
export const FIRST_FILE_BYTES = 1024 * 1024

/** Lines are made into bytes so many characters at a time. */
const ADDED_LENGTH = 64 * 1024

/** What the walk of the archive folder found, in sum. The files themselves stand in the plan's file, one line each behind its version. */
export interface Plan {
  readonly path: string
  /** CRC-32 of the file. */
  readonly crc: number
  readonly files: number
  readonly bytes: number
  /** Files whose names in the archive are escaped further, to be no other one's: see `keptApart`. */
  readonly keptApart: number
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
  let lines = `${versionedJson(PLAN_FORMAT, {})}\n`
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
