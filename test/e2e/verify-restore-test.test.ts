/** `verify --restore-test`: the dump is loaded into a scratch database, which is gone afterwards. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import type { VerifyResult } from '../../src/stages/contract/results.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { onlyNas } from '../support/rig.ts'
import { damage, look, of, stored, WINDOWS } from '../support/verify-rig.ts'
import { createViewerDatabase, type ViewerDatabase } from '../support/viewer-database.ts'

describe('verify --restore-test', () => {
  let server: MariaDb
  let viewer: ViewerDatabase
  before(async () => {
    server = await startMariaDb()
    viewer = await createViewerDatabase(server, { patients: 40 })
  })
  after(() => server.close())
  const database = () => ({ socket: server.socket, user: server.user, password: server.password, name: viewer.name })
  const scratch = () => server.query("SHOW DATABASES LIKE 'dicom\\_backup\\_test\\_%'")

  test('loads the dump, tells tables and rows, and leaves nothing behind', async (t) => {
    const { rig } = await stored(t, { database: database() })
    const { code, stdout } = await rig.cli('verify', '--restore-test', '--json')
    assert.equal(code, 0)
    const { checks } = JSON.parse(stdout) as VerifyResult
    assert.equal(checks.length, 1)
    assert.equal(checks[0]?.method, 'restore-test')
    const rows = await server.query(
      `SELECT ${viewer.tables.map((table) => `(SELECT COUNT(*) FROM ${table})`).join('+')} AS n`,
      viewer.name,
    )
    assert.match(checks[0].detail, new RegExp(`${viewer.tables.length} tables with ${String(rows[0]?.['n'])} rows`))
    assert.deepEqual(await scratch(), [])
    const both = await look(rig, { deep: true, restoreTest: true })
    assert.deepEqual(both.checks.map(({ method }) => method).sort(), ['deep', 'deep', 'deep', 'restore-test'])
  })

  test('finds a dump that is damaged, and leaves nothing behind', async (t) => {
    const { rig, archive } = await stored(t, { database: database() })
    await damage(rig, archive, 'nas', 2000)
    const result = await look(rig, { restoreTest: true, from: 'nas' })
    assert.deepEqual([result.ok, of(result, 'nas').checked], [false, true])
    assert.deepEqual(await scratch(), [])
    assert.equal((await look(rig, { restoreTest: true, from: 'hospital-drive' })).ok, true)
  })

  test('that is stopped leaves nothing behind', { skip: WINDOWS }, async (t) => {
    await createViewerDatabase(server, { name: 'larger', patients: 3000 })
    const { rig } = await stored(t, { database: { ...database(), name: 'larger' } })
    let seen = false
    const { code } = await rig.cliWith(
      {
        onStart: (child) => {
          void (async () => {
            while (child.exitCode === null && (await scratch()).length === 0) await sleep(5)
            seen = child.exitCode === null
            child.kill('SIGINT')
          })()
        },
      },
      'verify',
      '--restore-test',
    )
    assert.ok(seen, 'it was stopped while its database was there')
    assert.equal(code, 130)
    assert.deepEqual(await scratch(), [])
  })

  test('without a server in the configuration is wrong usage; without a database in the archive, unchecked', async (t) => {
    const { rig } = await stored(t, onlyNas)
    assert.equal((await rig.cli('verify', '--restore-test')).code, 2)
    await rig.configure({ ...onlyNas, database: database() })
    const { code, stdout } = await rig.cli('verify', '--restore-test')
    assert.equal(code, 3)
    assert.match(stdout, /there is no database in it/)
  })

  test('a server that cannot be reached says nothing about the archive', async (t) => {
    const { rig } = await stored(t, { ...onlyNas, database: database() })
    await rig.configure({ ...onlyNas, database: { ...database(), socket: '/nowhere' } })
    const result = await look(rig, { restoreTest: true })
    assert.deepEqual([result.ok, of(result, 'nas').checked], [false, false])
  })
})
