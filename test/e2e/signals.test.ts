/** A run that a person stops: what is under way is finished, and the next run goes on there. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import type { RunResult, StatusResult } from '../../src/stages/contract/results.ts'
import { putZeros } from '../support/held-up.ts'
import { makeRig, type Rig, type Settings } from '../support/rig.ts'
import { mustBeEverywhere, openRuns } from '../support/scenario.ts'
import { requestsOf } from '../support/small-rig.ts'

const WINDOWS = process.platform === 'win32' && 'Windows has no signals to send'
const MIB = 1024 * 1024

type Kill = (signal: NodeJS.Signals) => boolean

/**
 * 64 MiB to services that take 2 and 3 MiB of a second, in requests of 4: more than the window has, so that the archive
 * is not made to its end.
 */
async function slowRig(t: TestContext): Promise<Rig> {
  const { destinations } = requestsOf({ dropbox: 4 * MIB, drive: 4 * MIB, nas: 4 * MIB })
  const services = (destinations as readonly Settings[]).slice(0, 2)
  const rig = await makeRig(t, { destinations: services, archive: { compression: 'store' } })
  await rig.put('0 first', 'x')
  await putZeros(rig, 'large', 64 * MIB)
  rig.dropbox.faults.add({ route: 'append', nth: 'every', fault: { kind: 'slow', bytesPerSecond: 3 * MIB } })
  rig.drive.faults.add({ route: 'chunk', nth: 'every', fault: { kind: 'slow', bytesPerSecond: 2 * MIB } })
  return rig
}

/** Waits until both services are in the middle of their second request. */
async function inFlight(rig: Rig): Promise<void> {
  const isIn = (standIn: Rig['dropbox'] | Rig['drive'], route: string): boolean => {
    const requests = standIn.requests.latest(route)
    return requests.length >= 2 && requests.at(-1)?.status === null && (requests.at(-1)?.bytes ?? 0) > 0
  }
  while (!(isIn(rig.dropbox, 'append') && isIn(rig.drive, 'chunk'))) await sleep(2)
}

/** `run --json`, with signals when it is under way: one after the other. */
async function stopped(rig: Rig, ...signals: readonly NodeJS.Signals[]) {
  const kill = async (child: { readonly kill: Kill }): Promise<void> => {
    await inFlight(rig)
    for (const signal of signals) {
      child.kill(signal)
      await sleep(100)
    }
  }
  const { code, stdout } = await rig.cliWith({ onStart: (child) => void kill(child) }, 'run', '--json')
  return { code, result: stdout === '' ? null : (JSON.parse(stdout) as RunResult) }
}

async function statusOf(rig: Rig): Promise<StatusResult> {
  return JSON.parse((await rig.cli('status', '--json')).stdout) as StatusResult
}

async function mustBeOpen(rig: Rig): Promise<void> {
  assert.deepEqual(await rig.visible(), [], 'nothing looks like a backup')
  assert.equal((await openRuns(rig)).length, 1)
}

/** What the services hold, of the answers that they gave: each byte of an answered request. */
function answered(rig: Rig): { readonly dropbox: number; readonly drive: number } {
  const sum = (standIn: Rig['dropbox'] | Rig['drive'], route: string): number =>
    standIn.requests.latest(route).reduce((all, { bytes, status }) => all + (status === null ? 0 : bytes), 0)
  return { dropbox: sum(rig.dropbox, 'append'), drive: sum(rig.drive, 'chunk') }
}

