/** Destinations that take several requests at once, on their way through kills, stops, failures and slowness. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { ByteSource, ByteWorld } from '../../support/byte-source.ts'
import { deliverTo } from '../../support/deliver-to.ts'
import { memoryDestination } from '../../support/memory-destination.ts'
import type { Call } from '../../support/observed.ts'
import { ResumeRig, type Ended } from '../../support/resume-rig.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { dice } from '../../support/window-watch.ts'

const MIB = 1 << 20
const ENTRIES = [1 * MIB, 3 * MIB, 4 * MIB + 7, MIB / 2]
/** The first takes three at once, the second one. */
const REQUEST = MIB
const REQUESTS = [REQUEST, PART_BYTES]
const IN_FLIGHT = 3
const archiveOf = (rig: ResumeRig): Buffer => rig.world.whole()

/** What d0 does between a call's arrival and its answer. */
type Before = (call: string) => Promise<void>

const rigIn = (folder: string, before: Before): ResumeRig =>
  new ResumeRig(folder, new ByteWorld(ENTRIES), REQUESTS, [{ inFlight: IN_FLIGHT, before }])

function mustBeStored({ delivery }: Ended, rig: ResumeRig): void {
  for (const { error } of delivery.outcomes) assert.equal(error, null)
  for (const object of rig.objects()) assert.ok(object?.equals(archiveOf(rig)))
}

/** Requests take a while, each another one, so that several are under way and end in any order. */
function uneven(seed: number): { readonly before: Before; readonly most: () => number } {
  const roll = dice(seed)
  let now = 0
  let most = 0
  const before = async (call: string): Promise<void> => {
    if (call !== 'append') return
    most = Math.max(most, (now += 1))
    for (let n = roll(30); n > 0; n -= 1) await turn()
    now -= 1
  }
  return { before, most: () => most }
}

const isAppend = ({ destination, name }: Call): boolean => destination === 'd0' && name === 'append'

