/** What the viewer's pages show: rows of the history, of the accounts and of the schedule; and what they held before us. */
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { Config } from '../../../../src/stages/config/types.ts'
import { whetherDue } from '../../../../src/stages/schedule/due.ts'
import type { MysqlState } from '../../../../src/stages/state/mysql/mysql-state.ts'
import { at, record } from '../../../conformance/state.ts'
import { startMariaDb, type MariaDb, type Row } from '../../../support/mariadb.ts'
import { mysqlPlace, type MysqlPlace } from '../../../support/mysql-state.ts'
import { VIEWER_TABLES } from '../../../support/viewer-database.ts'

process.env.TZ = 'Europe/Berlin'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

interface Viewer extends MysqlPlace {
  readonly state: MysqlState
  readonly history: () => Promise<unknown[][]>
  readonly accounts: () => Promise<unknown[][]>
  readonly schedule: () => Promise<unknown[]>
}

async function viewer(t: TestContext, rows = ''): Promise<Viewer> {
  const place = await mysqlPlace(t, server)
  await place.query(`${VIEWER_TABLES}
    INSERT INTO backup_accounts (account_name, backup_provider, dropbox_access_token) VALUES ('box', 'dropbox', 'sl.x');
    INSERT INTO backup_accounts (account_name) VALUES ('drive');
    ${rows}`)
  const values = async (sql: string): Promise<unknown[][]> =>
    (await place.query(sql)).map((row: Row) => Object.values(row))
  return {
    ...place,
    state: await place.open(),
    history: () =>
      values(
        'SELECT backup_filename, gdrive_file_id, backup_size_bytes, backup_date, backup_type, status, error_message FROM backup_history ORDER BY id',
      ),
    accounts: () =>
      values('SELECT account_name, last_backup_date, last_backup_status FROM backup_accounts ORDER BY id'),
    schedule: async () =>
      (
        await values(
          'SELECT schedule_enabled, interval_hours, next_backup_time, last_run_time FROM backup_schedule_config',
        )
      )[0] ?? [],
  }
}

const NAME = 'dicom_backup_2024-01-23_12-00-00.zip'
const NOON = '2024-01-23T12:00:00+01:00'
const now = new Date('2024-01-23T13:00:00+01:00')
const run = (change: Parameters<typeof record>[1]): ReturnType<typeof record> =>
  record('1', { startedAt: NOON, archive: NAME, bytes: 77, ...change })
const box = { ...at('box'), type: 'dropbox', remoteId: 'id:abc', remotePath: '/DICOM_Backups/x' }
const boxFailed = { ...at('box', 'failed'), type: 'dropbox' }

describe('the history', () => {
  test('has a row for each copy, at every destination, that was stored or failed; none of one that was stopped', async (t) => {
    const { state, history } = await viewer(t)
    await state.saveRun(
      run({ trigger: 'scheduled', destinations: [box, at('drive', 'failed'), at('nas'), at('x', 'interrupted')] }),
    )
    assert.deepEqual(await history(), [
      [NAME, 'id:abc', '77', '2024-01-23 12:00:00', 'scheduled', 'completed', null],
      [NAME, null, null, '2024-01-23 12:00:00', 'scheduled', 'failed', 'drive is full.'],
      [NAME, '/nas/x.zip', '77', '2024-01-23 12:00:00', 'scheduled', 'completed', null],
    ])
    assert.equal(await state.copies(), 2)
  })

  test('has one row for a copy, in whichever run it comes to its end', async (t) => {
    const { state, history, query } = await viewer(t)
    await state.saveRun(
      run({
        status: 'failed',
        archive: null,
        plannedName: NAME,
        bytes: null,
        destinations: [boxFailed, at('nas', 'interrupted')],
      }),
    )
    assert.equal(await state.hasArchive(NAME), false, 'a failure is no archive')
    await state.saveRun(run({ destinations: [at('box', 'interrupted'), at('nas', 'failed')] }))
    assert.deepEqual(
      (await history()).map((row) => row[5]),
      ['failed', 'failed'],
    )
    await state.saveRun(run({ destinations: [box] }))
    await state.saveRun(run({ destinations: [box, at('nas')] }))
    assert.deepEqual(
      (await history()).map((row) => [row[1], row[2], row[5], row[6]]),
      [
        ['id:abc', '77', 'completed', null],
        ['/nas/x.zip', '77', 'completed', null],
      ],
    )
    // Who tidies the viewer's page up takes rows away; a row of another that has its id since then is not ours.
    await query(
      `DELETE FROM backup_history WHERE id = 1; UPDATE backup_history SET backup_filename = 'other.zip' WHERE id = 2`,
    )
    await state.saveRun(run({ destinations: [box, at('nas')] }))
    assert.deepEqual(
      (await history()).map((row) => [row[0], row[5]]),
      [
        ['other.zip', 'completed'],
        [NAME, 'completed'],
        [NAME, 'completed'],
      ],
    )
  })
})

