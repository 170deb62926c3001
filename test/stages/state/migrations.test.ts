/** The record of runs, brought from version to version by processes that are killed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { RECORD_FORMAT } from '../../../src/stages/state/migrations.ts'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import { at, record } from '../../conformance/state.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const STATE = pathToFileURL(path.resolve(import.meta.dirname, '../../../src/stages/state/sqlite-state.ts')).href

/** Opens a state, and is killed before its n-th statement that writes. */
const KILLED = (folder: string, nth: number): string => `
  import { DatabaseSync } from 'node:sqlite'
  import { SqliteState } from ${JSON.stringify(STATE)}
  const exec = DatabaseSync.prototype.exec
  let count = 0
  DatabaseSync.prototype.exec = function (sql) {
    if ((count += 1) === ${nth}) process.kill(process.pid, 'SIGKILL')
    return exec.call(this, sql)
  }
  await SqliteState.open(${JSON.stringify(folder)}).close()`

/** A record as the first version made it, with one run. */
function firstVersion(folder: string): void {
  const database = new DatabaseSync(path.join(folder, 'state.sqlite'))
  database.exec(`
    CREATE TABLE runs (
      run_id TEXT PRIMARY KEY, status TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT NOT NULL, archive TEXT,
      bytes INTEGER, files INTEGER, file_bytes INTEGER, tables INTEGER, dump_bytes INTEGER, sane INTEGER NOT NULL,
      warnings TEXT NOT NULL, destinations TEXT NOT NULL
    ) STRICT;`)
  const time = '2026-11-23T12:00:00+01:00'
  database
    .prepare(
      'INSERT INTO runs (run_id, status, started_at, finished_at, archive, bytes, sane, warnings, destinations) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    .run('old', 'completed', time, time, 'old.zip', 5, 1, '[]', JSON.stringify([at('nas')]))
  database.close()
}

function facts(folder: string): { readonly version: unknown; readonly schema: unknown } {
  const database = new DatabaseSync(path.join(folder, 'state.sqlite'))
  const [version] = Object.values(database.prepare('PRAGMA user_version').get() ?? {})
  const columns = database
    .prepare('SELECT name, type, pk, "notnull" FROM pragma_table_info(\'runs\') ORDER BY cid')
    .all()
  database.close()
  return { version, schema: columns.map((row) => Object.values(row)) }
}

async function newState(folder: string): Promise<void> {
  await SqliteState.open(folder).close()
}

describe('the record of runs', () => {
  test('killed before any step to the newest version, it is one of the versions, and the next process completes it', async (t) => {
    const fresh = await tempFolder(t)
    await newState(fresh)
    const newest = facts(fresh)
    assert.equal(newest.version, RECORD_FORMAT.version)
    for (const has of ['nothing', 'the first columns'] as const) {
      for (let nth = 1; ; nth += 1) {
        const folder = await tempFolder(t)
        if (has !== 'nothing') firstVersion(folder)
        const { signal, status, stderr } = spawnSync(process.execPath, [
          '--input-type=module',
          '-e',
          KILLED(folder, nth),
        ])
        assert.ok(signal === 'SIGKILL' || status === 0, stderr.toString())
        // Nobody stopped it: it has come to its end.
        if (signal === null) {
          assert.ok(nth > 4, `${has}: killed ${nth - 1} times`)
          assert.deepEqual(facts(folder), newest)
          break
        }
        const state = SqliteState.open(folder)
        await state.saveRun(record('new', { archive: 'new.zip', destinations: [at('nas')] }))
        assert.equal(await state.copies(), has === 'nothing' ? 1 : 2, `${has}, killed before statement ${nth}`)
        await state.close()
        const { version, schema } = facts(folder)
        assert.deepEqual([version, schema], [newest.version, newest.schema], `${has}, killed before statement ${nth}`)
      }
    }
  })

  test('of a newer version it is refused, to read and to write, and keeps its bytes', async (t) => {
    const folder = await tempFolder(t)
    await newState(folder)
    const file = path.join(folder, 'state.sqlite')
    const database = new DatabaseSync(file)
    database.exec(`PRAGMA user_version = ${RECORD_FORMAT.version + 1}`)
    database.close()
    copyFileSync(file, path.join(folder, 'copy'))
    for (const open of [() => SqliteState.open(folder), () => SqliteState.openToRead(folder)]) {
      assert.throws(open, {
        code: 'E_STATE',
        message: `The file ${file} in the state folder was made by a newer version of dicom-backup: the record of runs has a format that is unknown here.`,
        advice: /^Nothing was changed, and stored backups are safe\. Update dicom-backup on this machine/,
      })
    }
    assert.deepEqual(readFileSync(file), readFileSync(path.join(folder, 'copy')))
  })
})
