import { readdirSync } from 'node:fs'
import path from 'node:path'

/** All files below a folder, sorted, as full paths. */
export function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
}
