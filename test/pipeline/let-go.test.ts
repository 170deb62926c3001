import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { RING_PARTS, WINDOW_PARTS } from '../../src/pipeline/deliver.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import { PartPool } from '../../src/pipeline/parts/part.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { ByteSource, ByteWorld } from '../support/byte-source.ts'
import { deliverTo } from '../support/deliver-to.ts'
import { memoryDestination } from '../support/memory-destination.ts'

const MIB = 1 << 20
const SOON = { graceMs: 5, share: 0 }
/** 20 parts and a bit: more than the window holds, less than the ring. */
const world = new ByteWorld(Array.from({ length: 27 }, () => 3 * MIB + 5))
const archive = world.whole()

/** What happened, in order: ends of destinations, and calls that were held back. */
function story() {
  const events: string[] = []
  const fastIsDone = Promise.withResolvers<undefined>()
  /** By how many requests the fast one has sent, or all. */
  const sent: PromiseWithResolvers<undefined>[] = []
  const isSent = (n: number): PromiseWithResolvers<undefined> => (sent[n] ??= Promise.withResolvers<undefined>())
  let appends = 0
  const fast = memoryDestination('fast', {
    requestBytes: 8 * MIB,
    before: (call) => {
      if (call === 'append') isSent((appends += 1)).resolve(undefined)
    },
  })
  /** Hangs in its second request until the fast one has all. */
  let requests = 0
  const hanging = memoryDestination('hanging', {
    requestBytes: 3 * MIB,
    before: async (call) => {
      if (call !== 'append' || (requests += 1) !== 2) return
      events.push('hanging hangs')
      await fastIsDone.promise
      events.push('hanging goes on')
    },
  })
  /** Sends one request for every two, twice as large, of the fast one. */
  let behind = 0
  const slow = memoryDestination('slow', {
    before: async (call) => {
      if (call === 'append') await Promise.race([isSent(2 * (behind += 1)).promise, fastIsDone.promise])
    },
  })
  const onOutcome = (outcome: { readonly destination: { readonly name: string } }): void => {
    const { name } = outcome.destination
    events.push(`${name} ended`)
    if (name === 'fast') fastIsDone.resolve(undefined)
  }
  return { events, onOutcome, all: [hanging, slow, fast], fastIsDone }
}

