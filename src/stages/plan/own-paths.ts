import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { BackupError } from '../../pipeline/contract/errors.ts'

/**
 * Those of the absolute `paths` that lie below `root`, as paths below it with `/` between their parts. Links on the way
 * to either are seen through. Rejects with E_CONFIG when one of them is `root` itself.
 */
export async function pathsBelow(root: string, paths: readonly string[]): Promise<ReadonlySet<string>> {
  const below = new Set<string>()
  const realRoot = await realPath(root)
  for (const own of paths) {
    const pairs = [
      [path.resolve(root), path.resolve(own)],
      [realRoot, await realPath(own)],
    ] as const
    for (const [from, to] of pairs) {
      const relative = path.relative(from, to)
      if (relative === '') throw ownRoot(root)
      const outside = relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)
      if (!outside) below.add(relative.replaceAll(path.sep, '/'))
    }
  }
  return below
}

/** The path without links; of one that does not exist (yet) the path itself. */
async function realPath(name: string): Promise<string> {
  try {
    return await realpath(name)
  } catch {
    return path.resolve(name)
  }
}

function ownRoot(root: string): BackupError {
  return new BackupError(
    'E_CONFIG',
    `The archive folder ${root} (dicom.root) is also a folder that the backup writes to.`,
    {
      advice: 'Give state.dir, log.file and local destinations folders of their own.',
    },
  )
}
