import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, test, type TestContext } from 'node:test'
import { isoLocal } from '../../../src/stages/contract/time.ts'
import { loadConfig } from '../../../src/stages/config/load.ts'
import type { Config } from '../../../src/stages/config/types.ts'
import { whetherDue } from '../../../src/stages/schedule/due.ts'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const zone = process.env.TZ

interface Machine {
  readonly config: Config
  readonly state: SqliteState
  /** An hourly call at this moment; a backup that is made ends as `status` says. Whether one was due. */
  readonly call: (at: number | string, status?: 'completed' | 'failed') => Promise<boolean>
}

async function machine(t: TestContext, timeZone: string, schedule = '{ every: 6h }'): Promise<Machine> {
  process.env.TZ = timeZone
  const folder = await tempFolder(t)
  const file = path.join(folder, 'dicom-backup.yaml')
  await mkdir(path.join(folder, 'nas'))
  await writeFile(
    file,
    `dicom: { root: x }\nschedule: ${schedule}\ndestinations: [{ name: nas, type: local, folder: nas }]\n`,
  )
  const config = loadConfig(file)
  const state = SqliteState.open(config.state.dir)
  t.after(() => state.close())
  let runs = 0
  return {
    config,
    state,
    async call(at, status = 'completed') {
      const now = new Date(at)
      const { action } = await whetherDue(config, state, now)
      if (action !== 'run') return false
      runs += 1
      const startedAt = isoLocal(now)
      await state.saveRun({
        runId: String(runs),
        trigger: 'scheduled',
        status,
        startedAt,
        finishedAt: startedAt,
        plannedName: `${runs}.zip`,
        archive: status === 'failed' ? null : `${runs}.zip`,
        bytes: 1,
        digests: null,
        source: null,
        sane: true,
        warnings: [],
        destinations: [
          { name: 'nas', type: 'local', status, bytesSent: 1, remoteId: 'x', remotePath: 'x', error: null },
        ],
      })
      return true
    },
  }
}

/** Hourly calls from a moment on, `count` of them; the local times of those that made a backup. */
async function madeAt(
  { call }: Machine,
  from: string,
  count: number,
  jitter = (_n: number): number => 0,
): Promise<string[]> {
  const made: string[] = []
  for (let n = 0; n < count; n += 1) {
    const at = Date.parse(from) + n * HOUR_MS + jitter(n)
    if (await call(at)) made.push(isoLocal(new Date(at)).slice(5, 16))
  }
  return made
}

