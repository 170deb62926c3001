import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { RunResult } from '../../src/stages/backup/results.ts'
import { makeRig, type Rig } from '../support/rig.ts'

const WINDOWS = process.platform === 'win32' && 'Windows has no signals to send'

/** Waits until the run has opened its Dropbox session and sends. */
async function underWay(rig: Rig): Promise<void> {
  for (let n = 0; n < 2000 && rig.dropbox.requests.count('start') === 0; n += 1) await sleep(5)
  await sleep(200)
}

describe('a run that is stopped', { skip: WINDOWS }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`by ${signal} exits with 130 and leaves nothing that looks like a backup`, async (t) => {
      const rig = await makeRig(t)
      for (let n = 0; n < 30; n += 1) await rig.put(`${n}.bin`, randomBytes(1 << 20))
      rig.dropbox.pause()
      const onStart = (child: { kill: (signal: NodeJS.Signals) => boolean }): void => {
        void underWay(rig).then(() => child.kill(signal))
      }
      const { code, stdout } = await rig.cliWith({ onStart }, 'run', '--json')
      const result = JSON.parse(stdout) as RunResult
      assert.equal(code, 130, stdout)
      assert.equal(result.status, 'interrupted')
      assert.deepEqual(
        result.destinations.map(({ status }) => status),
        ['interrupted', 'interrupted', 'interrupted'],
      )
      assert.deepEqual(await rig.visible(), [])
      assert.deepEqual(await readdir(`${rig.state}/runs`), [], 'and no work folder')
      rig.dropbox.resume()
      assert.equal((await rig.run()).code, 0, 'the next run is a whole one')
    })
  }

  test('by SIGKILL leaves nothing that looks like a backup, and no lock', async (t) => {
    const rig = await makeRig(t)
    for (let n = 0; n < 30; n += 1) await rig.put(`${n}.bin`, randomBytes(1 << 20))
    rig.dropbox.pause()
    await rig.cliWith({ onStart: (child) => void underWay(rig).then(() => child.kill('SIGKILL')) }, 'run', '--json')
    assert.deepEqual(
      (await rig.visible()).filter((name) => name.endsWith('.zip')),
      [],
    )
    rig.dropbox.resume()
    const { code, result } = await rig.run()
    assert.equal(code, 0, JSON.stringify(result))
  })

  test('while another one is active says so, and does nothing: exit 4', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.bin', randomBytes(1 << 20))
    rig.dropbox.pause()
    let second: Awaited<ReturnType<Rig['cli']>> | null = null
    const first = await rig.cliWith(
      {
        onStart: () =>
          void underWay(rig).then(async () => {
            second = await rig.cli('run', '--json')
            rig.dropbox.resume()
          }),
      },
      'run',
      '--json',
    )
    assert.equal(first.code, 0, first.stdout)
    const { code, stdout } = second!
    assert.equal(code, 4)
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
    assert.equal(error.code, 'E_LOCKED')
    assert.match(error.message, /process \d+, since /)
    assert.equal((await rig.visible()).length, 3)
  })
})
