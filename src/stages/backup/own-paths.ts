import type { Config } from '../config/types.ts'

/**
 * What this program writes itself, absolute paths of folders and files: a backup does not carry them, should they lie
 * in the archive folder.
 */
export function ownPaths(config: Config): string[] {
  const stores = config.destinations.flatMap((one) => (one.type === 'local' ? [one.folder] : []))
  return [config.state.dir, config.log.file, ...stores]
}
