import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

/** Where servers' programs may be, besides PATH. */
const systemFolders = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/libarchive/bin',
]

/** The path of a program, or null when this machine does not have it. */
export function findProgram(name: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '')
  for (const folder of [...folders, ...systemFolders]) {
    for (const file of [path.join(folder, name), path.join(folder, `${name}.exe`)]) {
      try {
        accessSync(file, constants.X_OK)
        if (statSync(file).isFile()) return file
      } catch {
        // not there: look on
      }
    }
  }
  return null
}

/** The path of a program. Throws with what to do when this machine does not have it. */
export function needProgram(name: string): string {
  const file = findProgram(name)
  if (file === null) throw new Error(`${name} is missing: run \`node test/support/prepare.ts\``)
  return file
}