describe('a destination that takes several requests at once', { timeout: 600_000 }, () => {
  test('gets as many as it takes and no more, each where the one before it ends', async (t) => {
    const { before, most } = uneven(1)
    const rig = rigIn(await tempFolder(t), before)
    const ended = await rig.run()
    mustBeStored(ended, rig)
    assert.equal(most(), IN_FLIGHT)
    const offsets = ended.calls.filter(isAppend)
    assert.deepEqual(
      offsets.map(({ offset }) => offset),
      offsets.map((_, n) => n * REQUEST),
    )
    assert.deepEqual(rig.sent, [archiveOf(rig).length, archiveOf(rig).length])
  })

  test('killed at every third step, a later process goes on where it was acknowledged without a gap', async (t) => {
    const root = await tempFolder(t)
    let gaps = 0
    for (let killAt = 1; ; killAt += 3) {
      const rig = rigIn(path.join(root, String(killAt)), uneven(killAt).before)
      const first = await rig.run({ killAt })
      if (!first.killed) {
        assert.ok(killAt > 30, `the loop went through every step: ${killAt}`)
        break
      }
      const before = await rig.found()
      const noted = before.uploads.get('d0')?.held ?? 0
      if ((rig.sent[0] ?? 0) - noted > REQUEST) gaps += 1
      const second = await rig.run()
      mustBeStored(second, rig)
      const allowed = archiveOf(rig).length + 3 * REQUEST
      assert.ok(
        (rig.sent[0] ?? 0) <= allowed,
        `${rig.sent[0]} sent, killed at ${killAt}: what was under way, once more`,
      )
      const begins = [...first.calls, ...second.calls].filter(
        (call) => call.name === 'begin' && call.destination === 'd0',
      )
      assert.ok(begins.length <= 2)
    }
    assert.ok(gaps > 0, 'several were under way at some kill')
  })

  test('stopped at any call, those under way come to their end and count, and nothing is sent twice', async (t) => {
    const root = await tempFolder(t)
    for (let stopAt = 1; ; stopAt += 1) {
      const rig = rigIn(path.join(root, String(stopAt)), uneven(stopAt).before)
      const stop = new AbortController()
      let begun = 0
      const first = await rig.run({
        signal: stop.signal,
        onCall: (call) => {
          if (!call.answered && (begun += 1) === stopAt) stop.abort(new BackupError('E_ABORTED', 'stopped'))
        },
      })
      if (begun < stopAt) break
      for (const { error } of first.delivery.outcomes) assert.ok(error === null || error.code === 'E_ABORTED')
      const found = await rig.found()
      assert.equal(found.uploads.get('d0')?.held ?? 0, rig.sent[0], `stopped at ${stopAt}: noted is what was sent`)
      mustBeStored(await rig.run(), rig)
      assert.equal(rig.sent[0], archiveOf(rig).length)
    }
  })

  test('one of several that fails for good ends its upload once the others have ended, and nobody else’s', async (t) => {
    for (const nth of [1, 2, 3, 4]) {
      let appends = 0
      let running = 0
      let isFull = true
      const rig = rigIn(await tempFolder(t), async (call) => {
        if (call !== 'append' || !isFull) return
        const isIt = (appends += 1) === nth
        running += 1
        for (let n = isIt ? 3 : 10; n > 0; n -= 1) await turn()
        running -= 1
        if (isIt) throw new BackupError('E_QUOTA', 'full')
      })
      const first = await rig.run()
      isFull = false
      const [d0, d1] = first.delivery.outcomes
      assert.equal(d0?.error?.code, 'E_QUOTA')
      assert.equal(d1?.error, null)
      assert.equal(running, 0)
      const { uploads } = await rig.found()
      assert.ok((uploads.get('d0')?.held ?? 0) <= (nth - 1) * REQUEST, 'nothing behind the gap is noted')
      mustBeStored(await rig.run(), rig)
    }
  })

  test('what it lost although it had acknowledged it is found missing at the end, and the upload begins again', async (t) => {
    for (const keep of [0, REQUEST, 2 * REQUEST]) {
      const rig = rigIn(await tempFolder(t), uneven(keep).before)
      let appends = 0
      const first = await rig.run({
        onCall: (call) => {
          if (isAppend(call) && call.answered && (appends += 1) === 4) rig.far[0]?.lose(keep)
        },
      })
      mustBeStored(first, rig)
      const names = first.calls.filter(({ destination }) => destination === 'd0').map(({ name }) => name)
      assert.equal(names.filter((name) => name === 'begin').length, 2)
      assert.equal(names.filter((name) => name === 'commit').length, 2)
    }
  })

  test('answers that are lost, every other of them, are tried again one by one', async (t) => {
    const policy = { firstPauseMs: 1, longestPauseMs: 3, budgetMs: 20_000, openingBudgetMs: 20_000 }
    const roll = dice(7)
    let appends = 0
    let lost = 0
    const rig = rigIn(await tempFolder(t), async (call) => {
      if (call !== 'append') return
      const isLost = (appends += 1) % 2 === 1
      for (let n = roll(6); n > 0; n -= 1) await turn()
      if (!isLost) return
      lost += 1
      throw new BackupError('E_DESTINATION', 'lost', { remedy: lost % 2 === 0 ? 'resume' : 'retry' })
    })
    const ended = await rig.run({ wrap: (inner) => withRetry(inner, { policy }) })
    mustBeStored(ended, rig)
    assert.ok(lost > 7)
    assert.equal(ended.calls.filter(({ name, destination }) => name === 'begin' && destination === 'd0').length, 1)
  })

  for (const inFlight of [2, 4]) {
    test(`too slow for another, with ${inFlight} under way, it is let go and gets the same bytes`, async (t) => {
      const world = new ByteWorld(Array.from({ length: 27 }, () => 3 * MIB + 5))
      let appends = 0
      const hanging = Promise.withResolvers<undefined>()
      const several = memoryDestination('several', {
        requestBytes: 3 * MIB,
        inFlight,
        before: async (call) => {
          if (call !== 'append') return
          // The second holds up all until the other one is done; what comes with it ends.
          if ((appends += 1) === 2) await hanging.promise
          else await sleep(appends % 3)
        },
      })
      const fast = memoryDestination('fast', { requestBytes: 8 * MIB })
      const all: readonly Destination[] = [several, fast]
      const { outcomes } = await deliverTo(t, new ByteSource(world), all, {
        stallPolicy: { graceMs: 5, share: 0 },
        onOutcome: ({ destination }) => {
          if (destination === fast) hanging.resolve(undefined)
        },
      })
      for (const { error } of outcomes) assert.equal(error, null)
      for (const { objects } of [several, fast]) assert.ok(objects.get('a.zip')?.equals(world.whole()))
      assert.equal(several.calls.filter((call) => call === 'begin').length, 1)
    })
  }

  test('requests under way at once carry no more than the window gives', async (t) => {
    const world = new ByteWorld(Array.from({ length: 20 }, () => 5 * MIB))
    let now = 0
    let most = 0
    const two = Promise.withResolvers<undefined>()
    const inner = memoryDestination('large', { requestBytes: 16 * MIB, inFlight: 5 })
    const counting: Destination = {
      ...inner,
      begin: async (object, signal) => {
        const upload = await inner.begin(object, signal)
        return {
          ...upload,
          append: async (offset, chunks, given) => {
            most = Math.max(most, (now += 1))
            if (now === 2) two.resolve(undefined)
            // Those that have met stay a while: a third would come now.
            await two.promise
            await sleep(20)
            now -= 1
            return await upload.append(offset, chunks, given)
          },
        }
      },
    }
    const { outcomes } = await deliverTo(t, new ByteSource(world), [counting])
    assert.equal(outcomes[0]?.error, null)
    assert.equal(most, 2, '32 MiB')
  })
})
