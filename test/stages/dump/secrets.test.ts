import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { dumpDatabase } from '../../../src/stages/dump/dump.ts'
import { databaseConfig, findProgram, startMariaDb, type MariaDb } from '../../support/mariadb.ts'
import { tempFolder } from '../../support/temp-folder.ts'

let server: MariaDb
let folder: string
const live = new AbortController().signal

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'dump-'))
  server = await startMariaDb({ tcp: true })
  await server.query('CREATE DATABASE viewer')
  await server.query(
    `CREATE TABLE t (id INT PRIMARY KEY, filler LONGBLOB) ENGINE=InnoDB;
     INSERT INTO t SELECT seq, REPEAT('x', 500000) FROM seq_1_to_8`,
    'viewer',
  )
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** The command lines and environments of this process's children. */
function whatChildrenShow(): string[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      if (!readFileSync(`/proc/${entry}/status`, 'utf8').includes(`PPid:\t${process.pid}\n`)) return []
      return [readFileSync(`/proc/${entry}/cmdline`, 'utf8') + readFileSync(`/proc/${entry}/environ`, 'utf8')]
    } catch {
      return []
    }
  })
}

test(
  "neither the program's arguments nor its environment have the password while it runs",
  { skip: process.platform === 'linux' ? false : 'there is no /proc to look into' },
  async () => {
    let looked = false
    for await (const _ of dumpDatabase(databaseConfig(server, 'viewer'), { folder, signal: live })) {
      if (looked) continue
      looked = true
      const shown = whatChildrenShow().filter((text) => text.includes('--single-transaction'))
      assert.equal(shown.length, 1)
      assert.ok(!shown[0]?.includes(server.password))
      assert.deepEqual(await readdir(folder), [], 'the option file is gone as soon as it has been read')
    }
    assert.ok(looked)
  },
)

test('the option file can be read by this user only', { skip: process.platform === 'win32' }, async (t) => {
  const own = await tempFolder(t)
  const script = path.join(own, 'dump')
  const copy = path.join(own, 'copy')
  const real = findProgram('mariadb-dump') ?? ''
  await writeFile(
    script,
    `#!/bin/sh\nif [ "$2" != --version ]; then cp -p "\${1#--defaults-extra-file=}" ${copy}; fi\nexec ${real} "$@"\n`,
  )
  await chmod(script, 0o755)
  const dump = dumpDatabase(databaseConfig(server, 'viewer', { dumpCommand: script }), { folder, signal: live })
  for await (const _ of dump);
  assert.equal((await stat(copy)).mode & 0o777, 0o600)
  assert.match(await readFile(copy, 'utf8'), /password="of the tests"/)
  assert.deepEqual(await readdir(folder), [])
})

const names = [
  ['plain', ''],
  ['spaces', ' a b  '],
  ['hash', 'a#b # c'],
  ['double quote', 'a"b'],
  ['only a double quote', '"'],
  ['single quote', "a'b"],
  ['quoted', "'a'"],
  ['double-quoted', '"a"'],
  ['quote and hash', 'a"#b\'#c'],
  ['backslash', 'a\\nb\\sc\\\\d'],
  ['backslash at the end', 'a\\'],
  ['backslash before a quote', 'a\\"b'],
  ['equals and brackets', '[client]=;x=y'],
  ['dollar', '$HOME `id` %PATH% !x'],
  ['control characters', 'a\tb\nc\rd\be\x7f'],
  ['unicode', 'Passwört 日本 🩻'],
  ['long', 'x#'.repeat(200)],
] as const

test('every password and user name reaches the server as it is', async () => {
  for (const [index, [what, text]] of names.entries()) {
    const user = text.length === 0 || text.length > 60 ? `user ${index}` : `${index}${text}`
    const quoted = [user, text].map((value) => `CONVERT(0x${Buffer.from(value).toString('hex') || '00'} USING utf8mb4)`)
    // Account names and passwords take no expressions: the statement is put together by the server.
    await server.query(
      `SET @s = CONCAT('GRANT ALL ON viewer.* TO ', QUOTE(${quoted[0]!}), '@', QUOTE('%'), ' IDENTIFIED BY ', ${text === '' ? "QUOTE('')" : `QUOTE(${quoted[1]!})`});
       EXECUTE IMMEDIATE @s`,
    )
    const config = databaseConfig(server, 'viewer', { user, password: text })
    const dump = dumpDatabase(config, { folder, signal: live })
    await assert.doesNotReject(async () => {
      for await (const _ of dump);
    }, what)
    assert.equal(dump.summary?.tables, 1, what)
    const wrong = dumpDatabase({ ...config, password: `${text}.` }, { folder, signal: live })
    await assert.rejects(
      async () => {
        for await (const _ of wrong);
      },
      { code: 'E_AUTH' },
    )
  }
})
