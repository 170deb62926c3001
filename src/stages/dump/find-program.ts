import { constants } from 'node:fs'
import { access, glob, stat } from 'node:fs/promises'
import path from 'node:path'
import { BackupError } from '../../pipeline/contract/errors.ts'

/** What the search looks at: this machine, or a folder that stands for one. */
export interface Machine {
  readonly platform: NodeJS.Platform
  /** The PATH variable. */
  readonly path: string
  /** The root folder that installers' own places lie below: `/`, or the system drive. */
  readonly root: string
}

const PROGRAMS = ['mysqldump', 'mariadb-dump'] as const

/** Where installers put the program without adding it to PATH, as globs below the root; the first place wins. */
const WINDOWS_PLACES = [
  'xampp/mysql/bin',
  'wamp64/bin/mysql/*/bin',
  'wamp64/bin/mariadb/*/bin',
  'wamp/bin/mysql/*/bin',
  'wamp/bin/mariadb/*/bin',
  'laragon/bin/mysql/*/bin',
  'laragon/bin/mariadb/*/bin',
  'Program Files*/MySQL/MySQL Server */bin',
  'Program Files*/MariaDB */bin',
]
/** The same elsewhere; a scheduler's PATH is often shorter than a terminal's. */
const OTHER_PLACES = [
  'usr/bin',
  'usr/local/bin',
  'usr/local/mysql/bin',
  'opt/lampp/bin',
  'opt/homebrew/bin',
  'opt/homebrew/opt/{mysql-client,mysql,mariadb}/bin',
  'Applications/XAMPP/xamppfiles/bin',
]

function thisMachine(): Machine {
  const { platform, env } = process
  const root = platform === 'win32' ? `${env['SystemDrive'] ?? 'C:'}\\` : '/'
  return { platform, path: env['PATH'] ?? '', root }
}

/**
 * The path of the dump program. `command` (`database.dumpCommand`) is a path, or a name to find in PATH; null:
 * mysqldump, else mariadb-dump, from PATH, else from the places installers use, the newest version first. Rejects with
 * E_DUMP, naming the places searched.
 */
export async function findDumpProgram(command: string | null, machine: Machine = thisMachine()): Promise<string> {
  if (command !== null && /[/\\]/.test(command)) {
    const file = await programFile(path.resolve(command), machine)
    if (file !== null) return file
    throw missing(`The dump program ${command} does not exist or cannot be executed.`)
  }
  const delimiter = machine.platform === 'win32' ? ';' : ':'
  const folders = machine.path
    .split(delimiter)
    .map((folder) => folder.replaceAll('"', '').trim())
    .filter((folder) => path.isAbsolute(folder))
  for (const name of command === null ? PROGRAMS : [command]) {
    for (const folder of folders) {
      const file = await programFile(path.join(folder, name), machine)
      if (file !== null) return file
    }
  }
  if (command !== null) throw missing(`The dump program ${command} is not in any folder of PATH.`)

  const places = machine.platform === 'win32' ? WINDOWS_PLACES : OTHER_PLACES
  for (const place of places) {
    for (const folder of await newestFirst(place, machine.root)) {
      for (const name of PROGRAMS) {
        const file = await programFile(path.join(folder, name), machine)
        if (file !== null) return file
      }
    }
  }
  const searched = places.map((place) => path.join(machine.root, place)).join(', ')
  throw missing(`No dump program was found: neither mysqldump nor mariadb-dump is in PATH or in ${searched}.`)
}

function missing(message: string): BackupError {
  return new BackupError('E_DUMP', message, {
    advice:
      'Install the client programs of MySQL or MariaDB, or set database.dumpCommand to the full path of mysqldump or mariadb-dump.',
  })
}

/** The folders that a glob names; where it has a version in it, the highest comes first. */
async function newestFirst(place: string, root: string): Promise<string[]> {
  const folders: string[] = []
  for await (const folder of glob(place, { cwd: root })) folders.push(path.join(root, folder))
  const byVersion = new Intl.Collator('en', { numeric: true })
  return folders.sort((a, b) => byVersion.compare(b, a))
}

/** The file that `file` starts: itself, or on Windows with `.exe`; null when it is none that can be run. */
async function programFile(file: string, { platform }: Machine): Promise<string | null> {
  const windows = platform === 'win32'
  const program = windows && path.extname(file).toLowerCase() !== '.exe' ? `${file}.exe` : file
  try {
    await access(program, windows ? constants.F_OK : constants.X_OK)
    return (await stat(program)).isFile() ? program : null
  } catch {
    return null
  }
}
