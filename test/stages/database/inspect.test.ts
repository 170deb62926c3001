import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { inspectDatabase } from '../../../src/stages/database/inspect.ts'
import { dumpDatabase } from '../../../src/stages/dump/dump.ts'
import { databaseConfig, startMariaDb, type MariaDb } from '../../support/mariadb.ts'
import { createViewerDatabase, type ViewerDatabase } from '../../support/viewer-database.ts'

let server: MariaDb
let viewer: ViewerDatabase
let folder: string
const live = new AbortController().signal

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'dump-'))
  server = await startMariaDb({ tcp: true })
  viewer = await createViewerDatabase(server)
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

test('a database is described: version, tables, size', async () => {
  await server.query('ANALYZE TABLE attachments', viewer.name) // the server's statistics follow later by themselves
  for (const socket of [null, server.socket]) {
    const found = await inspectDatabase(databaseConfig(server, viewer.name, { socket }), live)
    const [about] = await server.query('SELECT VERSION() AS v')
    assert.equal(found.version, about?.['v'])
    assert.equal(found.flavour, 'mariadb')
    assert.equal(found.tables, viewer.tables.length)
    assert.ok(found.estimatedBytes >= 262_144, 'the blob alone has as much')
    assert.ok(found.estimatedBytes < 20_000_000)
    assert.deepEqual(found.nonTransactional, [])
    assert.deepEqual(found.missingPrivileges, [])
  }
})

test('an empty database has no tables and no bytes', async () => {
  await server.query('CREATE DATABASE empty_one')
  const found = await inspectDatabase(databaseConfig(server, 'empty_one'), live)
  assert.equal(found.tables, 0)
  assert.equal(found.estimatedBytes, 0)
})

test('tables without transactions are named, and versioned tables are tables', async () => {
  await server.query('CREATE DATABASE mixed')
  await server.query(
    `CREATE TABLE safe (a INT) ENGINE=InnoDB; CREATE TABLE old_one (a INT) ENGINE=MyISAM; CREATE TABLE other (a INT) ENGINE=Aria;
     CREATE TABLE versioned (a INT) ENGINE=InnoDB WITH SYSTEM VERSIONING; CREATE VIEW v AS SELECT * FROM safe; CREATE SEQUENCE s`,
    'mixed',
  )
  const found = await inspectDatabase(databaseConfig(server, 'mixed'), live)
  assert.deepEqual(found.nonTransactional, ['old_one', 'other'])
  assert.equal(found.tables, 4)
  const dump = dumpDatabase(databaseConfig(server, 'mixed'), { folder, signal: live })
  for await (const _ of dump);
  assert.equal(dump.summary?.tables, 4, 'as many as the dump has')
})

