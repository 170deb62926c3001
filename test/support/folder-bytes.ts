import { globSync, lstatSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'

/** What lies below a folder: each path with its size and the CRC-32 of its bytes; a folder has none. */
export function bytesBelow(folder: string): Readonly<Record<string, string>> {
  const found = globSync('**', { cwd: folder }).filter((name) => name !== '.')
  return Object.fromEntries(
    found.sort().map((name) => {
      const file = path.join(folder, name)
      if (!lstatSync(file).isFile()) return [name, '']
      const bytes = readFileSync(file)
      return [name, `${bytes.length} ${crc32(bytes)}`]
    }),
  )
}
