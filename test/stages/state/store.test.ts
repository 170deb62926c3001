import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
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
