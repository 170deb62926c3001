import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunResult, StatusResult } from '../../src/stages/contract/results.ts'
import { dicomBackup, type CliResult } from '../support/cli.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { startAtOnce, twoMachines } from '../support/two-machines.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

/** Each takes a second, which tells archives apart; test/long has more of them. */
const ROUNDS = 15

test(`of two machines that start a run at once one runs and the other says who does, ${ROUNDS} times`, (t) =>
  startAtOnce(t, server, ROUNDS))

test('one that is killed leaves no lock to the other, and goes on later where it was', async (t) => {
  const { viewer, configs } = await twoMachines(t, server)
  const { rig, pages } = viewer
  const at = (machine: 0 | 1, command: string, onStart?: (child: ChildProcess) => void): Promise<CliResult> =>
    dicomBackup([command, '--json', '--config', configs[machine]], onStart === undefined ? {} : { onStart })
  rig.dropbox.faults.add({ route: 'finish', fault: { kind: 'hang', at: 'arrival' } })
  const children: ChildProcess[] = []
  t.after(() => children[0]?.kill('SIGKILL'))
  const running = at(0, 'run', (child) => children.push(child))
  while (rig.dropbox.requests.count('finish') === 0) await sleep(5)
  const locked = await at(1, 'run')
  assert.equal(locked.code, 4)
  assert.match(locked.stdout, /Another backup run is active \(process \d+ on \S+, since /)
  const status = JSON.parse((await at(1, 'status')).stdout) as StatusResult
  assert.notEqual(status.running, null)
  children[0]?.kill('SIGKILL')
  await running
  const other = await at(1, 'run')
  assert.equal(other.code, 0, other.stdout)
  const resumed = JSON.parse((await at(0, 'run')).stdout) as RunResult
  assert.deepEqual([resumed.status, resumed.resumed], ['completed', true])
  assert.equal((await pages()).backedUp, 2)
})
