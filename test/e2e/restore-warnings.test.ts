/** What a run knew to be missing in its dump is known on the day of the restore. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RestoreResult, VerifyResult } from '../../src/stages/contract/results.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, onlyNas } from '../support/rig.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
  await server.query(
    `CREATE DATABASE viewer; CREATE TABLE viewer.t (a INT); CREATE PROCEDURE viewer.p() SELECT 1;
     CREATE USER reader@localhost IDENTIFIED BY 'r'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON viewer.* TO reader@localhost`,
  )
})
after(() => server.close())

test('a dump without its routines is told by restore, restore --list and verify --restore-test', async (t) => {
  const database = { socket: server.socket, name: 'viewer', user: 'reader', password: 'r' }
  const rig = await makeRig(t, { ...onlyNas, database })
  await rig.put('a.dcm', Buffer.from('x'))
  assert.equal((await rig.run()).code, 3)
  await rig.configure({ ...onlyNas, database: { ...database, user: server.user, password: server.password } })

  const list = await rig.cli('restore', '--list', '--json')
  const { head } = JSON.parse(list.stdout) as { head: { database: { lacks: { code: string; message: string }[] } } }
  assert.deepEqual(
    head.database.lacks.map(({ code }) => code),
    ['dump-privileges'],
  )
  assert.match((await rig.cli('restore', '--list')).stdout, /procedures and functions\s.*left out/s)

  const restored = await rig.cli('restore', '--database', 'copy', '--json')
  assert.equal(restored.code, 3)
  assert.deepEqual((JSON.parse(restored.stdout) as RestoreResult).warnings, head.database.lacks)
  const people = await rig.cli('restore', '--database', 'copy', '--overwrite')
  assert.match(people.stdout, /Restored with warnings.*procedures and functions\s.*left out/s)

  const verified = await rig.cli('verify', '--restore-test', '--json')
  const { ok, checks } = JSON.parse(verified.stdout) as VerifyResult
  assert.deepEqual([verified.code, ok, checks[0]?.warnings], [3, true, head.database.lacks])
})