describe('an hourly call', () => {
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  })

  test("keeps to the grid of the guide's example: 12:00 runs, 1 to 5 PM skip, 6 PM runs, midnight runs", async (t) => {
    const day = await madeAt(await machine(t, 'Europe/Berlin'), '2026-11-23T12:00:00+01:00', 25)
    assert.deepEqual(day, ['11-23T12:00', '11-23T18:00', '11-24T00:00', '11-24T06:00', '11-24T12:00'])
  })

  test('keeps to it with minutes of jitter, early and late, whatever a run takes', async (t) => {
    const minutes = [-4, 3, -1, 4, 0, 2, -5, 1]
    for (const every of ['1h', '3h', '6h', '12h', '24h']) {
      const one = await machine(t, 'Europe/Berlin', `{ every: ${every} }`)
      const made = await madeAt(one, '2026-11-23T00:00:00+01:00', 97, (n) => (minutes[n % 8] ?? 0) * MINUTE_MS)
      assert.equal(made.length, 96 / Number(every.slice(0, -1)) + 1, `${every}: ${made.join(' ')}`)
    }
  })

  test('makes up for a day off once', async (t) => {
    const one = await machine(t, 'Europe/Berlin')
    assert.deepEqual(await madeAt(one, '2026-11-23T12:00:00+01:00', 2), ['11-23T12:00'])
    assert.deepEqual(await madeAt(one, '2026-11-24T15:30:00+01:00', 5), ['11-24T15:30', '11-24T18:30'])
  })

  test('makes a backup every 6 hours of local time through both changes of daylight saving', async (t) => {
    for (const [timeZone, from, hours] of [
      ['Europe/Berlin', '2026-03-28T12:00:00+01:00', ['12:00', '18:00', '00:00', '06:00', '12:00', '18:00']],
      ['Europe/Berlin', '2026-10-24T12:00:00+02:00', ['12:00', '18:00', '00:00', '06:00', '12:00', '18:00']],
      ['America/New_York', '2026-03-07T12:00:00-05:00', ['12:00', '18:00', '00:00', '06:00', '12:00', '18:00']],
      ['America/New_York', '2026-10-31T12:00:00-04:00', ['12:00', '18:00', '00:00', '06:00', '12:00', '18:00']],
    ] as const) {
      const made = await madeAt(await machine(t, timeZone), from, 32)
      assert.deepEqual(
        made.slice(0, 6).map((time) => time.slice(6)),
        hours,
        `${timeZone} ${from}`,
      )
    }
  })

  test('tries a failed run again an hour later, and a stored one not', async (t) => {
    const { call, config, state } = await machine(t, 'Europe/Berlin')
    assert.equal(await call('2026-11-23T12:00:00+01:00'), true)
    assert.equal(await call('2026-11-23T18:00:00+01:00', 'failed'), true)
    const due = await whetherDue(config, state, new Date('2026-11-23T18:30:00+01:00'))
    assert.equal(due.nextDueAt, '2026-11-23T18:00:00+01:00', 'that slot still lacks its backup')
    assert.equal(await call('2026-11-23T19:00:00+01:00', 'failed'), true)
    assert.equal(await call('2026-11-23T20:00:00+01:00'), true)
    assert.equal(await call('2026-11-23T21:00:00+01:00'), false)
    assert.equal(await call('2026-11-24T00:00:00+01:00'), true, 'the grid has not moved')
  })

  test('does no harm when the clock is set back or ahead', async (t) => {
    for (const [back, extra] of [
      [20 * MINUTE_MS, 0],
      [HOUR_MS, 0],
      [5 * HOUR_MS, 0],
      [7 * 24 * HOUR_MS, 1],
    ] as const) {
      const { call } = await machine(t, 'Europe/Berlin')
      const noon = Date.parse('2026-11-23T12:00:00+01:00')
      assert.equal(await call(noon), true)
      let made = 0
      for (let n = 1; n <= 12; n += 1) if (await call(noon - back + n * HOUR_MS)) made += 1
      const slots = Math.floor((noon - back + 12 * HOUR_MS - noon) / (6 * HOUR_MS))
      assert.ok(made >= Math.max(extra, slots) && made <= 3, `${back / HOUR_MS} h back: ${made} backups in 12 h`)
    }
    const { call } = await machine(t, 'Europe/Berlin')
    assert.equal(await call('2026-11-23T12:00:00+01:00'), true)
    assert.equal(await call('2030-01-01T12:00:00+01:00'), true, 'years ahead it is due once')
    assert.equal(await call('2030-01-01T13:00:00+01:00'), false)
    assert.equal(await call('2026-11-23T18:00:00+01:00'), true, 'and right again, what was ahead hides nothing')
  })

  test('goes on at once when the clock is set back into weeks that have their backups', async (t) => {
    const { call } = await machine(t, 'Europe/Berlin')
    const first = Date.parse('2026-11-01T00:00:00+01:00')
    for (let n = 0; n < 14 * 24; n += 1) await call(first + n * HOUR_MS)
    let made = 0
    for (let n = 0; n < 24; n += 1) if (await call(first + (7 * 24 + n) * HOUR_MS)) made += 1
    assert.ok(made >= 4 && made <= 5, `${made} backups in the first day`)
  })

  test('has nothing to do when the schedule is off', async (t) => {
    const { config, state } = await machine(t, 'Europe/Berlin', '{ enabled: false }')
    const due = await whetherDue(config, state, new Date('2026-11-23T12:00:00+01:00'))
    assert.deepEqual(due, { action: 'nothing', reason: 'The schedule is off.', nextDueAt: null })
    assert.equal(
      (await whetherDue({ ...config, schedule: { ...config.schedule, enabled: true } }, null, new Date())).action,
      'run',
    )
  })
})