test('each missing privilege is named, and its statement mends it', async () => {
  await server.query(
    "CREATE USER `back'up`@'127.0.0.%' IDENTIFIED BY 'x'; GRANT INSERT ON dicom_viewer.* TO `back'up`@'127.0.0.%'",
  )
  const config = databaseConfig(server, viewer.name, { user: "back'up", password: 'x' })
  const missing = async (): Promise<string[]> =>
    (await inspectDatabase(config, live)).missingPrivileges.map((lack) => lack.privilege)
  assert.deepEqual(await missing(), ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT', 'SELECT'])
  for (let left = 5; left > 0; left--) {
    const { missingPrivileges } = await inspectDatabase(config, live)
    assert.equal(missingPrivileges.length, left)
    await server.query(missingPrivileges[0]!.grant)
  }
  assert.deepEqual(await missing(), [])

  const chunks: Buffer[] = []
  for await (const chunk of dumpDatabase(config, { folder, signal: live })) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('latin1')
  for (const object of [
    'VIEW `worklist`',
    'TRIGGER log_new_patient',
    'EVENT `tidy_audit_log`',
    'PROCEDURE `forget_patient`',
    'FUNCTION `family_of`',
  ]) {
    assert.ok(text.includes(object), object)
  }
})

test('an account that owns the database has nothing missing, until there is a routine of another', async () => {
  await server.query(
    "CREATE DATABASE owned; CREATE USER owner@'%' IDENTIFIED BY 'x'; GRANT ALL ON owned.* TO owner@'%'",
  )
  const config = databaseConfig(server, 'owned', { user: 'owner', password: 'x' })
  assert.deepEqual((await inspectDatabase(config, live)).missingPrivileges, [])
  await server.query("CREATE DEFINER=owner@'%' PROCEDURE own() SELECT 1", 'owned')
  assert.deepEqual((await inspectDatabase(config, live)).missingPrivileges, [])
  await server.query('CREATE DEFINER=root@localhost PROCEDURE foreign_one() SELECT 1', 'owned')
  const [lack] = (await inspectDatabase(config, live)).missingPrivileges
  assert.equal(lack?.grant, 'GRANT SELECT ON `mysql`.`proc` TO `owner`@`%`;')
  await assert.rejects(
    async () => {
      for await (const _ of dumpDatabase(config, { folder, signal: live }));
    },
    { message: /insufficient privileges to SHOW CREATE PROCEDURE `foreign_one`/i },
  )
})

test('a privilege that comes by the default role counts', async () => {
  await server.query(
    "CREATE ROLE dumping; GRANT ALL ON *.* TO dumping; CREATE USER by_role@'%' IDENTIFIED BY 'x'; GRANT dumping TO by_role@'%'; SET DEFAULT ROLE dumping FOR by_role@'%'",
  )
  const found = await inspectDatabase(databaseConfig(server, viewer.name, { user: 'by_role', password: 'x' }), live)
  assert.deepEqual(found.missingPrivileges, [])
})

test('what is wrong with the sign-in is told with its key, and without the password', async () => {
  const config = databaseConfig(server, viewer.name)
  await assert.rejects(inspectDatabase({ ...config, password: 'certainly wrong' }, live), (error: Error) => {
    assert.doesNotMatch(error.message, /certainly wrong/)
    assert.equal('code' in error && error.code, 'E_AUTH')
    assert.match(error.message, /database dicom_viewer at 127\.0\.0\.1:\d+ cannot be used: Access denied/)
    return true
  })
  await assert.rejects(inspectDatabase({ ...config, name: 'none' }, live), {
    code: 'E_DUMP',
    message: /Unknown database 'none'/,
    advice: /database\.name/,
  })
  await assert.rejects(inspectDatabase({ ...config, socket: '/no/socket' }, live), {
    code: 'E_DUMP',
    message: /\/no\/socket cannot be used/,
    advice: /database\.socket/,
  })
  await assert.rejects(inspectDatabase({ ...config, host: 'no-such-host.invalid' }, live), {
    code: 'E_DUMP',
    message: /no-such-host/,
    advice: /database\.host/,
  })

  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as { port: number }
  closed.close()
  await once(closed, 'close')
  await assert.rejects(inspectDatabase({ ...config, port }, live), {
    code: 'E_DUMP',
    message: /ECONNREFUSED/,
    advice: /server is running/,
  })
})

test(
  'an abort ends the wait for a server that says nothing, and the connection is closed',
  { timeout: 600_000 },
  async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => void sockets.push(socket.resume().on('error', () => undefined))).listen(
      0,
      '127.0.0.1',
    )
    await once(silent, 'listening')
    const stop = new AbortController()
    const { port } = silent.address() as { port: number }
    const waiting = inspectDatabase(databaseConfig(server, viewer.name, { port }), stop.signal)
    await once(silent, 'connection')
    stop.abort()
    await assert.rejects(waiting, { code: 'E_ABORTED' })
    if (sockets[0]?.closed === false) await once(sockets[0], 'close')
    silent.close()
    await assert.rejects(inspectDatabase(databaseConfig(server, viewer.name), stop.signal), { code: 'E_ABORTED' })
  },
)

test('a server that answers in another language than its own is told as E_DUMP', async () => {
  const other = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.2\r\n')).listen(
    0,
    '127.0.0.1',
  )
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await assert.rejects(inspectDatabase(databaseConfig(server, viewer.name, { port }), live), { code: 'E_DUMP' })
  other.close()
})

test('no connection is left open', async () => {
  const config = databaseConfig(server, viewer.name)
  await inspectDatabase(config, live)
  await inspectDatabase({ ...config, name: 'none' }, live).catch(() => undefined)
  let open = -1
  while (open !== 0) {
    const [row] = await server.query("SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user = 'tests'")
    open = Number(row?.['n'])
  }
})
