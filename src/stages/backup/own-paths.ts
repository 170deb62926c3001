import type { Config } from '../config/types.ts'
import { ownPathsOf } from '../destinations/kinds.ts'

/**
 * What this program writes itself, absolute paths of folders and files: a backup does not carry them, should they lie
 * in the archive folder.
 */
export function ownPaths(config: Config): string[] {
  return [config.state.dir, config.log.file, ...ownPathsOf(config.destinations)]
}
