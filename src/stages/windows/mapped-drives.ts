import { realpathSync } from 'node:fs'
import path from 'node:path'

export interface MappedPath {
  readonly path: string
  /** The same without the drive's letter: `\\\\server\\share\\folder`. */
  readonly unc: string
}

/**
 * Those of the paths that lie on a network drive with a letter. Letters belong to a logon: a job of the Task Scheduler has
 * none of them. `realpath`: gives the share for `Z:\\`.
 */
export function mappedPaths(
  paths: readonly string[],
  platform: NodeJS.Platform = process.platform,
  realpath: (root: string) => string = realpathSync.native,
): MappedPath[] {
  if (platform !== 'win32') return []
  return [...new Set(paths)].flatMap((one) => {
    const { root } = path.win32.parse(one)
    if (!/^[A-Za-z]:[\\/]$/.test(root)) return []
    try {
      const share = realpath(root)
      return share.startsWith('\\\\') ? [{ path: one, unc: path.win32.join(share, one.slice(root.length)) }] : []
    } catch {
      return []
    }
  })
}