describe('an account', () => {
  test('shows its last backup, and how it ended last', async (t) => {
    const { state, accounts } = await viewer(t)
    await state.saveRun(run({ destinations: [box, at('drive', 'failed'), at('nas')] }))
    assert.deepEqual(await accounts(), [
      ['box', '2024-01-23 12:00:00', 'success'],
      ['drive', null, 'drive is full.'],
    ])
    const later = { ...run({ startedAt: '2024-01-23T18:00:00+01:00', archive: 'later.zip' }), runId: '2' }
    await state.saveRun({ ...later, destinations: [boxFailed, at('drive', 'interrupted')] })
    assert.deepEqual(await accounts(), [
      ['box', '2024-01-23 12:00:00', 'box is full.'],
      ['drive', null, 'drive is full.'],
    ])
    await state.saveRun({ ...later, destinations: [box, at('drive')] })
    await state.saveRun(run({ destinations: [box, at('drive')] }))
    assert.deepEqual(await accounts(), [
      ['box', '2024-01-23 18:00:00', 'success'],
      ['drive', '2024-01-23 18:00:00', 'success'],
    ])
  })

  test('of the name of a destination in the file is not meant by it, nor one that is switched off', async (t) => {
    const { accounts, open } = await viewer(t, "UPDATE backup_accounts SET is_active = 0 WHERE account_name = 'drive'")
    const state = await open({ destinations: [{ type: 'local', name: 'Box', folder: '/box', chunkSize: null }] })
    await state.saveRun(run({ destinations: [at('box'), at('drive')] }))
    assert.deepEqual(await accounts(), [
      ['box', null, null],
      ['drive', null, null],
    ])
  })
})

describe('the schedule', () => {
  const every6 = 'INSERT INTO backup_schedule_config (schedule_enabled, interval_hours) VALUES (1, 6), (0, 24);'
  const fromFile = { enabled: false, every: '12h', verify: 'never' } as const

  test('is the first row; without one the file holds, and a row is made when one is saved', async (t) => {
    const { state, schedule, query } = await viewer(t)
    assert.deepEqual(await state.schedule(fromFile), fromFile)
    await state.saveRun(run({ destinations: [box] }))
    assert.deepEqual(await schedule(), [])
    assert.equal(await state.saveSchedule({ enabled: false, every: '3h', verify: 'never' }), true)
    assert.deepEqual(await schedule(), [0, 3, null, null])
    assert.deepEqual(await state.schedule(fromFile), { enabled: false, every: '3h', verify: 'never' })
    await query('INSERT INTO backup_schedule_config (schedule_enabled, interval_hours) VALUES (1, 24)')
    await state.saveSchedule({ enabled: true, every: '24h', verify: 'never' })
    assert.deepEqual(await state.schedule(fromFile), { enabled: true, every: '24h', verify: 'never' })
    assert.deepEqual(await query('SELECT interval_hours AS h FROM backup_schedule_config ORDER BY id'), [
      { h: 24 },
      { h: 24 },
    ])
  })

  test('of an interval that is none of ours is the next shorter one', async (t) => {
    const { state, query } = await viewer(t, every6)
    for (const [hours, every] of [
      [1, '1h'],
      [2, '1h'],
      [4, '3h'],
      [8, '6h'],
      [48, '24h'],
      [0, '12h'],
      [-1, '12h'],
    ] as const) {
      await query(`UPDATE backup_schedule_config SET interval_hours = ${hours}`)
      assert.deepEqual(await state.schedule(fromFile), { ...fromFile, enabled: true, every }, String(hours))
    }
  })

  test('shows when a run began last and when the next is due; after a failure at the next full hour', async (t) => {
    const { state, schedule, query } = await viewer(t, every6)
    const minutes = (count: number): string => new Date(Date.now() + count * 60_000).toISOString()
    const full = /^\d{4}-\d\d-\d\d \d\d:00:00$/
    await state.saveRun(run({ startedAt: minutes(-1), status: 'failed', destinations: [boxFailed] }))
    const [, , failedNext, failedLast] = (await schedule()).map(String)
    const inHour = (text = ''): number => (new Date(text).getTime() - Date.now()) / 3_600_000
    assert.match(failedNext!, full)
    assert.ok(inHour(failedNext) > 0 && inHour(failedNext) <= 1, failedNext)
    assert.ok(Math.abs(inHour(failedLast)) < 0.1, failedLast)
    await state.saveRun(run({ startedAt: minutes(-1), destinations: [box] }))
    const [, , next] = (await schedule()).map(String)
    assert.match(next!, / (00|06|12|18):00:00$/)
    assert.ok(inHour(next) > 0 && inHour(next) <= 7.1, next)
    await query('UPDATE backup_schedule_config SET schedule_enabled = 0')
    await state.saveRun(run({ startedAt: minutes(-1), destinations: [box] }))
    assert.equal((await schedule())[2], null)
  })
})