describe('destinations that are too slow for the others', { timeout: 600_000 }, () => {
  for (const slots of [RING_PARTS, 2]) {
    const where = slots === 2 ? 'made again from the source' : 'out of the ring'
    test(`they hold nobody up, and get the same bytes ${where}`, async (t) => {
      const { events, onOutcome, all } = story()
      const source = new ByteSource(world)
      const { outcomes, failure } = await deliverTo(t, source, all, { slots, stallPolicy: SOON, onOutcome })
      assert.equal(failure, null)
      // Which of the slow and the hanging one ends first is a matter of the machine.
      assert.deepEqual(
        events.filter((event) => event !== 'slow ended'),
        ['hanging hangs', 'fast ended', 'hanging goes on', 'hanging ended'],
      )
      assert.ok(events.indexOf('slow ended') > events.indexOf('fast ended'))
      for (const [n, { objects, calls }] of all.entries()) {
        assert.equal(outcomes[n]?.stored?.bytes, archive.length)
        assert.ok(objects.get('a.zip')?.equals(archive))
        assert.equal(calls.filter((call) => call === 'begin').length, 1, 'nobody began again')
      }
      if (slots === RING_PARTS) assert.deepEqual(source.remakes, [], 'the source was not touched again')
      else assert.ok(source.remakes.length > 0)
      // Each goes on in one reading as long as it can; the slow one, beside a source that grows, in a few.
      assert.ok(source.remakes.length <= 2 + WINDOW_PARTS, `made again ${source.remakes.length} times`)
    })
  }

  test('what they need in memory is bounded, and all of it is given back', async (t) => {
    const pool = { out: 0, most: 0, buffers: new Set<ArrayBufferLike>() }
    const take = Reflect.get(PartPool.prototype, 'take')
    const recycle = Reflect.get(PartPool.prototype, 'recycle')
    t.mock.method(PartPool.prototype, 'take', function (this: PartPool) {
      const buffer = take.call(this)
      pool.buffers.add(buffer.buffer)
      pool.out += 1
      pool.most = Math.max(pool.most, pool.out)
      return buffer
    })
    t.mock.method(PartPool.prototype, 'recycle', function (this: PartPool, part: { readonly bytes: Uint8Array }) {
      pool.out -= 1
      recycle.call(this, part)
    })
    const { onOutcome, all } = story()
    await deliverTo(t, new ByteSource(world), all, { slots: 2, stallPolicy: SOON, onOutcome })
    for (const { objects } of all) assert.ok(objects.get('a.zip')?.equals(archive))
    // The window, the part being filled and the one that waits for room; for each that is behind three of its own, and
    // the parts of a request that was under way when it was let go.
    const bound = WINDOW_PARTS + 2 + 2 * (3 + 2)
    assert.ok(pool.most <= bound, `${pool.most} parts at once, ${bound} may be`)
    assert.ok(pool.buffers.size <= pool.most, 'buffers are used again')
    assert.ok(pool.out <= 1 + WINDOW_PARTS, `${pool.out} are still out: more than a window that was deserted`)
  })

  test('one that is let go and whose bytes are gone everywhere is brought up from a whole copy', async (t) => {
    const mine = new ByteWorld(Array.from({ length: 20 }, () => 4 * MIB + 5))
    const { all, onOutcome, fastIsDone, events } = story()
    const change = (outcome: Parameters<typeof onOutcome>[0]): void => {
      if (outcome.destination.name === 'fast') mine.changeFrom(0)
      onOutcome(outcome)
    }
    const before = mine.whole()
    const [hanging, , fast] = all
    assert.ok(hanging !== undefined && fast !== undefined)
    const source = new ByteSource(mine)
    const { outcomes } = await deliverTo(t, source, [hanging, fast], { slots: 2, stallPolicy: SOON, onOutcome: change })
    await fastIsDone.promise
    assert.deepEqual(
      outcomes.map(({ error }) => error),
      [null, null],
    )
    assert.ok(hanging.objects.get('a.zip')?.equals(before))
    assert.ok(fast.calls.includes('read'), 'from the fast one')
    assert.deepEqual(events, ['hanging hangs', 'fast ended', 'hanging goes on', 'hanging ended'])
  })

  test('one whose bytes are gone everywhere, with no whole copy, is told E_SOURCE; the others are not', async (t) => {
    const mine = new ByteWorld(Array.from({ length: 20 }, () => 4 * MIB + 5))
    const gone = Promise.withResolvers<undefined>()
    const order: string[] = []
    let appended = 0
    const fast = memoryDestination('fast', {
      requestBytes: PART_BYTES,
      before: async (call) => {
        if (call === 'append' && (appended += 1) === 16) {
          mine.changeFrom(0)
          gone.resolve(undefined)
        }
        // It fails for good at the end, when the other has come to wait for it.
        if (call !== 'commit') return
        await sleep(50)
        throw new BackupError('E_QUOTA', 'full')
      },
    })
    const hanging = memoryDestination('hanging', {
      requestBytes: PART_BYTES,
      before: async (call) => {
        if (call === 'append') await gone.promise
      },
    })
    const { outcomes, failure } = await deliverTo(t, new ByteSource(mine), [fast, hanging], {
      slots: 2,
      stallPolicy: SOON,
      onOutcome: ({ destination, error }) => order.push(`${destination.name} ${error?.code ?? 'stored'}`),
    })
    assert.equal(failure, null)
    assert.deepEqual(
      outcomes.map(({ error }) => error?.code),
      ['E_QUOTA', 'E_SOURCE'],
    )
    assert.deepEqual(order, ['fast E_QUOTA', 'hanging E_SOURCE'])
  })
})
