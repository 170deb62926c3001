import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { Destination } from '../../src/pipeline/contract/destination.ts'
import { abortError, BackupError } from '../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { ByteWorld } from '../support/byte-source.ts'
import { ResumeRig } from '../support/resume-rig.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MIB = 1 << 20
const ENTRIES = [1 * MIB, 3 * MIB, 4 * MIB + 7, MIB / 2]
const REQUESTS = [PART_BYTES, 3 * MIB]

describe('a run that is stopped', { timeout: 600_000 }, () => {
  test('at any call ends those under way, notes what they brought and begins nothing; nothing is sent twice after it', async (t) => {
    const root = await tempFolder(t)
    for (let stopAt = 1; ; stopAt += 1) {
      const world = new ByteWorld(ENTRIES)
      const rig = new ResumeRig(path.join(root, String(stopAt)), world, REQUESTS)
      const stop = new AbortController()
      let begun = 0
      const { delivery, calls } = await rig.run({
        signal: stop.signal,
        onCall: async ({ answered }) => {
          if (answered) return
          begun += 1
          if (begun === stopAt) stop.abort(new BackupError('E_ABORTED', 'stopped by SIGTERM'))
          // A request takes longer than it takes the others to hear of the stop.
          if (begun >= stopAt) for (let n = 0; n < 20; n += 1) await new Promise(setImmediate)
        },
      })
      if (begun < stopAt) {
        assert.equal(delivery.failure, null)
        assert.ok(stopAt > 8, 'the loop went through every call')
        break
      }
      const isDone = delivery.outcomes.every(({ stored }) => stored !== null)
      assert.equal(delivery.failure?.message, isDone ? undefined : 'stopped by SIGTERM')
      for (const { error } of delivery.outcomes) assert.ok(error === null || error.code === 'E_ABORTED')
      assert.ok(calls.length <= stopAt + REQUESTS.length - 1, 'a call that was being made, but none after it')
      assert.ok(!calls.some(({ name }) => name === 'abort'), 'uploads stay open')
      const found = await rig.found()
      for (const [n, { name }] of rig.far.entries()) {
        assert.equal(found.uploads.get(name)?.held ?? null, found.held[n], 'noted is what is held')
        assert.equal(found.uploads.get(name)?.error ?? null, null, 'a stop is no fault of the destination')
        assert.equal(found.held[n] ?? 0, rig.sent[n], 'what was under way came to its end')
      }

      const second = await rig.run()
      assert.deepEqual(
        second.delivery.outcomes.map(({ error }) => error),
        [null, null],
      )
      for (const object of rig.objects()) assert.ok(object?.equals(world.whole()))
      assert.deepEqual(rig.sent, [world.whole().length, world.whole().length], `stopped at ${stopAt}`)
    }
  })

  test('before it begins begins nothing at all', async (t) => {
    const rig = new ResumeRig(await tempFolder(t), new ByteWorld(ENTRIES), REQUESTS)
    const { delivery, calls, source } = await rig.run({ signal: AbortSignal.abort() })
    assert.equal(delivery.failure?.code, 'E_ABORTED')
    assert.deepEqual([calls, source.beginnings], [[], []])
  })

  test('breaks off a request that takes more than half a minute longer', async (t) => {
    const rig = new ResumeRig(await tempFolder(t), new ByteWorld(ENTRIES), REQUESTS)
    const stop = new AbortController()
    const hangs = Promise.withResolvers<undefined>()
    let brokenOff = false
    const hanging = (inner: Destination): Destination => ({
      ...inner,
      begin: async (object, signal) => ({
        ...(await inner.begin(object, signal)),
        append: (_offset, _chunks, halt) =>
          new Promise((_resolve, reject) => {
            halt.addEventListener('abort', () => {
              brokenOff = true
              reject(abortError(halt))
            })
            hangs.resolve(undefined)
          }),
      }),
    })
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const running = rig.run({ signal: stop.signal, wrap: hanging })
    await hangs.promise
    stop.abort(new BackupError('E_ABORTED', 'stopped by SIGTERM'))
    t.mock.timers.tick(29_999)
    for (let n = 0; n < 20; n += 1) await new Promise(setImmediate)
    assert.equal(brokenOff, false)
    t.mock.timers.tick(1)
    const { delivery } = await running
    assert.equal(brokenOff, true)
    assert.equal(delivery.failure?.message, 'stopped by SIGTERM')
    assert.ok(delivery.outcomes.every(({ error }) => error?.code === 'E_ABORTED'))
  })
})
