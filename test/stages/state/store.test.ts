import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { DestinationResult } from '../../../src/stages/backup/results.ts'
import { Store, type RunRecord } from '../../../src/stages/state/store.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const storeModule = new URL(`file://${path.resolve(import.meta.dirname, '../../../src/stages/state/store.ts')}`).href

const record = (runId: string, change: Partial<RunRecord> = {}): RunRecord => ({
  runId,
  status: 'completed',
  startedAt: '2026-11-23T12:00:00+01:00',
  finishedAt: '2026-11-23T12:10:00+01:00',
  archive: 'dicom_backup_2026-11-23_12-00-00.zip',
  bytes: 2 ** 43,
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

function opened(folder: string, use: (store: Store) => void): void {
  const store = Store.open(folder)
  try {
    use(store)
  } finally {
    store.close()
  }
}

describe('the record of runs', () => {
  test('outlives the process, and gives the measure of the last good run', async (t) => {
    const folder = path.join(await tempFolder(t), 'a/b')
    opened(folder, (store) => {
      assert.equal(store.lastGood(), null)
      store.saveRun(record('1'))
    })
    opened(folder, (store) => {
      assert.deepEqual(store.lastGood(), { files: 1, bytes: 2 ** 44, tables: 7, dumpBytes: 2 ** 33 })
      store.saveRun(record('2', { source: { files: 2, bytes: 1, tables: null, dumpBytes: null } }))
      assert.deepEqual(store.lastGood(), { files: 2, bytes: 1, tables: null, dumpBytes: null })
    })
    if (process.platform !== 'win32') assert.equal((await stat(folder)).mode & 0o777, 0o700)
  })

  test('counts as good what is stored somewhere and sane', async (t) => {
    opened(await tempFolder(t), (store) => {
      store.saveRun(record('1', { status: 'partial' }))
      for (const [n, change] of [
        { status: 'failed' as const },
        { status: 'interrupted' as const },
        { sane: false },
        { source: null },
      ].entries()) {
        store.saveRun(record(String(n + 2), change))
        assert.equal(store.lastGood()?.files, 1, JSON.stringify(change))
      }
    })
  })

  test('takes for the last run the one saved last, though the clock went back', async (t) => {
    opened(await tempFolder(t), (store) => {
      store.saveRun(record('1', { startedAt: '2026-10-25T02:50:00+02:00' }))
      store.saveRun(record('2', { startedAt: '2026-10-25T02:10:00+01:00' }))
      assert.equal(store.lastGood()?.files, 2)
      store.saveRun(record('3', { startedAt: '2035-01-01T00:00:00+01:00' }))
      store.saveRun(record('4'))
      assert.equal(store.lastGood()?.files, 4)
      store.saveRun(record('3', { startedAt: '2026-11-23T18:00:00+01:00' }))
      assert.equal(store.lastGood()?.files, 3, 'saved again')
    })
  })

  test('has a run that went on once, as it ended at last, and as the newest', async (t) => {
    opened(await tempFolder(t), (store) => {
      const first = [at('nas', 'completed'), at('cloud', 'failed')]
      store.saveRun(record('1', { status: 'partial', destinations: first, archive: 'one.zip' }))
      store.saveRun(record('2', { archive: 'two.zip', destinations: [at('nas', 'completed')] }))
      assert.equal(store.copies(), 2)
      assert.equal(store.lastGood()?.files, 2)
      assert.equal(store.lastResult('cloud')?.status, 'failed')
      store.saveRun(
        record('1', { archive: 'one.zip', destinations: [at('nas', 'completed'), at('cloud', 'completed')] }),
      )
      assert.equal(store.copies(), 3)
      assert.equal(store.lastGood()?.files, 1)
      assert.equal(store.lastResult('cloud')?.status, 'completed')
      assert.ok(store.hasArchive('one.zip') && store.hasArchive('two.zip'))
    })
  })

  test('keeps of a run that went on at one destination what it had stored at the others', async (t) => {
    opened(await tempFolder(t), (store) => {
      const all = [at('nas', 'completed'), at('cloud', 'failed'), at('other', 'failed')]
      store.saveRun(record('1', { status: 'partial', destinations: all }))
      store.saveRun(record('1', { status: 'partial', destinations: [at('cloud', 'completed')] }))
      assert.equal(store.copies(), 2)
      const statuses = ['nas', 'cloud', 'other'].map((name) => store.lastResult(name)?.status)
      assert.deepEqual(statuses, ['completed', 'completed', 'failed'])
    })
  })

  const now = new Date('2026-11-23T18:00:00+01:00')

  test('counts the copies that were stored, and knows what happened last at each destination', async (t) => {
    opened(await tempFolder(t), (store) => {
      assert.deepEqual([store.copies(), store.lastResult('nas')], [0, null])
      assert.deepEqual(store.runTimes(now), { first: null, last: null })
      assert.equal(store.lastStoredAt(now, null), null)
      const runs: readonly (readonly [startedAt: string, destinations: readonly DestinationResult[]])[] = [
        ['2026-11-22T12:00:00+01:00', [at('nas', 'completed'), at('cloud', 'completed')]],
        ['2026-11-23T06:00:00+01:00', [at('nas', 'completed'), at('cloud', 'failed')]],
        ['2026-11-23T12:00:00+01:00', [at('nas', 'interrupted'), at('cloud', 'failed')]],
      ]
      for (const [n, [startedAt, destinations]] of runs.entries())
        store.saveRun(record(String(n), { startedAt, destinations }))
      assert.equal(store.copies(), 3)
      assert.deepEqual(store.runTimes(now), { first: runs[0]![0], last: runs[2]![0] })
      assert.equal(store.lastStoredAt(now, null), runs[1]![0])
      assert.equal(store.lastStoredAt(now, 'nas'), runs[1]![0])
      assert.equal(store.lastStoredAt(now, 'cloud'), runs[0]![0])
      assert.equal(store.lastStoredAt(now, 'other'), null)
      assert.deepEqual(store.lastResult('nas'), at('nas', 'interrupted'))
      assert.deepEqual(store.lastResult('cloud'), at('cloud', 'failed'))
      assert.equal(store.lastResult('other'), null)
    })
  })

  test('compares times, not their texts, and passes over runs of a clock that was ahead', async (t) => {
    opened(await tempFolder(t), (store) => {
      const starts = ['2026-10-25T02:50:00+02:00', '2026-10-25T02:10:00+01:00', '2035-01-01T00:00:00+01:00']
      for (const [n, startedAt] of starts.entries())
        store.saveRun(record(String(n), { startedAt, destinations: [at('nas', 'completed')] }))
      assert.deepEqual(store.runTimes(now), { first: starts[0], last: starts[1] })
      assert.equal(store.lastStoredAt(now, 'nas'), starts[1])
      assert.equal(store.copies(), 3)
    })
  })

  test('is read without creating anything, also while a run has it open', async (t) => {
    const folder = await tempFolder(t)
    assert.equal(Store.openToRead(folder), null)
    assert.equal(Store.openToRead(path.join(folder, 'missing')), null)
    assert.deepEqual(await readdir(folder), [])
    opened(folder, (writing) => {
      writing.saveRun(record('1'))
      const reading = Store.openToRead(folder)
      assert.ok(reading !== null)
      assert.equal(reading.lastGood()?.files, 1)
      writing.saveRun(record('2'))
      assert.equal(reading.lastGood()?.files, 2)
      assert.throws(
        () => {
          reading.saveRun(record('3'))
        },
        { code: 'E_STATE' },
      )
      reading.close()
    })
    const before = await stat(path.join(folder, 'state.sqlite'))
    Store.openToRead(folder)?.close()
    assert.deepEqual(await readdir(folder), ['state.sqlite'])
    assert.equal((await stat(path.join(folder, 'state.sqlite'))).mtimeMs, before.mtimeMs)
  })

  test('that a killed process was writing is read as it was before', async (t) => {
    const folder = await tempFolder(t)
    opened(folder, (store) => {
      store.saveRun(record('1'))
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
    const store = Store.openToRead(folder)
    assert.equal(store?.lastGood()?.files, 1)
    store?.close()
    assert.deepEqual(await readdir(folder), ['state.sqlite'])
  })

  test('that was killed before its first record is as if it were not there', async (t) => {
    const folder = await tempFolder(t)
    await writeFile(path.join(folder, 'state.sqlite'), '')
    assert.equal(Store.openToRead(folder), null)
  })

  test('is opened and written by several processes at once', { timeout: 60_000 }, async (t) => {
    const folder = path.join(await tempFolder(t), 'state')
    const script = (n: number): string => `
      import { Store } from ${JSON.stringify(storeModule)}
      const store = Store.open(${JSON.stringify(folder)})
      for (let k = 0; k < 20; k += 1) store.saveRun({ ...${JSON.stringify(record('0'))}, runId: '${n}-' + k })
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
    assert.throws(() => Store.open(path.join(folder, 'file')), { code: 'E_STATE' })
    await mkdir(path.join(folder, 'garbage'))
    await writeFile(path.join(folder, 'garbage/state.sqlite'), 'this is no database '.repeat(100))
    assert.throws(() => Store.open(path.join(folder, 'garbage')), { code: 'E_STATE' })
    assert.throws(() => Store.openToRead(path.join(folder, 'garbage')), { code: 'E_STATE' })
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
      opened(folder, (store) => {
        const warnings = [{ code: 'files-skipped', message: 'x'.repeat(30_000) }]
        let saved = 0
        assert.throws(
          () => {
            for (; saved < 100; saved += 1) store.saveRun(record(String(saved + 1), { warnings }))
          },
          { code: 'E_STATE' },
        )
        assert.ok(saved > 0)
        assert.equal(store.lastGood()?.files, saved)
      })
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  })
})
