/** The time of the next backup in the viewer's page: the hourly call keeps to what its "Save Schedule" sets. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RunResult, StatusResult } from '../../src/stages/contract/results.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { atClock, noShiftedClock } from '../support/shifted-clock.ts'
import { makeViewerRig } from '../support/viewer-rig.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

test('no scheduled run comes before it, one at it, and the grid holds again', { skip: noShiftedClock }, async (t) => {
  const { rig, query } = await makeViewerRig(t, server)
  const shown = async (): Promise<unknown> =>
    (await query('SELECT next_backup_time AS at FROM backup_schedule_config'))[0]?.['at']
  const call = async (time: string): Promise<RunResult> => {
    const args = ['run', '--if-due', '--json', '--config', rig.configFile]
    const { stdout, stderr } = await atClock(time, 'Europe/Berlin', args)
    assert.notEqual(stdout, '', stderr)
    return JSON.parse(stdout) as RunResult
  }
  // A folder alone: the services have clocks of their own.
  await query('UPDATE backup_accounts SET is_active = 0')

  assert.equal((await call('2026-11-23 12:00:02')).status, 'completed')
  assert.equal(await shown(), '2026-11-23 18:00:00')
  await query("UPDATE backup_schedule_config SET next_backup_time = '2026-11-23 19:17:00'")
  const early = await call('2026-11-23 18:00:02')
  assert.deepEqual([early.status, early.nextDueAt], ['skipped', '2026-11-23T19:17:00+01:00'])
  assert.equal((await call('2026-11-23 19:00:02')).status, 'skipped')
  const status = await atClock('2026-11-23 19:00:30', 'Europe/Berlin', ['status', '--json', '--config', rig.configFile])
  assert.equal((JSON.parse(status.stdout) as StatusResult).schedule.nextDueAt, '2026-11-23T19:17:00+01:00')
  assert.equal(await shown(), '2026-11-23 19:17:00')
  assert.equal((await call('2026-11-23 20:00:02')).status, 'completed')
  assert.equal(await shown(), '2026-11-24 00:00:00')
  assert.equal((await call('2026-11-24 00:00:02')).status, 'completed')
  assert.equal(await shown(), '2026-11-24 06:00:00')
})
