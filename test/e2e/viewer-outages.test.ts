/** The database that has the state is down: before a run, or while one goes on. */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readdir } from 'node:fs/promises'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { openGate, type Gate } from '../support/gate.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeViewerRig, type ViewerRig } from '../support/viewer-rig.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

async function behindGate(t: TestContext): Promise<ViewerRig & { readonly gate: Gate }> {
  const gate = await openGate(t, server.socket)
  const database = { socket: undefined, host: '127.0.0.1', port: gate.port }
  return { ...(await makeViewerRig(t, server, database)), gate }
}

test('before a run: it says so, harms nothing, and the next one is as if nothing had been', async (t) => {
  const { rig, gate, pages } = await behindGate(t)
  await gate.shut()
  const folder = (await readdir(rig.folder)).sort()
  const { code, stdout } = await rig.cli('run', '--json')
  assert.equal(code, 1)
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
  assert.equal(error.code, 'E_STATE')
  assert.match(
    error.message,
    /^The state in the database viewer_\d+ at 127\.0\.0\.1:\d+ cannot be used: .*ECONNREFUSED.*\. Nothing was started; earlier backups are unchanged\. Check that the database server is running/,
  )
  assert.deepEqual((await readdir(rig.folder)).sort(), folder)
  for (const command of ['status', 'resume']) assert.equal((await rig.cli(command, '--json')).code, 1, command)
  const people = await rig.cli('run')
  assert.match(people.stderr, /Code +E_STATE/)
  await gate.open()
  assert.equal((await rig.run()).code, 0)
  assert.equal((await pages()).backedUp, 3)
})

test('while a run goes on: it stores its archive everywhere, and the next run records it, once', async (t) => {
  const { rig, gate, pages, query } = await behindGate(t)
  // Held back until the database is down.
  rig.dropbox.faults.add({ route: 'finish', fault: { kind: 'delay', ms: 1500, at: 'arrival' } })
  const running = rig.cliWith({}, 'run', '--json')
  while (rig.dropbox.requests.count('finish') === 0) await sleep(10)
  await gate.shut()
  const first = await running
  const result = JSON.parse(first.stdout) as RunResult
  assert.equal(first.code, 3, first.stdout)
  assert.deepEqual(
    result.destinations.map(({ status }) => status),
    ['completed', 'completed', 'completed'],
  )
  assert.deepEqual(
    result.warnings.map(({ code }) => code),
    ['state-unusable'],
  )
  assert.equal((await pages()).backedUp, 0)
  assert.equal((await rig.visible()).length, 3)

  await gate.open()
  const second = await rig.run()
  assert.equal(second.result.runId, result.runId)
  assert.equal(second.result.archive?.name, result.archive?.name)
  assert.deepEqual(
    second.result.destinations.map(({ status, bytesSent }) => [status, bytesSent]),
    [
      ['completed', 0],
      ['completed', 0],
      ['completed', 0],
    ],
  )
  assert.equal(second.code, 0, JSON.stringify(second.result))
  const shown = await pages()
  assert.equal(shown.backedUp, 3)
  assert.deepEqual(
    shown.accounts.map(([, , status]) => status),
    ['success', 'success'],
  )
  assert.equal((await query('SELECT 1 FROM dicom_backup_runs')).length, 1)
  const third = await rig.run()
  assert.equal(third.code, 0)
  assert.notEqual(third.result.runId, result.runId)
  assert.equal((await pages()).backedUp, 6)
})

test('for a moment of a run: nobody notices, and the lock is held again', async (t) => {
  const { rig, gate, pages, name } = await behindGate(t)
  rig.dropbox.faults.add({ route: 'finish', fault: { kind: 'delay', ms: 3000, at: 'arrival' } })
  const running = rig.cliWith({}, 'run', '--json')
  while (rig.dropbox.requests.count('finish') === 0) await sleep(10)
  await gate.shut()
  await gate.open()
  for (;;) {
    const [row] = await server.query(`SELECT IS_USED_LOCK('dicom-backup:${name}') AS id`)
    if (row?.['id'] != null) break
    await sleep(20)
  }
  const { code, stdout } = await running
  assert.equal(code, 0, stdout)
  assert.equal((await pages()).backedUp, 3)
  const [row] = await server.query(`SELECT IS_USED_LOCK('dicom-backup:${name}') AS id`)
  assert.equal(row?.['id'], null)
})
