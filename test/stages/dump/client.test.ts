import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { dumpArguments } from '../../../src/stages/dump/arguments.ts'
import { identifyClient, optionsIn, parseVersion, type DumpClient } from '../../../src/stages/dump/client.ts'
import type { DatabaseConfig } from '../../../src/stages/config/types.ts'
import { findProgram } from '../../support/mariadb.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const database: DatabaseConfig = {
  host: 'db.hospital.example',
  port: 3307,
  socket: null,
  user: 'the user',
  password: 'the password',
  name: 'viewer',
  dumpCommand: null,
}
const live = new AbortController().signal

test('every form of the version line is read', () => {
  const lines: [string, string, string][] = [
    ['mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)', 'mysql', 'mysqldump 8.0.36'],
    ['mysqldump  Ver 8.0.36-28 for Linux on x86_64 (Percona Server (GPL), Release 28)', 'mysql', 'mysqldump 8.0.36'],
    ['mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)', 'mysql', 'mysqldump 5.7.44'],
    ['C:\\Program Files\\MySQL\\bin\\mysqldump.exe  Ver 9.1.0 for Win64 on x86_64', 'mysql', 'mysqldump 9.1.0'],
    [
      '/usr/bin/mysqldump  Ver 10.19 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)',
      'mariadb',
      'mariadb-dump 10.11.6',
    ],
    ['mysqldump.exe  Ver 10.19 Distrib 10.4.32-MariaDB, for Win64 (AMD64)', 'mariadb', 'mariadb-dump 10.4.32'],
    ['mariadb-dump from 11.4.2-MariaDB, client 10.19 for debian-linux-gnu (x86_64)', 'mariadb', 'mariadb-dump 11.4.2'],
    [
      'mysqldump: Deprecated program name.\nmysqldump from 11.8.1-MariaDB, client 10.19 for Linux (x86_64)\n',
      'mariadb',
      'mariadb-dump 11.8.1',
    ],
  ]
  for (const [line, flavour, name] of lines) {
    const read = parseVersion(line)
    assert.equal(read?.flavour, flavour, line)
    assert.equal(read.name, name)
  }
  for (const other of ['', 'GNU tar 1.34', 'mysql  Ver 8.0.36 for Linux', 'mysqldump  Ver unknown']) {
    assert.equal(parseVersion(other), null, other)
  }
})

test("this machine's own dump program says what it is", async () => {
  const own = await identifyClient(findProgram('mariadb-dump') ?? '', live)
  assert.equal(own.flavour, 'mariadb')
  assert.match(own.name, /^mariadb-dump \d+\.\d+\.\d+$/)
})

test('a program that is no dump program, or does not run, is told as E_DUMP by its path', async (t) => {
  const folder = await tempFolder(t)
  const failing = path.join(folder, 'failing')
  await writeFile(failing, '#!/bin/sh\necho the library libfoo is missing >&2\nexit 127\n')
  await chmod(failing, 0o755)
  const other = path.join(folder, 'other')
  await writeFile(other, '#!/bin/sh\necho other 1.2.3\n')
  await chmod(other, 0o755)

  await assert.rejects(identifyClient(failing, live), {
    code: 'E_DUMP',
    message: /failing does not run: .*libfoo is missing/,
  })
  await assert.rejects(identifyClient(other, live), {
    code: 'E_DUMP',
    message: /other is not mysqldump or mariadb-dump/,
  })
  await assert.rejects(identifyClient(path.join(folder, 'none'), live), {
    code: 'E_DUMP',
    message: /none does not run: .*ENOENT/,
  })
  await assert.rejects(identifyClient(failing, AbortSignal.abort()), { code: 'E_ABORTED' })
})

const NOTHING = { history: false }
const client = (...options: string[]): DumpClient => ({
  program: 'x',
  name: 'x',
  flavour: 'mysql',
  version: [8, 0, 36],
  options: new Set(options),
})

test('options that not every program knows go to those whose own help lists them', () => {
  const own = (options: readonly string[], history = false): string[] =>
    dumpArguments(client(...options), database, '/f', { history }).filter((arg) => /gtid|column|history/.test(arg))
  assert.deepEqual(own([]), [])
  assert.deepEqual(own(['set-gtid-purged']), ['--set-gtid-purged=OFF'])
  assert.deepEqual(own(['set-gtid-purged', 'column-statistics']), ['--set-gtid-purged=OFF', '--column-statistics=0'])
  assert.deepEqual(own(['dump-history']), [], 'nothing has a history')
  assert.deepEqual(own(['dump-history'], true), ['--dump-history'])
  assert.deepEqual(own([], true), [])
})

test('the options are read from the help texts of both brands', async () => {
  const mysql = `
  -A, --all-databases Dump all the databases. This will be same as --databases
                      with all databases selected.
  --set-gtid-purged[=name]
                      Add 'SET @@GLOBAL.GTID_PURGED' to the output. Use --column-statistics
  --ignore-table=name Do not dump the specified table.
Variables (--variable-name=value)
all-databases                     FALSE
`
  assert.deepEqual([...optionsIn(mysql)], ['all-databases', 'set-gtid-purged', 'ignore-table'])
  const own = await identifyClient(findProgram('mariadb-dump') ?? '', live)
  for (const option of ['single-transaction', 'ignore-table', 'hex-blob']) assert.ok(own.options.has(option), option)
  assert.equal(own.options.has('set-gtid-purged'), false)
})

test('a program that gives no help is asked for nothing special', async (t) => {
  const file = path.join(await tempFolder(t), 'terse')
  await writeFile(file, '#!/bin/sh\n[ "$2" = --version ] && echo "mysqldump  Ver 8.0.36 for Linux on x86_64"\n')
  await chmod(file, 0o755)
  assert.deepEqual([...(await identifyClient(file, live)).options], [])
})

test('the option file comes first, the database last, and no argument has the user or the password', () => {
  for (const where of [{}, { socket: '/run/mysqld/mysqld.sock' }]) {
    const args = dumpArguments(client(), { ...database, ...where }, '/f.cnf', NOTHING)
    assert.equal(args[0], '--defaults-extra-file=/f.cnf')
    assert.deepEqual(args.slice(-2), ['--', 'viewer'])
    assert.ok(!args.join(' ').includes('the '))
    assert.deepEqual(
      args.filter((arg) => /^--(?:protocol|host|port|socket)=/.test(arg)),
      'socket' in where
        ? ['--protocol=socket', '--socket=/run/mysqld/mysqld.sock']
        : ['--protocol=tcp', '--host=db.hospital.example', '--port=3307'],
    )
  }
})
