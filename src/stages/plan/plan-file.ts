import { readJsonLines, SpillFile } from '../../pipeline/spill-file.ts'
import { OWN_FILES } from './left-out.ts'
import { walkArchive, type WalkItem, type WalkOptions } from './walk.ts'

/** What the walk of the archive folder found, in sum. The files themselves stand in the plan's file, one line each. */
export interface Plan {
  readonly path: string
  readonly files: number
  readonly bytes: number
}

/**
 * Walks the archive folder and writes what shall be backed up into `path` (new, mode 0600), so that a million files
 * never sit in memory. Files of this program are passed over in silence.
 */
export async function writePlan(path: string, root: string, options: WalkOptions, signal: AbortSignal): Promise<Plan> {
  const spill = await SpillFile.create(path)
  let files = 0
  let bytes = 0
  try {
    for await (const found of walkArchive(root, options, signal)) {
      if ('leftOut' in found) {
        if (found.leftOut.reason === OWN_FILES) continue
        await spill.addJson([found.leftOut.path, found.leftOut.reason])
      } else {
        files += 1
        bytes += found.size
        await spill.addJson([found.path, found.size, found.mtimeMs])
      }
    }
    await spill.flush()
  } finally {
    await spill.close()
  }
  return { path, files, bytes }
}

/** The plan, in the order of the walk. */
export async function* readPlan(path: string): AsyncGenerator<WalkItem> {
  for await (const line of readJsonLines(path)) {
    const [file, second, mtimeMs] = line as [string, string] | [string, number, number]
    if (typeof second === 'string') yield { leftOut: { path: file, reason: second } }
    else yield { path: file, size: second, mtimeMs: mtimeMs ?? 0 }
  }
}
