import path from 'node:path'
import type { Config } from '../config/types.ts'

/** The folders this program writes to, absolute: a backup must not carry them, where they lie in the archive folder. */
export function ownFolders(config: Config): string[] {
  const stores = config.destinations.flatMap((one) => (one.type === 'local' ? [one.folder] : []))
  return [config.state.dir, path.dirname(config.log.file), ...stores].filter((folder) => folder !== config.dicom.root)
}