describe('what the old PHP scheduler has recorded', () => {
  const OLD = `
    UPDATE backup_accounts SET last_backup_date = '2024-01-22 18:00:05', last_backup_status = 'success' WHERE account_name = 'box';
    UPDATE backup_accounts SET last_backup_date = '2024-01-23 06:00:00', last_backup_status = 'Bearer ya29.abc was refused' WHERE account_name = 'drive';
    INSERT INTO backup_schedule_config (schedule_enabled, interval_hours, last_run_time) VALUES (1, 6, '2024-01-23 12:00:07');
    INSERT INTO backup_history (backup_filename, gdrive_file_id, backup_size_bytes, backup_date, backup_type, status, error_message) VALUES
      ('old_1.zip', 'id:1', 10, '2024-01-22 12:00:00', 'scheduled', 'completed', NULL),
      ('old_2.zip', 'id:2', 20, '2024-01-22 18:00:00', 'manual', 'completed', NULL),
      ('old_2.zip', NULL, NULL, '2024-01-22 18:00:03', 'manual', 'failed', 'no room'),
      ('old_3.zip', NULL, NULL, '2024-01-23 06:00:00', 'scheduled', 'failed', 'token=abc&access_token=sl.abcdefghij gone'),
      ('ahead.zip', 'id:9', 9, '2035-01-01 00:00:00', 'scheduled', 'completed', NULL);`

  test('goes on counting: Backed Up, the last backup of each account, and how it ended', async (t) => {
    const { state } = await viewer(t, OLD)
    assert.equal(await state.copies(), 3)
    assert.equal(await state.lastStoredAt(now, 'box'), '2024-01-22T18:00:05+01:00')
    assert.equal(await state.lastStoredAt(now, 'drive'), null)
    assert.deepEqual(await state.lastResult('box'), {
      ...at('box'),
      type: 'dropbox',
      bytesSent: 0,
      remoteId: null,
      remotePath: null,
    })
    const drive = await state.lastResult('drive')
    assert.deepEqual(
      [drive?.status, drive?.type, drive?.error?.message],
      ['failed', 'google-drive', 'Bearer [secret] was refused'],
    )
    assert.deepEqual((await state.archives()).toSorted(), ['ahead.zip', 'old_1.zip', 'old_2.zip'])
    assert.equal(await state.hasArchive('old_2.zip'), true)
    assert.equal(await state.hasArchive('old_3.zip'), false)
    assert.equal(await state.sentArchive('old_2.zip'), null)
    assert.equal(await state.lastGood(), null)
  })

  test('stands in the history, an archive a line, behind the runs that came later', async (t) => {
    const { state } = await viewer(t, OLD)
    await state.saveRun(run({ destinations: [box] }))
    const lines = await state.history(10)
    assert.deepEqual(
      lines.map(({ runId, archive, status, startedAt, bytes, trigger }) => [
        runId,
        archive,
        status,
        startedAt,
        bytes,
        trigger,
      ]),
      [
        [null, 'ahead.zip', 'completed', '2035-01-01T00:00:00+01:00', 9, 'scheduled'],
        ['1', NAME, 'completed', NOON, 77, 'manual'],
        [null, null, 'failed', '2024-01-23T06:00:00+01:00', null, 'scheduled'],
        [null, 'old_2.zip', 'partial', '2024-01-22T18:00:00+01:00', 20, 'manual'],
        [null, 'old_1.zip', 'completed', '2024-01-22T12:00:00+01:00', 10, 'scheduled'],
      ],
    )
    assert.deepEqual(
      lines[3]?.destinations.map(({ status, remoteId, error }) => [status, remoteId, error?.message]),
      [
        ['completed', 'id:2', undefined],
        ['failed', null, 'no room'],
      ],
    )
    assert.match(lines[2]?.destinations[0]?.error?.message ?? '', /access_token=\[secret\] gone/)
    assert.equal((await state.history(2)).length, 2)
  })

  test('has served its slots: its last run counts as stored as long as there is none of ours', async (t) => {
    const { state, query } = await viewer(t, OLD)
    assert.equal(await state.lastStoredAt(now, null), '2024-01-23T12:00:07+01:00')
    assert.deepEqual(await state.runTimes(now), {
      first: '2024-01-22T12:00:00+01:00',
      last: '2024-01-23T12:00:07+01:00',
    })
    await state.saveRun(run({ status: 'failed', startedAt: '2024-01-23T12:30:00+01:00', destinations: [boxFailed] }))
    assert.equal(await state.lastStoredAt(now, null), '2024-01-22T18:00:00+01:00')
    assert.equal((await state.runTimes(now)).last, '2024-01-23T12:30:00+01:00')
    await query("UPDATE backup_history SET status = 'failed'")
    assert.equal(await state.lastStoredAt(now, null), null)
    await state.saveRun({ ...run({ destinations: [box], archive: 'new.zip' }), runId: '2' })
    assert.equal(await state.lastStoredAt(now, null), NOON)
    assert.equal(await state.lastStoredAt(now, 'box'), NOON)
  })

  test('of a last run that lies ahead of the clock is none', async (t) => {
    const { state } = await viewer(
      t,
      "INSERT INTO backup_schedule_config (schedule_enabled, last_run_time) VALUES (1, '2035-01-01 00:00:00')",
    )
    assert.equal(await state.lastStoredAt(now, null), null)
    assert.deepEqual(await state.runTimes(now), { first: null, last: null })
  })
})

