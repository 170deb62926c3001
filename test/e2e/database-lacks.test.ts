/** A database of which a dump cannot hold everything: the backup is stored, and says what it lacks. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DryRunResult } from '../../src/stages/contract/results.ts'
import { findProgram, startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, onlyNas, type Rig, type Settings } from '../support/rig.ts'
import { readManifest } from '../support/zip-entries.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
  await server.query('CREATE DATABASE studies_db; CREATE TABLE studies_db.studies (id INT)')
})
after(() => server.close())

const database = (change: Settings = {}): Settings => ({
  database: { socket: server.socket, user: server.user, password: server.password, ...change },
})

async function plan(rig: Rig): Promise<{ readonly code: number | null; readonly result: DryRunResult }> {
  const { code, stdout } = await rig.cli('run', '--dry-run', '--json')
  return { code, result: JSON.parse(stdout) as DryRunResult }
}

test('a view that cannot be dumped is left out, its definition is in the manifest, and the run ends with 3', async (t) => {
  await server.query(`CREATE DATABASE viewer; CREATE TABLE viewer.gone (id INT);
    CREATE VIEW viewer.worklist AS SELECT id FROM viewer.gone; DROP TABLE viewer.gone;
    CREATE TABLE viewer.studies (id INT); INSERT INTO viewer.studies VALUES (1), (2)`)
  const rig = await makeRig(t, { ...onlyNas, ...database({ name: 'viewer' }) })
  await rig.put('a.dcm', 'x')
  const { code, result } = await rig.run()
  assert.equal(code, 3, JSON.stringify(result))
  assert.deepEqual(
    result.warnings.map((one) => one.code),
    ['dump-views'],
  )
  assert.match(result.warnings[0]!.message, /is missing 1 view \(worklist: .*\(1356\)\)/)
  const [head] = await readManifest(path.join(rig.nas, result.archive!.name))
  const { leftOut } = head!['database'] as { readonly leftOut: readonly Record<string, string>[] }
  assert.deepEqual(leftOut, [
    {
      view: 'worklist',
      reason: leftOut[0]?.['reason'],
      definition:
        'CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `worklist` AS select `viewer`.`gone`.`id` AS `id` from `gone`',
    },
  ])
  const back = await rig.cli('restore', '--database', 'viewer_back', '--json')
  assert.equal(back.code, 3, back.stdout)
  const { warnings } = JSON.parse(back.stdout) as { readonly warnings: readonly { readonly code: string }[] }
  assert.deepEqual(
    warnings.map((one) => one.code),
    ['dump-views'],
  )
  assert.deepEqual(await server.query('SELECT COUNT(*) AS n FROM studies', 'viewer_back'), [{ n: '2' }])

  // Once the view is repaired a backup has all of it again.
  await server.query('CREATE TABLE viewer.gone (id INT)')
  assert.equal((await rig.run()).code, 0)
})

test('a plan warns of what the run would warn of: views that cannot be dumped, and names that are escaped', async (t) => {
  await server.query(`CREATE DATABASE broken; CREATE TABLE broken.gone (id INT);
    CREATE VIEW broken.worklist AS SELECT id FROM broken.gone; DROP TABLE broken.gone`)
  const rig = await makeRig(t, { ...onlyNas, ...database({ name: 'broken' }) })
  await rig.put('a.dcm', 'x')
  if (process.platform === 'linux') {
    await writeFile(Buffer.concat([Buffer.from(`${rig.root}/caf`), Buffer.of(0xe9)]), 'byte')
    await rig.put('caf%E9', 'percent')
  }
  const planned = await plan(rig)
  const run = await rig.run()
  assert.deepEqual([planned.code, run.code], [3, 3])
  assert.deepEqual(planned.result.warnings, run.result.warnings)
  assert.deepEqual(
    planned.result.warnings.map(({ code }) => code),
    process.platform === 'linux' ? ['dump-views', 'names-escaped'] : ['dump-views'],
  )
})

describe('a database that this program cannot sign in to', () => {
  /** The real dump program, which signs in to the server by an account of its own or, with `words`, fails with them. */
  async function ownDump(rig: Rig, words: string | null): Promise<string> {
    const program = path.join(rig.folder, 'own-dump')
    const real = findProgram('mariadb-dump') ?? ''
    const asked = `case "$2" in --version|--help) exec ${real} "$@";; esac`
    const own = `exec ${real} --no-defaults --socket=${server.socket} --user=root studies_db`
    await writeFile(program, `#!/bin/sh\n${asked}\n${words === null ? own : `echo "${words}" >&2; exit 2`}\n`, {
      mode: 0o755,
    })
    return program
  }

  test('is reported, and the plan has all else, where the dump program can', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    const dumpCommand = await ownDump(rig, null)
    await rig.configure({ ...onlyNas, ...database({ name: 'studies_db', password: 'wrong', dumpCommand }) })
    const { code, result } = await plan(rig)
    assert.equal(code, 3, JSON.stringify(result))
    assert.deepEqual(
      [result.files, result.database, result.destinations.map(({ fits }) => fits)],
      [1, { name: 'studies_db', estimatedBytes: null }, [true]],
    )
    const [warning] = result.warnings
    assert.equal(warning?.code, 'database-not-inspected')
    assert.match(
      warning.message,
      /^The dump program can sign in to the database studies_db, but .* not in the estimate\. .*Access denied/,
    )
    const people = await rig.cli('run', '--dry-run')
    assert.match(people.stdout, /Database\s+studies_db, size unknown/)
    const run = await rig.run()
    assert.deepEqual([run.code, run.result.warnings.map((one) => one.code)], [3, ['database-not-inspected']])
  })

  test('fails the plan as it fails the run, where the dump program cannot either', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    const dumpCommand = await ownDump(rig, 'mariadb-dump: Got error: 1045: Access denied')
    await rig.configure({ ...onlyNas, ...database({ name: 'studies_db', password: 'wrong', dumpCommand }) })
    const { code, stdout } = await rig.cli('run', '--dry-run', '--json')
    assert.equal(code, 1)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'E_AUTH')
  })
})
