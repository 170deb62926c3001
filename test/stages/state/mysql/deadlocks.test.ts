/** Other programs lock the tables too: the viewer's pages, and machines with the same tables. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSession, type Session } from '../../../../src/stages/state/mysql/connection.ts'
import { at, record } from '../../../conformance/state.ts'
import { startMariaDb, type MariaDb } from '../../../support/mariadb.ts'
import { mysqlPlace, type MysqlPlace } from '../../../support/mysql-state.ts'
import { VIEWER_TABLES } from '../../../support/viewer-database.ts'

/** More than any number of tries that somebody would think of at first. */
const DEADLOCKS = 8
const ROWS = 200

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

async function otherProgram(t: TestContext, place: MysqlPlace): Promise<Session> {
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  return (await openSession(place.config.database, (socket) => sockets.push(socket))).session
}

/** Once so many sessions wait for the schedule's row. */
async function waiting(count: number): Promise<void> {
  const sql =
    "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info LIKE 'UPDATE backup_schedule_config %'"
  while (Number((await server.query(sql))[0]?.['n']) < count) await sleep(5)
}

/** A transaction with more to undo than ours, so that the server ends ours when the two block each other. */
async function lockSchedule(session: Session): Promise<void> {
  await session.write('START TRANSACTION')
  await session.write(`INSERT INTO others SELECT seq, 'x' FROM seq_1_to_${ROWS} ON DUPLICATE KEY UPDATE words = UUID()`)
  await session.write('UPDATE backup_schedule_config SET interval_hours = interval_hours + 1')
}

test('a run is saved however often its transaction is ended as one side of a deadlock', async (t) => {
  const place = await mysqlPlace(t, server)
  await place.query(`${VIEWER_TABLES}
    INSERT INTO backup_schedule_config (schedule_enabled) VALUES (1);
    CREATE TABLE others (id INT PRIMARY KEY, words VARCHAR(40)) ENGINE=InnoDB;`)
  const state = await place.open()
  const others = [await otherProgram(t, place), await otherProgram(t, place)] as const
  await lockSchedule(others[0])
  const saved = state.saveRun(record('1', { destinations: [at('nas')] }))
  const deadlocks = async (): Promise<number> =>
    Number((await server.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"))[0]?.['Value'])
  const before = await deadlocks()
  for (let n = 0; n < DEADLOCKS; n += 1) {
    const [holder, next] = n % 2 === 0 ? others : ([others[1], others[0]] as const)
    // Ours has written its run and waits for the schedule's row; behind it the next one does.
    await waiting(1)
    const queued = lockScheduleOnly(next)
    await waiting(2)
    await holder.rows('SELECT * FROM dicom_backup_runs FOR UPDATE')
    await holder.write('COMMIT')
    await queued
  }
  await others[DEADLOCKS % 2 === 0 ? 0 : 1].write('COMMIT')
  await saved
  assert.ok((await deadlocks()) - before >= DEADLOCKS)
  assert.equal((await state.history(5)).length, 1)
  assert.equal(await state.copies(), 1)
})

/** As `lockSchedule`, but its own rows come after: it would wait for the other's. */
async function lockScheduleOnly(session: Session): Promise<void> {
  await session.write('START TRANSACTION')
  await session.write('UPDATE backup_schedule_config SET interval_hours = interval_hours + 1')
  await session.write(`INSERT INTO others SELECT seq, 'x' FROM seq_1_to_${ROWS} ON DUPLICATE KEY UPDATE words = UUID()`)
}
