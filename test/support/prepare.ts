/**
 * Makes sure that the programs the tests hold the product against are on this machine: a real MariaDB, and the unzip
 * programs people have. As root on a machine with apt the missing ones are installed; elsewhere they are named, and on
 * Windows the tests that need them are skipped. Then it makes what the tests share, and removes what tests that were killed
 * have left.
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
import { missingNeeds, type Need } from './needed-programs.ts'

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

let needed = missingNeeds()
if (needed.length > 0 && process.getuid?.() === 0 && findProgram('apt-get') !== null) {
  install(needed)
  needed = missingNeeds()
}
// Without it one test file is skipped.
if (process.getuid?.() === 0 && findProgram('apt-get') !== null && !existsSync(PLUGIN)) installPlugin()
const isWindows = process.platform === 'win32'
// Elsewhere all tests run, but for a few.
const skipped = needed.filter(({ brew }) => isWindows || brew === null)
const required = needed.filter((need) => !skipped.includes(need))
if (isWindows) {
  const names = (isPossible: boolean): string =>
    skipped
      .filter(({ notOnWindows }) => (notOnWindows === undefined) === isPossible)
      .map(({ programs }) => programs[0])
      .join(', ')
  process.stdout.write(
    `Skipped on Windows are the tests that need: ${names(false)}\n` +
      `Skipped until they are installed and in PATH are those that need: ${names(true) || 'nothing'}\n`,
  )
} else if (skipped.length > 0) {
  process.stdout.write(
    `Skipped are the tests that need: ${skipped.map(({ programs }) => programs[0]).join(', ')} ` +
      `(Debian: apt-get install ${packages('apt', skipped).join(' ')})\n`,
  )
}
if (required.length > 0) {
  const programs = required.map((need) => need.programs[0]).join(', ')
  process.stderr.write(
    `The tests need programs that are not on this machine: ${programs}\n` +
      `  Debian, Ubuntu:  apt-get install ${packages('apt', required).join(' ')}\n` +
      `  macOS:           brew install ${packages('brew', required).join(' ')}\n`,
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

if (required.length === 0) {
  await Promise.all([...(isWindows ? [] : [mariaDbTemplate()]), builtProgram(), removeLeftovers()])
}