describe('a run that is stopped', { skip: WINDOWS, concurrency: 3 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`by ${signal} finishes its requests, exits with 130, and the next run goes on there`, async (t) => {
      const rig = await slowRig(t)
      const { code, result } = await stopped(rig, signal)
      assert.equal(code, 130, JSON.stringify(result))
      assert.equal(result?.status, 'interrupted')
      assert.deepEqual([result.resumed, result.archive], [false, null])
      assert.deepEqual(
        result.destinations.map(({ status, error }) => [status, error?.code]),
        Array(2).fill(['interrupted', 'E_ABORTED']),
      )
      await mustBeOpen(rig)
      const held = answered(rig)
      const { interruptedRun: open } = await statusOf(rig)
      assert.deepEqual(
        open?.destinations.map(({ status, heldBytes }) => [status, heldBytes]),
        [
          ['interrupted', held.dropbox],
          ['interrupted', held.drive],
        ],
        'what the services took of the requests under way is known',
      )
      const requests = [...rig.dropbox.requests.latest('append'), ...rig.drive.requests.latest('chunk')]
      assert.ok(
        requests.every(({ status }) => status !== null),
        'each request was answered',
      )
      const sent = result.destinations.map((one) => one.bytesSent)

      rig.dropbox.faults.clear()
      rig.drive.faults.clear()
      const next = await rig.run()
      assert.equal(next.code, 0, JSON.stringify(next.result))
      assert.deepEqual([next.result.resumed, next.result.runId], [true, result.runId])
      assert.equal(next.result.archive?.name, open?.archive)
      assert.deepEqual(
        next.result.destinations.map((one, index) => one.bytesSent + sent[index]!),
        Array(2).fill(next.result.archive?.bytes),
        'no byte was sent twice',
      )
      await mustBeEverywhere(rig, next.result)
    })
  }

  test('twice exits with 130 at once; the next run goes on all the same', async (t) => {
    const rig = await slowRig(t)
    const { code, result } = await stopped(rig, 'SIGINT', 'SIGINT')
    assert.deepEqual([code, result], [130, null])
    await mustBeOpen(rig)
    assert.ok(
      rig.dropbox.requests.latest('append').some(({ status }) => status === null),
      'a request was not finished',
    )
    rig.dropbox.faults.clear()
    rig.drive.faults.clear()
    const next = await rig.run()
    assert.deepEqual([next.code, next.result.resumed], [0, true], JSON.stringify(next.result))
    await mustBeEverywhere(rig, next.result)
    for (const { name, bytesSent } of next.result.destinations) {
      assert.ok(bytesSent < next.result.archive!.bytes, `${name} holds some of it already`)
    }
  })

  test('by SIGKILL leaves nothing that looks like a backup, and no lock; the next run goes on', async (t) => {
    const rig = await slowRig(t)
    await stopped(rig, 'SIGKILL')
    await mustBeOpen(rig)
    rig.dropbox.faults.clear()
    rig.drive.faults.clear()
    const { code, result } = await rig.run()
    assert.deepEqual([code, result.resumed], [0, true], JSON.stringify(result))
    await mustBeEverywhere(rig, result)
  })

  test('while it dumps has sent nothing, and is not in the way of the next run', async (t) => {
    const rig = await makeRig(t)
    const dump = path.join(rig.folder, 'mysqldump')
    const script = [
      '#!/bin/sh',
      'case "$*" in *--version*) echo "mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server)"; exit;; esac',
      `echo started >> '${rig.folder}/dumps'`,
      'exec sleep 60',
    ]
    await writeFile(dump, script.join('\n'), { mode: 0o755 })
    await rig.configure({ database: { user: 'x', password: 'y', name: 'z', port: 1, dumpCommand: dump } })
    await rig.put('a.dcm', 'x')
    const kill = async (child: { readonly kill: Kill }): Promise<void> => {
      while (!existsSync(path.join(rig.folder, 'dumps'))) await sleep(2)
      child.kill('SIGINT')
    }
    const { code, stdout } = await rig.cliWith({ onStart: (child) => void kill(child) }, 'run', '--json')
    assert.equal(code, 130, stdout)
    assert.deepEqual(
      (JSON.parse(stdout) as RunResult).destinations.map(({ bytesSent }) => bytesSent),
      [0, 0, 0],
    )
    await rig.configure({})
    const next = await rig.run()
    assert.equal(next.code, 0, JSON.stringify(next.result))
    assert.deepEqual(await openRuns(rig), [])
    await mustBeEverywhere(rig, next.result)
  })

  test('while another one is active says so, and does nothing: exit 4', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.bin', randomBytes(MIB))
    rig.dropbox.pause()
    let second: Awaited<ReturnType<Rig['cli']>> | null = null
    const onStart = async (): Promise<void> => {
      while (rig.dropbox.requests.count('start') === 0) await sleep(5)
      second = await rig.cli('run', '--json')
      rig.dropbox.resume()
    }
    const first = await rig.cliWith({ onStart: () => void onStart() }, 'run', '--json')
    assert.equal(first.code, 0, first.stdout)
    const { code, stdout } = second!
    assert.equal(code, 4)
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
    assert.equal(error.code, 'E_LOCKED')
    assert.match(error.message, /process \d+, since /)
    assert.equal((await rig.visible()).length, 3)
  })
})
