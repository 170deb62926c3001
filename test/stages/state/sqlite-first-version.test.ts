import assert from 'node:assert/strict'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import { at, record } from '../../conformance/state.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const DIGESTS = { md5: 'a'.repeat(32), contentHash: 'b'.repeat(64) }
const AT = '2026-11-23T12:00:00+01:00'

async function opened<T>(folder: string, use: (store: SqliteState) => Promise<T>): Promise<T> {
  const store = SqliteState.open(folder)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** A store as the first version made it, with one run in it. */
function firstVersion(folder: string): void {
  const database = new DatabaseSync(path.join(folder, 'state.sqlite'))
  database.exec(`
    CREATE TABLE runs (
      run_id TEXT PRIMARY KEY, status TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT NOT NULL, archive TEXT,
      bytes INTEGER, files INTEGER, file_bytes INTEGER, tables INTEGER, dump_bytes INTEGER, sane INTEGER NOT NULL,
      warnings TEXT NOT NULL, destinations TEXT NOT NULL
    ) STRICT;`)
  database
    .prepare('INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run('old', 'completed', AT, AT, 'old.zip', 5, 1, 2, null, null, 1, '[]', JSON.stringify([at('nas')]))
  database.close()
}

describe('a store of the first version', () => {
  test('is read as it is, without a change to its file', async (t) => {
    const folder = await tempFolder(t)
    firstVersion(folder)
    const store = SqliteState.openToRead(folder)
    assert.equal(await store?.lastVerification(), null)
    assert.deepEqual(await store?.sentArchive('old.zip'), {
      bytes: 5,
      digests: null,
      destinations: ['nas'],
      sane: true,
    })
    store?.close()
    const database = new DatabaseSync(path.join(folder, 'state.sqlite'), { readOnly: true })
    assert.equal(database.prepare("SELECT count(*) AS n FROM pragma_table_info('runs')").get()?.['n'], 13)
    database.close()
  })

  test('keeps its rows when it is opened for writing, and takes new ones', async (t) => {
    const folder = await tempFolder(t)
    firstVersion(folder)
    for (let n = 0; n < 2; n += 1) {
      await opened(folder, async (store) => {
        assert.equal(await store.copies(), 1 + n)
        await store.saveRun(record(String(n), { archive: `${n}.zip`, digests: DIGESTS, destinations: [at('nas')] }))
        await store.saveVerification({ archive: 'old.zip', at: AT, ok: true, method: 'deep' }, [])
        assert.deepEqual(await store.sentArchive('old.zip'), {
          bytes: 5,
          digests: null,
          destinations: ['nas'],
          sane: true,
        })
        assert.deepEqual((await store.sentArchive(`${n}.zip`))?.digests, DIGESTS)
        assert.equal((await store.lastVerification())?.ok, true)
      })
    }
  })
})
