import { createHash } from 'node:crypto'
import { globSync, lstatSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** What lies below a folder: each path with the SHA-256 of its bytes; a folder has none. */
export function bytesBelow(folder: string): Readonly<Record<string, string>> {
  const found = globSync('**', { cwd: folder }).filter((name) => name !== '.')
  return Object.fromEntries(
    found.sort().map((name) => {
      const file = path.join(folder, name)
      const isFile = lstatSync(file).isFile()
      return [name, isFile ? createHash('sha256').update(readFileSync(file)).digest('hex') : '']
    }),
  )
}
