/**
 * The programs that the tests hold the product against: a real MariaDB, the unzip programs people have, and others. A test
 * file says which it needs by calling `needProgram`, itself or in what it imports. On Linux and macOS all of them have to
 * be there, but for those that only some tests need. On Windows the files that need a missing one are skipped
 * (skipped-file.ts).
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { findProgram } from './find-program.ts'
import { filesReachedFrom } from './test-imports.ts'

export interface Need {
  /** Any one of these programs, or files with an absolute path, will do. */
  readonly programs: readonly [string, ...string[]]
  /** Its package on Debian and Ubuntu. The server's core package starts no service. */
  readonly apt: string
  /** Its package in Homebrew; null: it has none, and the tests that need it are skipped there. */
  readonly brew: string | null
  /** Its tests cannot run on Windows, whatever is installed there: they need a Unix socket or a shell. */
  readonly notOnWindows?: true
}

export const NEEDS: readonly Need[] = [
  { programs: ['mariadbd'], apt: 'mariadb-server-core', brew: 'mariadb', notOnWindows: true },
  { programs: ['mariadb-install-db'], apt: 'mariadb-server-core', brew: 'mariadb', notOnWindows: true },
  { programs: ['mariadb-dump'], apt: 'mariadb-client', brew: 'mariadb', notOnWindows: true },
  { programs: ['mariadb'], apt: 'mariadb-client', brew: 'mariadb', notOnWindows: true },
  { programs: ['unzip'], apt: 'unzip', brew: 'unzip' },
  { programs: ['zip'], apt: 'zip', brew: 'zip' },
  { programs: ['curl'], apt: 'curl', brew: 'curl' },
  { programs: ['7z'], apt: 'p7zip-full', brew: 'p7zip' },
  { programs: ['bsdtar', 'C:\\Windows\\System32\\tar.exe'], apt: 'libarchive-tools', brew: 'libarchive' },
  { programs: ['python3', 'python'], apt: 'python3', brew: 'python' },
  { programs: ['faketime'], apt: 'faketime', brew: 'libfaketime', notOnWindows: true },
  { programs: ['openssl'], apt: 'openssl', brew: 'openssl' },
  { programs: ['crontab'], apt: 'cron', brew: 'cron', notOnWindows: true },
  { programs: ['sh'], apt: 'dash', brew: 'dash', notOnWindows: true },
  { programs: ['dcmdump'], apt: 'dcmtk', brew: 'dcmtk' },
  { programs: ['xmllint'], apt: 'libxml2-utils', brew: 'libxml2' },
  { programs: ['Orthanc'], apt: 'orthanc', brew: null, notOnWindows: true },
  {
    programs: ['/usr/share/orthanc/plugins/libOrthancMySQLIndex.so'],
    apt: 'orthanc-mysql',
    brew: null,
    notOnWindows: true,
  },
]

/** The path of the first of its programs that is here; null when none is, or none can be used. */
function programOf({ programs, notOnWindows }: Need): string | null {
  if (process.platform === 'win32' && notOnWindows === true) return null
  for (const program of programs) {
    const file = path.isAbsolute(program) ? (existsSync(program) ? program : null) : findProgram(program)
    if (file !== null) return file
  }
  return null
}

export const missingNeeds = (): Need[] => NEEDS.filter((need) => programOf(need) === null)

/** `name` is the first of a need's programs. Null when it is not here. */
function find(name: string): string | null {
  const need = NEEDS.find(({ programs: [first] }) => first === name)
  if (need === undefined) throw new Error(`${name} is not in the list of needed-programs.ts`)
  return programOf(need)
}

/** The path of a program that a test cannot do without. Throws with what to do when this machine does not have it. */
export function needProgram(name: string): string {
  const file = find(name)
  if (file === null) throw new Error(`${name} is missing: run \`node test/support/prepare.ts\``)
  return file
}

/**
 * For the `skip` of a single test that cannot do without these programs, in a file whose others can: on Windows which of
 * them this machine lacks, elsewhere false.
 */
export function lacking(...names: readonly string[]): string | false {
  const missing = names.filter((name) => find(name) === null)
  return process.platform === 'win32' && missing.length > 0 && `this machine lacks ${missing.join(', ')}`
}

/** The programs that a test file needs and this machine does not have. */
export function missingFor(testFile: string): string[] {
  const needed = new Set<string>()
  for (const file of filesReachedFrom(testFile)) {
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/\bneedProgram\('([^']+)'\)/g)) needed.add(name)
  }
  return [...needed].filter((name) => find(name) === null)
}
