/** The lock that machines with the same tables share. Two folders stand for two machines. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MysqlState } from '../../../../src/stages/state/mysql/mysql-state.ts'
import { takeServerLock } from '../../../../src/stages/state/mysql/server-lock.ts'
import { databaseConfig, startMariaDb, type MariaDb } from '../../../support/mariadb.ts'
import { mysqlPlace, type MysqlPlace } from '../../../support/mysql-state.ts'
import { tempFolder } from '../../../support/temp-folder.ts'

const QUICK_MS = 20

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

const elsewhere = async (t: TestContext, place: MysqlPlace): Promise<MysqlState> =>
  place.open({ state: { dir: await tempFolder(t) } })

/** The connection that has the lock, once there is one. */
async function holder({ name }: MysqlPlace, other?: string): Promise<string> {
  for (;;) {
    const [row] = await server.query(`SELECT IS_USED_LOCK('dicom-backup:${name}') AS id`)
    const id = row?.['id'] == null ? null : String(row['id'])
    if (id !== null && id !== other) return id
    await sleep(5)
  }
}

/** The session in the database that is in this state, once there is one. */
async function sessionIn({ name }: MysqlPlace, state: string): Promise<string> {
  for (;;) {
    const [row] = await server.query(
      `SELECT id FROM information_schema.processlist WHERE db = '${name}' AND state = '${state}'`,
    )
    if (row?.['id'] != null) return String(row['id'])
    await sleep(5)
  }
}

test('is one for two machines, and tells who has it since when', async (t) => {
  const place = await mysqlPlace(t, server)
  const [one, two] = [await place.open(), await elsewhere(t, place)]
  const lock = await one.lock()
  await assert.rejects(two.lock(), {
    code: 'E_LOCKED',
    message: /^Another backup run is active \(process \d+ on \S+, since \d{4}-\d\d-\d\dT[\d:]+[+-]\d\d:\d\d\)\.$/,
  })
  assert.notEqual((await two.activeRun())?.since ?? null, null)
  await lock.release()
  assert.equal(await two.activeRun(), null)
  const again = await two.lock()
  await assert.rejects(one.lock(), { code: 'E_LOCKED' })
  // The folder's own lock was given back.
  await again.release()
  await (await one.lock()).release()
})

test("is not another database's, however long the names are", async (t) => {
  const long = 'x'.repeat(63)
  const databases = [`${long}1`, `${long}2`, 'state_short']
  const locks = []
  for (const name of databases) {
    await server.query(`CREATE DATABASE ${name}`)
    const place = await mysqlPlace(t, server)
    const state = await place.open({ database: databaseConfig(server, name) })
    locks.push(await state.lock())
    const other = await place.open({ database: databaseConfig(server, name), state: { dir: await tempFolder(t) } })
    await assert.rejects(other.lock(), { code: 'E_LOCKED' })
  }
  await Promise.all(locks.map((lock) => lock.release()))
})

test('that is lost with its connection is taken again at once', async (t) => {
  const place = await mysqlPlace(t, server)
  const other = await elsewhere(t, place)
  const lock = await takeServerLock(place.config.database)
  let connection = await holder(place)
  for (let n = 0; n < 3; n += 1) {
    await server.query(`KILL ${connection}`)
    connection = await holder(place, connection)
    // Not before it has told who it is.
    while ((await other.activeRun())?.since == null) await sleep(5)
  }
  await assert.rejects(other.lock(), { code: 'E_LOCKED', message: new RegExp(`process ${process.pid} on `) })
  assert.equal(lock.lost.aborted, false)
  await lock.release()
  await (await other.lock()).release()
})

test('that another run has when it is to be taken again is lost, and says who has it', async (t) => {
  const place = await mysqlPlace(t, server)
  await place.open()
  const lock = await takeServerLock(place.config.database, QUICK_MS)
  const name = `dicom-backup:${place.name}`
  // Another machine is quicker: a session that waits for the lock gets it when the connection is gone.
  const connection = await holder(place)
  const waiting = place.query(`
    SELECT GET_LOCK('${name}', 30);
    REPLACE INTO dicom_backup_lock VALUES (1, 'other', CONNECTION_ID(), 'other-host', 77, '2026-11-23T12:00:00+01:00');
    DO SLEEP(3600)`)
  await sessionIn(place, 'User lock')
  await server.query(`KILL ${connection}`)
  if (!lock.lost.aborted) await once(lock.lost, 'abort')
  const reason = lock.lost.reason as { code: string; message: string }
  assert.equal(reason.code, 'E_LOCKED')
  assert.match(
    reason.message,
    /another backup run has started meanwhile \(process 77 on other-host, since 2026-11-23T12/,
  )
  await lock.release()
  const ended = assert.rejects(waiting)
  await server.query(`KILL ${await sessionIn(place, 'User sleep')}`)
  await ended
})

test('is given back while the server cannot be reached, and ends the waiting for it', async (t) => {
  const own = await startMariaDb()
  t.after(() => own.close())
  const place = await mysqlPlace(t, own)
  await place.open()
  const lock = await takeServerLock(place.config.database, QUICK_MS)
  await own.close()
  await sleep(300)
  assert.equal(lock.lost.aborted, false, 'a server that is down is no other run')
  await lock.release()
})

test('is taken as E_STATE when it cannot be taken for another reason', async (t) => {
  const place = await mysqlPlace(t, server)
  const state = await place.open()
  await place.query('DROP TABLE dicom_backup_lock')
  await assert.rejects(state.lock(), { code: 'E_STATE', message: /dicom_backup_lock/ })
  await place.open()
  await (await state.lock()).release()
})
