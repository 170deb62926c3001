import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { DestinationResult } from '../../../src/stages/backup/results.ts'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import type { RunRecord } from '../../../src/stages/state/state.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const storeModule = new URL(`file://${path.resolve(import.meta.dirname, '../../../src/stages/state/sqlite-state.ts')}`)
  .href

const record = (runId: string, change: Partial<RunRecord> = {}): RunRecord => ({
  runId,
  trigger: 'manual',
  plannedName: 'x.zip',
  status: 'completed',
  startedAt: '2026-11-23T12:00:00+01:00',
  finishedAt: '2026-11-23T12:10:00+01:00',
  archive: 'dicom_backup_2026-11-23_12-00-00.zip',
  bytes: 2 ** 43,
  digests: null,
  source: { files: Number(runId), bytes: 2 ** 44, tables: 7, dumpBytes: 2 ** 33 },
  sane: true,
  warnings: [],
  destinations: [],
  ...change,
})

const at = (name: string, status: DestinationResult['status']): DestinationResult => ({
  name,
  type: 'local',
  status,
  bytesSent: 1,
  remoteId: null,
  remotePath: null,
  error: status === 'failed' ? { code: 'E_QUOTA', message: `${name} is full.` } : null,
})

async function opened(folder: string, use: (store: SqliteState) => Promise<void>): Promise<void> {
  const store = SqliteState.open(folder)
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

describe('the record of runs', () => {
  test('outlives the process, and gives the measure of the last good run', async (t) => {
    const folder = path.join(await tempFolder(t), 'a/b')
    await opened(folder, async (store) => {
      assert.equal(await store.lastGood(), null)
      await store.saveRun(record('1'))
    })
    await opened(folder, async (store) => {
      assert.deepEqual(await store.lastGood(), { files: 1, bytes: 2 ** 44, tables: 7, dumpBytes: 2 ** 33 })
      await store.saveRun(record('2', { source: { files: 2, bytes: 1, tables: null, dumpBytes: null } }))
      assert.deepEqual(await store.lastGood(), { files: 2, bytes: 1, tables: null, dumpBytes: null })
    })
    if (process.platform !== 'win32') assert.equal((await stat(folder)).mode & 0o777, 0o700)
  })

  test('counts as good what is stored somewhere and sane', async (t) => {
    await opened(await tempFolder(t), async (store) => {
      await store.saveRun(record('1', { status: 'partial' }))
      for (const [n, change] of [
        { status: 'failed' as const },
        { status: 'interrupted' as const },
        { sane: false },
        { source: null },
      ].entries()) {
        await store.saveRun(record(String(n + 2), change))
        assert.equal((await store.lastGood())?.files, 1, JSON.stringify(change))
      }
    })
  })

  test('takes for the last run the one saved last, though the clock went back', async (t) => {
    await opened(await tempFolder(t), async (store) => {
      await store.saveRun(record('1', { startedAt: '2026-10-25T02:50:00+02:00' }))
      await store.saveRun(record('2', { startedAt: '2026-10-25T02:10:00+01:00' }))
      assert.equal((await store.lastGood())?.files, 2)
      await store.saveRun(record('3', { startedAt: '2035-01-01T00:00:00+01:00' }))
      await store.saveRun(record('4'))
      assert.equal((await store.lastGood())?.files, 4)
      await store.saveRun(record('3', { startedAt: '2026-11-23T18:00:00+01:00' }))
      assert.equal((await store.lastGood())?.files, 3, 'saved again')
    })
  })

  test('has a run that went on once, as it ended at last, and as the newest', async (t) => {
    await opened(await tempFolder(t), async (store) => {
      const first = [at('nas', 'completed'), at('cloud', 'failed')]
      await store.saveRun(record('1', { status: 'partial', destinations: first, archive: 'one.zip' }))
      await store.saveRun(record('2', { archive: 'two.zip', destinations: [at('nas', 'completed')] }))
      assert.equal(await store.copies(), 2)
      assert.equal((await store.lastGood())?.files, 2)
      assert.equal((await store.lastResult('cloud'))?.status, 'failed')
      await store.saveRun(
        record('1', { archive: 'one.zip', destinations: [at('nas', 'completed'), at('cloud', 'completed')] }),
      )
      assert.equal(await store.copies(), 3)
      assert.equal((await store.lastGood())?.files, 1)
      assert.equal((await store.lastResult('cloud'))?.status, 'completed')
      assert.ok((await store.hasArchive('one.zip')) && (await store.hasArchive('two.zip')))
    })
  })

  test('keeps of a run that went on at one destination what it had stored at the others', async (t) => {
    await opened(await tempFolder(t), async (store) => {
      const all = [at('nas', 'completed'), at('cloud', 'failed'), at('other', 'failed')]
      await store.saveRun(record('1', { status: 'partial', destinations: all }))
      await store.saveRun(record('1', { status: 'partial', destinations: [at('cloud', 'completed')] }))
      assert.equal(await store.copies(), 2)
      const results = await Promise.all(['nas', 'cloud', 'other'].map((name) => store.lastResult(name)))
      const statuses = results.map((result) => result?.status)
      assert.deepEqual(statuses, ['completed', 'completed', 'failed'])
    })
  })

  const now = new Date('2026-11-23T18:00:00+01:00')

  test('counts the copies that were stored, and knows what happened last at each destination', async (t) => {
    await opened(await tempFolder(t), async (store) => {
      assert.deepEqual([await store.copies(), await store.lastResult('nas')], [0, null])
      assert.deepEqual(await store.runTimes(now), { first: null, last: null })
      assert.equal(await store.lastStoredAt(now, null), null)
      const runs: readonly (readonly [startedAt: string, destinations: readonly DestinationResult[]])[] = [
        ['2026-11-22T12:00:00+01:00', [at('nas', 'completed'), at('cloud', 'completed')]],
        ['2026-11-23T06:00:00+01:00', [at('nas', 'completed'), at('cloud', 'failed')]],
        ['2026-11-23T12:00:00+01:00', [at('nas', 'interrupted'), at('cloud', 'failed')]],
      ]
      for (const [n, [startedAt, destinations]] of runs.entries())
        await store.saveRun(record(String(n), { startedAt, destinations }))
      assert.equal(await store.copies(), 3)
      assert.deepEqual(await store.runTimes(now), { first: runs[0]![0], last: runs[2]![0] })
      assert.equal(await store.lastStoredAt(now, null), runs[1]![0])
      assert.equal(await store.lastStoredAt(now, 'nas'), runs[1]![0])
      assert.equal(await store.lastStoredAt(now, 'cloud'), runs[0]![0])
      assert.equal(await store.lastStoredAt(now, 'other'), null)
      assert.deepEqual(await store.lastResult('nas'), at('nas', 'interrupted'))
      assert.deepEqual(await store.lastResult('cloud'), at('cloud', 'failed'))
      assert.equal(await store.lastResult('other'), null)
    })
  })

  test('compares times, not their texts, and passes over runs of a clock that was ahead', async (t) => {
    await opened(await tempFolder(t), async (store) => {
      const starts = ['2026-10-25T02:50:00+02:00', '2026-10-25T02:10:00+01:00', '2035-01-01T00:00:00+01:00']
      for (const [n, startedAt] of starts.entries())
        await store.saveRun(record(String(n), { startedAt, destinations: [at('nas', 'completed')] }))
      assert.deepEqual(await store.runTimes(now), { first: starts[0], last: starts[1] })
      assert.equal(await store.lastStoredAt(now, 'nas'), starts[1])
      assert.equal(await store.copies(), 3)
    })
  })

  test('is read without creating anything, also while a run has it open', async (t) => {
    const folder = await tempFolder(t)
    assert.equal(SqliteState.openToRead(folder), null)
    assert.equal(SqliteState.openToRead(path.join(folder, 'missing')), null)
    assert.deepEqual(await readdir(folder), [])
    await opened(folder, async (writing) => {
      await writing.saveRun(record('1'))
      const reading = SqliteState.openToRead(folder)
      assert.ok(reading !== null)
      assert.equal((await reading.lastGood())?.files, 1)
      await writing.saveRun(record('2'))
      assert.equal((await reading.lastGood())?.files, 2)
      await assert.rejects(reading.saveRun(record('3')), { code: 'E_STATE' })
      await reading.close()
    })
    const before = await stat(path.join(folder, 'state.sqlite'))
    SqliteState.openToRead(folder)?.close()
    assert.deepEqual(await readdir(folder), ['state.sqlite'])
    assert.equal((await stat(path.join(folder, 'state.sqlite'))).mtimeMs, before.mtimeMs)
  })

  test('that a killed process was writing is read as it was before', async (t) => {
    const folder = await tempFolder(t)
    await opened(folder, async (store) => {
      await store.saveRun(record('1'))
    })
    const script = `
      import { DatabaseSync } from 'node:sqlite'
      const database = new DatabaseSync(${JSON.stringify(path.join(folder, 'state.sqlite'))})
      database.exec("PRAGMA cache_size = 1; BEGIN; UPDATE runs SET warnings = randomblob(0) || printf('%.*c', 100000, 'x')")
      database.exec("INSERT INTO runs SELECT run_id || 'x', status, started_at, finished_at, archive, bytes, files, file_bytes, tables, dump_bytes, sane, warnings, destinations FROM runs")
      process.kill(process.pid, 'SIGKILL')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
    await once(child, 'close')
    assert.deepEqual(await readdir(folder), ['state.sqlite', 'state.sqlite-journal'], 'it was killed while it wrote')
    const store = SqliteState.openToRead(folder)
    assert.equal((await store?.lastGood())?.files, 1)
    store?.close()
    assert.deepEqual(await readdir(folder), ['state.sqlite'])
  })

  test('that was killed before its first record is as if it were not there', async (t) => {
    const folder = await tempFolder(t)
    await writeFile(path.join(folder, 'state.sqlite'), '')
    assert.equal(SqliteState.openToRead(folder), null)
  })

  test('is opened and written by several processes at once', { timeout: 60_000 }, async (t) => {
    const folder = path.join(await tempFolder(t), 'state')
    const script = (n: number): string => `
      import { SqliteState } from ${JSON.stringify(storeModule)}
      const store = SqliteState.open(${JSON.stringify(folder)})
      for (let k = 0; k < 20; k += 1) await store.saveRun({ ...${JSON.stringify(record('0'))}, runId: '${n}-' + k })
      store.close()`
    const children = Array.from({ length: 6 }, (_, n) =>
      spawn(process.execPath, ['--input-type=module', '-e', script(n)], { stdio: ['ignore', 'ignore', 'inherit'] }),
    )
    const codes = await Promise.all(children.map(async (child) => ((await once(child, 'close')) as [number])[0]))
    assert.deepEqual(codes, [0, 0, 0, 0, 0, 0])
  })

  test('that cannot be opened is told as E_STATE', async (t) => {
    const folder = await tempFolder(t)
    await writeFile(path.join(folder, 'file'), '')
    assert.throws(() => SqliteState.open(path.join(folder, 'file')), { code: 'E_STATE' })
    await mkdir(path.join(folder, 'garbage'))
    await writeFile(path.join(folder, 'garbage/state.sqlite'), 'this is no database '.repeat(100))
    assert.throws(() => SqliteState.open(path.join(folder, 'garbage')), { code: 'E_STATE' })
    assert.throws(() => SqliteState.openToRead(path.join(folder, 'garbage')), { code: 'E_STATE' })
  })

  test('that cannot be written, for its disk is full, is told as E_STATE and stays readable', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('needs a small disk of its own, so root')
      return
    }
    const folder = path.join(await tempFolder(t), 'disk')
    await mkdir(folder)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'pipe' })
    } catch {
      t.skip('this machine mounts no tmpfs')
      return
    }
    try {
      await opened(folder, async (store) => {
        const warnings = [{ code: 'files-skipped', message: 'x'.repeat(30_000) }]
        let saved = 0
        await assert.rejects(
          async () => {
            for (; saved < 100; saved += 1) await store.saveRun(record(String(saved + 1), { warnings }))
          },
          { code: 'E_STATE' },
        )
        assert.ok(saved > 0)
        assert.equal((await store.lastGood())?.files, saved)
      })
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  })
})
