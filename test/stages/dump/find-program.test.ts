import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { beforeEach, afterEach } from 'node:test'
import { findDumpProgram, type Machine } from '../../../src/stages/dump/find-program.ts'
import { notOnWindows } from '../../support/on-windows.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'find-'))
})
afterEach(() => rm(root, { recursive: true }))

/** Puts programs below the folder that stands for the drive, and returns the first one's path. */
async function put(...names: string[]): Promise<string> {
  for (const name of names) {
    const file = path.join(root, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, '')
    await chmod(file, 0o755)
  }
  return path.join(root, names[0]!)
}

const windows = (...folders: string[]): Machine => ({
  platform: 'win32',
  path: folders.map((folder) => path.join(root, folder)).join(';'),
  root,
})
/** Of a PATH of Linux. */
const COLONS = notOnWindows('its paths have colons in them')

const linux = (...folders: string[]): Machine => ({
  platform: 'linux',
  path: folders.map((folder) => path.join(root, folder)).join(':'),
  root,
})

test('PATH is looked through for mysqldump, and only then for mariadb-dump', { skip: COLONS }, async () => {
  const mariadb = await put('a/mariadb-dump')
  assert.equal(await findDumpProgram(null, linux('empty', 'a')), mariadb)
  const mysql = await put('b/mysqldump')
  assert.equal(await findDumpProgram(null, linux('a', 'b')), mysql)
})

test('on Windows the programs end with .exe and folders of PATH may stand in quotes', async () => {
  await put('a/mysqldump')
  const program = await put('b c/mysqldump.exe')
  assert.equal(await findDumpProgram(null, windows('a', 'b c')), program)
  const quoted = { ...windows(), path: `"${path.join(root, 'b c')}";` }
  assert.equal(await findDumpProgram(null, quoted), program)
  assert.equal(await findDumpProgram('mysqldump', quoted), program)
  assert.equal(await findDumpProgram('mysqldump.exe', quoted), program)
})

test('on Windows the places of XAMPP, WAMP, Laragon, MySQL and MariaDB are searched', async () => {
  for (const place of [
    'xampp/mysql/bin/mysqldump.exe',
    'wamp64/bin/mysql/mysql8.0.31/bin/mysqldump.exe',
    'wamp64/bin/mariadb/mariadb10.6.5/bin/mariadb-dump.exe',
    'laragon/bin/mysql/mysql-8.0.30-winx64/bin/mysqldump.exe',
    'laragon/bin/mariadb/mariadb-11.2.2-winx64/bin/mysqldump.exe',
    'Program Files/MySQL/MySQL Server 8.0/bin/mysqldump.exe',
    'Program Files (x86)/MySQL/MySQL Server 5.7/bin/mysqldump.exe',
    'Program Files/MariaDB 10.11/bin/mariadb-dump.exe',
  ]) {
    const program = await put(place)
    assert.equal(await findDumpProgram(null, windows('nothing here')), program)
    await rm(program)
  }
})

test('of several versions the newest is taken', async () => {
  const [older, newest, oldest] = ['mysql8.0.31', 'mysql10.2.1', 'mysql5.7.40'].map(
    (version) => `wamp64/bin/mysql/${version}/bin/mysqldump.exe`,
  )
  await put(older!, newest!, oldest!)
  assert.equal(await findDumpProgram(null, windows()), path.join(root, newest!))
  await put(
    'Program Files/MySQL/MySQL Server 8.4/bin/mysqldump.exe',
    'Program Files/MySQL/MySQL Server 8.0/bin/mysqldump.exe',
  )
  await rm(path.join(root, 'wamp64'), { recursive: true })
  assert.match(await findDumpProgram(null, windows()), /8\.4/)
})

test("XAMPP's place on Linux is found though a scheduler's PATH does not have it", async () => {
  const program = await put('opt/lampp/bin/mysqldump')
  assert.equal(await findDumpProgram(null, linux('usr/bin')), program)
})

test('where there is none, the places searched are told', { skip: COLONS }, async () => {
  await mkdir(path.join(root, 'bin/mysqldump'), { recursive: true })
  const notForUse = await put('opt/lampp/bin/mysqldump')
  await chmod(notForUse, 0o644)
  await assert.rejects(findDumpProgram(null, linux('bin')), {
    code: 'E_DUMP',
    message: /neither mysqldump nor mariadb-dump is in PATH or in .*opt\/lampp\/bin/,
    advice: /dumpCommand/,
  })
  await assert.rejects(findDumpProgram(null, windows('bin')), {
    code: 'E_DUMP',
    message: /xampp.*wamp64.*laragon.*MariaDB/,
  })
})

test('a command that is named is the only one looked for', { skip: COLONS }, async () => {
  await put('bin/mysqldump')
  const own = await put('bin/own-dump')
  assert.equal(await findDumpProgram('own-dump', linux('bin')), own)
  assert.equal(await findDumpProgram(own, linux()), own)
  await assert.rejects(findDumpProgram('no-dump', linux('bin')), {
    code: 'E_DUMP',
    message: /no-dump is not in any folder of PATH/,
  })
  const gone = path.join(root, 'bin/gone')
  await assert.rejects(findDumpProgram(gone, linux('bin')), {
    code: 'E_DUMP',
    message: /gone does not exist or cannot be executed/,
  })
})
