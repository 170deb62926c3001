import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { DestinationResult } from '../../../src/stages/contract/results.ts'
import { loadConfig } from '../../../src/stages/config/load.ts'
import type { Config } from '../../../src/stages/config/types.ts'
import { takeFolderLock } from '../../../src/stages/state/folder-lock.ts'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import type { RunRecord } from '../../../src/stages/contract/history.ts'
import { readStatus, type Status } from '../../../src/stages/status/status.ts'
import { tempFolder } from '../../support/temp-folder.ts'

process.env.TZ = 'Europe/Berlin'
const NOON = '2026-11-23T12:00:00+01:00'
const HOUR_MS = 3_600_000
const after = (hours: number): Date => new Date(Date.parse(NOON) + hours * HOUR_MS)
const lockModule = path.resolve(import.meta.dirname, '../../../src/stages/state/folder-lock.ts')

const nas: DestinationResult = {
  name: 'nas',
  type: 'local',
  status: 'completed',
  bytesSent: 7,
  remoteId: '/nas/x.zip',
  remotePath: '/nas/x.zip',
  error: null,
}
const failed: DestinationResult = {
  ...nas,
  status: 'failed',
  remoteId: null,
  remotePath: null,
  error: { code: 'E_QUOTA', message: 'nas: The folder is full.' },
}

async function save(folder: string, change: Partial<RunRecord>): Promise<void> {
  const store = SqliteState.open(folder)
  await store.saveRun({
    runId: 'r1',
    trigger: 'manual',
    plannedName: 'x.zip',
    digests: null,
    status: 'completed',
    startedAt: NOON,
    finishedAt: NOON,
    archive: 'x.zip',
    bytes: 7,
    source: null,
    sane: true,
    warnings: [],
    destinations: [nas],
    ...change,
  })
  await store.close()
}

async function statusOf(config: Config, now: Date): Promise<Status> {
  const state = SqliteState.openToRead(config.state.dir)
  try {
    return await readStatus(config, state, now)
  } finally {
    await state?.close()
  }
}

async function configured(t: Parameters<typeof tempFolder>[0], schedule = ''): Promise<Config> {
  const folder = await tempFolder(t)
  const file = path.join(folder, 'dicom-backup.yaml')
  const text = `dicom: { root: x }\ndestinations: [{ name: nas, type: local, folder: nas }]\nstate: { dir: state }\n`
  await writeFile(file, text + schedule)
  return loadConfig(file)
}