describe('the time that "Save Schedule" sets in the viewer', () => {
  const rows =
    "INSERT INTO backup_schedule_config (schedule_enabled, interval_hours, next_backup_time) VALUES (1, 6, '2024-01-23 19:17:00');"
  const at = (time: string): Date => new Date(`2024-01-${time}:00+01:00`)
  const due = async ({ state, config }: Viewer, time: string): Promise<string> => {
    const schedule = { enabled: true, every: '6h', verify: 'never' } as const
    return (await whetherDue({ ...config, schedule } as unknown as Config, state, at(time))).action
  }

  test('is kept: no run of the schedule before it, one at it or at the first call after', async (t) => {
    const one = await viewer(t, rows)
    await one.state.saveRun(run({ destinations: [box] }))
    await one.query("UPDATE backup_schedule_config SET next_backup_time = '2024-01-23 19:17:00', last_run_time = NULL")
    for (const [time, action] of [
      ['23T13:00', 'nothing'],
      ['23T18:00', 'nothing'], // the slot of the grid
      ['23T19:00', 'nothing'],
      ['23T19:13', 'run'], // the job may come up to five minutes early
      ['23T20:00', 'run'],
      ['25T20:00', 'run'],
    ] as const)
      assert.equal(await due(one, time), action, time)
    const { nextDueAt } = await whetherDue(
      { ...one.config, schedule: { enabled: true, every: '6h', verify: 'never' } } as unknown as Config,
      one.state,
      at('23T13:00'),
    )
    assert.equal(nextDueAt, '2024-01-23T19:17:00+01:00')
  })

  test('also before any run, and without one the grid says when', async (t) => {
    const one = await viewer(t, rows)
    assert.equal(await due(one, '23T19:00'), 'nothing')
    assert.equal(await due(one, '23T19:20'), 'run')
    await one.query('UPDATE backup_schedule_config SET next_backup_time = NULL')
    assert.equal(await due(one, '23T19:00'), 'run')
  })

  test('outlasts a run that does not serve it, and gives way to the grid after one that does', async (t) => {
    const { state, query, schedule } = await viewer(t, rows)
    const minutes = (count: number): string => new Date(Date.now() + count * 60_000).toISOString()
    await query('UPDATE backup_schedule_config SET next_backup_time = NOW() + INTERVAL 187 MINUTE')
    const [, , set] = await schedule()
    await state.saveRun(run({ startedAt: minutes(-1), destinations: [box] }))
    assert.equal((await schedule())[2], set, 'a run by hand')
    await query('UPDATE backup_schedule_config SET next_backup_time = NOW() - INTERVAL 3 MINUTE')
    await state.saveRun({ ...run({ startedAt: minutes(-1), destinations: [box] }), runId: '2' })
    assert.match(String((await schedule())[2]), / (00|06|12|18):00:00$/)
    await state.saveRun({ ...run({ startedAt: minutes(0), status: 'failed', destinations: [boxFailed] }), runId: '3' })
    assert.match(String((await schedule())[2]), / (00|06|12|18):00:00$/, 'a run that failed before its time')
  })

  test('that was written by a clock far ahead keeps no run away', async (t) => {
    const one = await viewer(t, rows)
    await one.query(
      "UPDATE backup_schedule_config SET next_backup_time = '2036-01-01 06:00:00', last_run_time = '2036-01-01 00:00:00'",
    )
    assert.equal(await due(one, '23T19:00'), 'run')
    await one.query("UPDATE backup_schedule_config SET next_backup_time = '2024-01-23 19:17:00'")
    assert.equal(await due(one, '23T19:00'), 'nothing', 'the viewer has set it since')
  })
})
