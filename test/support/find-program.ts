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
  const isWindows = process.platform === 'win32'
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '')
  for (const folder of isWindows ? folders : [...folders, ...systemFolders]) {
    const file = path.join(folder, isWindows ? `${name}.exe` : name)
    try {
      accessSync(file, constants.X_OK)
      if (statSync(file).isFile()) return file
    } catch {
      // not there: look on
    }
  }
  return null
}
