import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import { record } from '../../conformance/state.ts'
import { tempFolder } from '../../support/temp-folder.ts'

async function opened(folder: string, use: (store: SqliteState) => Promise<void>): Promise<void> {
  const store = SqliteState.open(folder)
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

describe('the SQLite file', () => {
  test('is made with its folder, for this account alone', async (t) => {
    const folder = path.join(await tempFolder(t), 'a/b')
    await opened(folder, (store) => store.saveRun(record('1')))
    if (process.platform !== 'win32') assert.equal((await stat(folder)).mode & 0o777, 0o700)
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

  test('that cannot be opened is told as E_STATE', async (t) => {
    const folder = await tempFolder(t)
    await writeFile(path.join(folder, 'file'), '')
    assert.throws(() => SqliteState.open(path.join(folder, 'file')), { code: 'E_STATE' })
    await mkdir(path.join(folder, 'garbage'))
    await writeFile(path.join(folder, 'garbage/state.sqlite'), 'this is no database '.repeat(100))
    // Who only reads changes nothing; who writes sets it aside (damaged-state.test.ts).
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