describe('the status', () => {
  test('without a state folder is all zero, and makes none', async (t) => {
    const config = await configured(t)
    assert.deepEqual(await statusOf(config, after(1)), {
      result: {
        schedule: { enabled: true, every: '6h', lastRunAt: null, nextDueAt: NOON },
        backedUp: 0,
        accounts: [
          {
            name: 'nas',
            type: 'local',
            active: true,
            lastBackupAt: null,
            lastStatus: null,
            lastError: null,
            signIn: null,
          },
        ],
        interruptedRun: null,
        lastVerified: null,
        running: null,
        copies: [],
        reasons: [
          {
            code: 'never-backed-up',
            destination: 'nas',
            message: 'nas: no backup here yet. Run "dicom-backup run" to make one now.',
          },
        ],
      },
      overdue: false,
      newestBackupAt: null,
    })
    assert.deepEqual(await readdir(path.dirname(config.state.dir)), ['dicom-backup.yaml'])
    await mkdir(config.state.dir)
    assert.equal((await statusOf(config, after(1))).result.backedUp, 0)
    assert.deepEqual(await readdir(config.state.dir), [])
  })

  test('tells of each destination its last backup and, apart from it, how it ended last', async (t) => {
    const config = await configured(t)
    await save(config.state.dir, {})
    await save(config.state.dir, { runId: 'r2', startedAt: '2026-11-23T18:00:00+01:00', destinations: [failed] })
    const before = await readdir(config.state.dir)
    const { result } = await statusOf(config, after(7))
    assert.deepEqual(result.accounts, [
      {
        name: 'nas',
        type: 'local',
        active: true,
        lastBackupAt: NOON,
        lastStatus: 'failed',
        lastError: failed.error,
        signIn: null,
      },
    ])
    assert.equal(result.backedUp, 1)
    assert.deepEqual(
      [result.schedule.lastRunAt, result.schedule.nextDueAt],
      ['2026-11-23T18:00:00+01:00', '2026-11-23T18:00:00+01:00'],
      'what stored nothing has not served its slot',
    )
    assert.deepEqual(await readdir(config.state.dir), before)
  })

  test('has the next slot after the last stored run, also when it has passed', async (t) => {
    const config = await configured(t)
    await save(config.state.dir, {})
    const { result } = await statusOf(config, after(100))
    assert.equal(result.schedule.nextDueAt, '2026-11-23T18:00:00+01:00')
  })

  test('is overdue when the newest backup is older than twice the interval', async (t) => {
    for (const every of [1, 3, 6, 12, 24]) {
      const config = await configured(t, `schedule: { every: ${every}h }\n`)
      await save(config.state.dir, {})
      assert.equal((await statusOf(config, after(2 * every))).overdue, false)
      assert.equal((await statusOf(config, after(2 * every + 0.001))).overdue, true)
      await save(config.state.dir, { runId: 'r2', startedAt: '2026-11-24T11:00:00+01:00', destinations: [failed] })
      assert.equal((await statusOf(config, after(72))).overdue, true, 'a run that stored nothing is no backup')
    }
  })

  test('is overdue without any backup when the first run is that old', async (t) => {
    const config = await configured(t)
    await save(config.state.dir, { status: 'failed', destinations: [failed] })
    await save(config.state.dir, { runId: 'r2', startedAt: '2026-11-23T18:00:00+01:00', destinations: [failed] })
    assert.equal((await statusOf(config, after(12))).overdue, false)
    const late = await statusOf(config, after(12.1))
    assert.deepEqual([late.overdue, late.newestBackupAt], [true, null])
  })

  test('counts the newest backup, also at a destination that is configured no more', async (t) => {
    const config = await configured(t)
    await save(config.state.dir, { destinations: [{ ...nas, name: 'old' }] })
    const status = await statusOf(config, after(7))
    assert.deepEqual([status.overdue, status.newestBackupAt, status.result.backedUp], [false, NOON, 1])
    assert.equal(status.result.accounts[0]?.lastBackupAt, null)
  })

  test('is never overdue when the schedule is off, and nothing is due', async (t) => {
    const config = await configured(t, 'schedule: { enabled: false, every: 3h }\n')
    await save(config.state.dir, {})
    const { overdue, result } = await statusOf(config, after(1000))
    assert.equal(overdue, false)
    assert.deepEqual(result.schedule, { enabled: false, every: '3h', lastRunAt: NOON, nextDueAt: null })
  })

  test('knows of a run that is active, here or in another process, and disturbs none', async (t) => {
    const config = await configured(t)
    await save(config.state.dir, {})
    const lock = await takeFolderLock(config.state.dir)
    const { running: active } = (await statusOf(config, after(1))).result
    assert.ok(active?.since != null && Date.now() - Date.parse(active.since) < 60_000)
    await lock.release()
    assert.equal((await statusOf(config, after(1))).result.running, null)

    const script = `
      import { takeFolderLock } from ${JSON.stringify(new URL(`file://${lockModule}`).href)}
      await takeFolderLock(${JSON.stringify(config.state.dir)})
      console.log('held')
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    assert.notEqual((await statusOf(config, after(1))).result.running, null)
    await rm(path.join(config.state.dir, 'lock-holder.json'))
    assert.equal((await statusOf(config, after(1))).result.running?.since, null)
    child.kill('SIGKILL')
    await once(child, 'close')
    assert.equal((await statusOf(config, after(1))).result.running, null)
    ;(await takeFolderLock(config.state.dir)).release()
  })

  test('of a state folder that cannot be read is told as E_STATE', async (t) => {
    const config = await configured(t)
    await save(config.state.dir, {})
    // A run can hold no damaged lock; the next one replaces it.
    await writeFile(path.join(config.state.dir, 'lock.sqlite'), 'this is no database '.repeat(100))
    assert.equal((await statusOf(config, after(1))).result.running, null)
    await writeFile(path.join(config.state.dir, 'state.sqlite'), 'this is no database '.repeat(100))
    await assert.rejects(statusOf(config, after(1)), { code: 'E_STATE' })
  })
})
