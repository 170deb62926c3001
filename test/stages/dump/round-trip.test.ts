import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import test, { after, before } from 'node:test'
import type { DatabaseConfig } from '../../../src/stages/config/types.ts'
import { dumpDatabase, type DumpSummary } from '../../../src/stages/dump/dump.ts'
import { databaseConfig, startMariaDb, type MariaDb } from '../../support/mariadb.ts'
import { createViewerDatabase, type ViewerDatabase } from '../../support/viewer-database.ts'

let server: MariaDb
let viewer: ViewerDatabase
let folder: string

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'dump-'))
  server = await startMariaDb({ tcp: true })
  viewer = await createViewerDatabase(server, { patients: 60 })
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

async function dumped(database: DatabaseConfig): Promise<{ bytes: Buffer; summary: DumpSummary | null }> {
  const dump = dumpDatabase(database, { folder, signal: new AbortController().signal })
  const chunks: Buffer[] = []
  for await (const chunk of dump) {
    assert.equal(dump.summary, null)
    chunks.push(chunk)
  }
  return { bytes: Buffer.concat(chunks), summary: dump.summary }
}

const definitions: Readonly<Record<string, string>> = {
  TABLE:
    "SELECT table_name AS n FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  VIEW: 'SELECT table_name AS n FROM information_schema.views WHERE table_schema = DATABASE()',
  TRIGGER: 'SELECT trigger_name AS n FROM information_schema.triggers WHERE trigger_schema = DATABASE()',
  PROCEDURE:
    "SELECT routine_name AS n FROM information_schema.routines WHERE routine_schema = DATABASE() AND routine_type = 'PROCEDURE'",
  FUNCTION:
    "SELECT routine_name AS n FROM information_schema.routines WHERE routine_schema = DATABASE() AND routine_type = 'FUNCTION'",
  EVENT: 'SELECT event_name AS n FROM information_schema.events WHERE event_schema = DATABASE()',
}

/** Everything in a database: each object's definition, each table's checksum. */
async function contents(name: string): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const [kind, names] of Object.entries(definitions)) {
    for (const { n } of await server.query(`${names} ORDER BY n`, name)) {
      const [shown] = await server.query(`SHOW CREATE ${kind} \`${String(n)}\``, name)
      found.set(`${kind} ${String(n)}`, { ...shown, Created: undefined })
      if (kind !== 'TABLE') continue
      const [sum] = await server.query(`CHECKSUM TABLE \`${String(n)}\` EXTENDED`, name)
      found.set(`rows of ${String(n)}`, sum?.['Checksum'])
    }
  }
  return found
}

async function emptied(name: string): Promise<void> {
  await server.query(
    `DROP DATABASE \`${name}\`; CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`,
  )
}

test('a dump loads back into an empty database with every row and object as it was', async () => {
  const before = await contents(viewer.name)
  const wanted = { TABLE: 9, rows: 9, VIEW: 2, TRIGGER: 2, PROCEDURE: 1, FUNCTION: 1, EVENT: 1 }
  for (const [kind, count] of Object.entries(wanted)) {
    assert.equal([...before.keys()].filter((key) => key.startsWith(`${kind} `)).length, count, kind)
  }
  for (const socket of [null, server.socket]) {
    const { bytes, summary } = await dumped(databaseConfig(server, viewer.name, { socket }))
    assert.deepEqual(summary?.tableNames, viewer.tables)
    assert.equal(summary.tables, viewer.tables.length)
    assert.equal(summary.bytes, bytes.length)
    assert.match(summary.client, /^mariadb-dump \d/)
    for (const name of viewer.patientNames.slice(0, 3)) assert.ok(bytes.includes(name.replaceAll("'", "\\'")), name)
    await emptied(viewer.name)
    await server.load(viewer.name, bytes)
    assert.deepEqual(await contents(viewer.name), before)
  }
})

test('an empty database gives a whole dump with no tables', async () => {
  await server.query('CREATE DATABASE nothing_in_it')
  const { bytes, summary } = await dumped(databaseConfig(server, 'nothing_in_it'))
  assert.equal(summary?.tables, 0)
  assert.equal(summary.bytes, bytes.length)
  await server.load('nothing_in_it', bytes)
})

test('a database with an odd name is dumped', async () => {
  for (const name of ['--help', 'zwei Wörter', 'quo`te']) {
    await server.query(
      `CREATE DATABASE \`${name.replaceAll('`', '``')}\`; CREATE TABLE \`${name.replaceAll('`', '``')}\`.t (a INT)`,
    )
    const { summary } = await dumped(databaseConfig(server, name))
    assert.deepEqual(summary?.tableNames, ['t'], name)
  }
})

test("what the machine's and the user's option files say does not spoil the dump", async (t) => {
  const { HOME, MYSQL_HOME } = process.env
  t.after(() => {
    process.env['HOME'] = HOME
    if (MYSQL_HOME === undefined) delete process.env['MYSQL_HOME']
    else process.env['MYSQL_HOME'] = MYSQL_HOME
  })
  const before = await contents(viewer.name)
  const plain = await dumped(databaseConfig(server, viewer.name))

  process.env['MYSQL_HOME'] = path.join(folder, 'machine')
  process.env['HOME'] = path.join(folder, 'user')
  await mkdir(process.env['MYSQL_HOME'])
  await mkdir(process.env['HOME'])
  await writeFile(
    path.join(process.env['MYSQL_HOME'], 'my.cnf'),
    [
      '[client]',
      'user=somebody',
      'password=something',
      'port=1',
      'socket=/nowhere',
      '[mysqldump]',
      ...['compact', 'skip-comments', 'skip-opt', 'skip-triggers', 'no-data', 'no-create-info', 'skip-hex-blob'],
      'default-character-set=latin1',
      'max-allowed-packet=64K',
    ].join('\n'),
  )
  await writeFile(path.join(process.env['HOME'], '.my.cnf'), '[client]\nuser=nobody\npassword="not the one"\n')
  for (const socket of [null, server.socket]) {
    const { bytes, summary } = await dumped(databaseConfig(server, viewer.name, { socket }))
    assert.deepEqual(summary?.tableNames, plain.summary?.tableNames)
    await emptied(viewer.name)
    await server.load(viewer.name, bytes)
    assert.deepEqual(await contents(viewer.name), before)
  }
})

test('the dump is one consistent picture though rows are written meanwhile', async () => {
  await server.query('CREATE DATABASE busy')
  await server.query(
    `CREATE TABLE a (id INT PRIMARY KEY, filler LONGBLOB) ENGINE=InnoDB;
     CREATE TABLE z (id INT PRIMARY KEY) ENGINE=InnoDB;
     INSERT INTO a SELECT seq, REPEAT('x', 500000) FROM seq_1_to_16;
     INSERT INTO z VALUES (1)`,
    'busy',
  )
  const dump = dumpDatabase(databaseConfig(server, 'busy'), { folder, signal: new AbortController().signal })
  const chunks: Buffer[] = []
  for await (const chunk of dump) {
    // The program is held back in the middle of table a; z comes later.
    if (chunks.length === 0) await server.query('INSERT INTO z VALUES (2)', 'busy')
    chunks.push(chunk)
  }
  await emptied('busy')
  await server.load('busy', Buffer.concat(chunks))
  assert.deepEqual(await server.query('SELECT id FROM z', 'busy'), [{ id: 1 }])
})
