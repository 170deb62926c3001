/**
 * Makes sure that the programs the tests hold the product against are on this machine: a real MariaDB, and the unzip
 * programs people have. As root on a machine with apt the missing ones are installed; elsewhere they are named. Then it
 * makes what the tests share, and removes what tests that were killed have left.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, globSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { builtProgram } from '../../bench/built-program.ts'
import { aptGet } from './apt.ts'
import { findProgram } from './find-program.ts'
import { mariaDbTemplate } from './mariadb-template.ts'

interface Need {
  /** Any one of these programs, or files with an absolute path, will do. */
  readonly programs: readonly string[]
  /** Its package on Debian and Ubuntu. The server's core package starts no service. */
  readonly apt: string
  /** Its package in Homebrew; null: it has none, and the tests that need it are skipped there. */
  readonly brew: string | null
}

const needs: readonly Need[] = [
  { programs: ['mariadbd'], apt: 'mariadb-server-core', brew: 'mariadb' },
  { programs: ['mariadb-install-db'], apt: 'mariadb-server-core', brew: 'mariadb' },
  { programs: ['mariadb-dump'], apt: 'mariadb-client', brew: 'mariadb' },
  { programs: ['mariadb'], apt: 'mariadb-client', brew: 'mariadb' },
  { programs: ['unzip'], apt: 'unzip', brew: 'unzip' },
  { programs: ['7z'], apt: 'p7zip-full', brew: 'p7zip' },
  { programs: ['bsdtar'], apt: 'libarchive-tools', brew: 'libarchive' },
  { programs: ['python3', 'python'], apt: 'python3', brew: 'python' },
  { programs: ['faketime'], apt: 'faketime', brew: 'libfaketime' },
  { programs: ['openssl'], apt: 'openssl', brew: 'openssl' },
  { programs: ['crontab'], apt: 'cron', brew: 'cron' },
  { programs: ['dcmdump'], apt: 'dcmtk', brew: 'dcmtk' },
  { programs: ['xmllint'], apt: 'libxml2-utils', brew: 'libxml2' },
  { programs: ['Orthanc'], apt: 'orthanc', brew: null },
  { programs: ['/usr/share/orthanc/plugins/libOrthancMySQLIndex.so'], apt: 'orthanc-mysql', brew: null },
]

function missing(): readonly Need[] {
  return needs.filter((need) =>
    need.programs.every((program) => (path.isAbsolute(program) ? !existsSync(program) : findProgram(program) === null)),
  )
}

function packages(kind: 'apt' | 'brew', needed: readonly Need[]): string[] {
  return [...new Set(needed.flatMap((need) => need[kind] ?? []))]
}

function install(needed: readonly Need[]): void {
  const names = packages('apt', needed)
  process.stdout.write(`Installing what the tests need: ${names.join(', ')}\n`)
  withoutServices(() => {
    if (aptGet('update')) aptGet('install', '--no-install-recommends', ...names)
  })
}

/** Debian asks this program whether a service of a new package may start: 101 is no. */
const POLICY = '/usr/sbin/policy-rc.d'

/** No service starts by being installed: the tests have their own. */
function withoutServices(work: () => void): void {
  const isOurs = !existsSync(POLICY)
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    work()
  } finally {
    if (isOurs) rmSync(POLICY)
  }
}

/** What the server signs ed25519 accounts in with. Its package starts a service, so the file alone is taken from it. */
const PLUGIN = '/usr/lib/mysql/plugin/auth_ed25519.so'

function installPlugin(): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'plugin-'))
  try {
    // apt downloads as an account of its own.
    chmodSync(folder, 0o777)
    const steps = `cd '${folder}' && apt-get -q download mariadb-server && dpkg-deb -x mariadb-server_*.deb x && mkdir -p '${path.dirname(PLUGIN)}' && cp x${PLUGIN} '${PLUGIN}'`
    spawnSync('sh', ['-c', steps], { stdio: 'ignore' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

let needed = missing()
if (needed.length > 0 && process.getuid?.() === 0 && findProgram('apt-get') !== null) {
  install(needed)
  needed = missing()
}
// Without it one test file is skipped.
if (process.getuid?.() === 0 && findProgram('apt-get') !== null && !existsSync(PLUGIN)) installPlugin()
const optional = needed.filter(({ brew }) => brew === null)
needed = needed.filter(({ brew }) => brew !== null)
if (optional.length > 0) {
  process.stdout.write(
    `Skipped are the tests that need: ${optional.map(({ programs }) => programs[0]).join(', ')} ` +
      `(Debian: apt-get install ${packages('apt', optional).join(' ')})\n`,
  )
}
if (needed.length > 0) {
  const programs = needed.map((need) => need.programs[0]).join(', ')
  process.stderr.write(
    `The tests need programs that are not on this machine: ${programs}\n` +
      `  Debian, Ubuntu:  apt-get install ${packages('apt', needed).join(' ')}\n` +
      `  macOS:           brew install ${packages('brew', needed).join(' ')}\n` +
      '  Windows:         npm run test:unit runs the tests that need none of them\n',
  )
  process.exitCode = 1
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Folders of tests that ended without removing them. No test takes a day. */
async function removeLeftovers(): Promise<void> {
  for (const name of globSync(['mdb-*', 'dicom-backup-test-*', 'dicom-backup-bench-*'], { cwd: os.tmpdir() })) {
    const folder = path.join(os.tmpdir(), name)
    const { uid, mtimeMs } = lstatSync(folder)
    const isOurs = process.getuid === undefined || uid === process.getuid()
    if (isOurs && Date.now() - mtimeMs > DAY_MS) await rm(folder, { recursive: true, force: true })
  }
}

if (needed.length === 0) await Promise.all([mariaDbTemplate(), builtProgram(), removeLeftovers()])
