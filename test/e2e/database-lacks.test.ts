/** A database of which a dump cannot hold everything: the backup is stored, and says what it lacks. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, onlyNas } from '../support/rig.ts'
import { readManifest } from '../support/zip-readers.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

test('a view that cannot be dumped is left out, its definition is in the manifest, and the run ends with 3', async (t) => {
  await server.query(`CREATE DATABASE viewer; CREATE TABLE viewer.gone (id INT);
    CREATE VIEW viewer.worklist AS SELECT id FROM viewer.gone; DROP TABLE viewer.gone;
    CREATE TABLE viewer.studies (id INT); INSERT INTO viewer.studies VALUES (1), (2)`)
  const { socket, user, password } = server
  const rig = await makeRig(t, { ...onlyNas, database: { socket, user, password, name: 'viewer' } })
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
