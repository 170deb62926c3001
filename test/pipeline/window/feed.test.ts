import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { lengthOf } from '../../../src/pipeline/flow/chunks.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { Feed } from '../../../src/pipeline/window/feed.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { PartReader } from '../../../src/pipeline/parts/part-reader.ts'
import { PartWindow } from '../../../src/pipeline/window/window.ts'
import { madeUp } from '../../support/byte-source.ts'
import { madeParts } from '../../support/made-parts.ts'

const never = new AbortController().signal
const KIB = 1024
const MIB = 1 << 20
const SIZE = 6 * PART_BYTES + 12_345
const archive = madeUp('archive', SIZE)

/** A window from part `begin` on, its parts put and published up to part `end`, and made parts before them. */
async function setUp(t: { after: (fn: () => unknown) => void }, begin: number, end: number) {
  const from = await madeParts(t, archive)
  const window = new PartWindow({ capacity: 8, begin: begin * PART_BYTES, readers: 1, onFree: () => undefined })
  const put = async (n: number): Promise<void> => {
    const bytes = archive.subarray(n * PART_BYTES, (n + 1) * PART_BYTES)
    await window.put({ offset: n * PART_BYTES, bytes }, never)
    window.publish(n * PART_BYTES + bytes.length)
  }
  for (let n = begin; n < end; n += 1) await put(n)
  return { from, window, put, feed: new Feed(window, new PartReader(from)) }
}

/** Takes everything from the feed's offset on. Gives the requests' lengths, and how many came from elsewhere. */
async function takeAll(feed: Feed, wanted: number, multiple: number) {
  const behind: number[] = []
  const inWindow: number[] = []
  for (;;) {
    const { offset } = feed
    const stretch = await feed.take(wanted, multiple, never)
    const length = lengthOf(stretch.chunks)
    ;(feed.isBehind ? behind : inWindow).push(length)
    assert.equal(stretch.offset, offset)
    assert.ok(archive.subarray(offset, offset + length).equals(Buffer.concat(stretch.chunks)), `${length} at ${offset}`)
    assert.equal(stretch.last, offset + length === SIZE)
    if (!stretch.last) assert.equal(length % multiple, 0, 'a multiple')
    assert.ok(length <= wanted)
    feed.release(offset + length)
    if (stretch.last) return { behind, inWindow }
  }
}

describe("a destination's feed", () => {
  test('from any byte, in requests of any size, gives every byte to the end, and joins the window on its way', async (t) => {
    const offsets = [
      0,
      1,
      256 * KIB,
      PART_BYTES - 1,
      PART_BYTES,
      2 * PART_BYTES + 3,
      4 * PART_BYTES - 1,
      SIZE - 1,
      SIZE,
    ]
    for (const [wanted, multiple] of [
      [MIB, 1],
      [3 * MIB, 256 * KIB],
      [8 * MIB, 4 * MIB],
      [12 * MIB, 256 * KIB],
    ] as const) {
      const { from, window, feed } = await setUp(t, 4, 7)
      // Another destination that is slower, so that the window stays as it is.
      const other = window.attach(4 * PART_BYTES)
      window.close()
      for (const offset of offsets) {
        feed.seek(offset)
        assert.equal(feed.isBehind, offset < 4 * PART_BYTES)
        const { behind, inWindow } = await takeAll(feed, wanted, multiple)
        assert.equal(behind.length > 0, offset < 4 * PART_BYTES, `from ${offset}`)
        assert.ok(inWindow.length > 0, 'the end comes out of the window')
        for (const length of behind) assert.ok(length <= 8 * MIB, 'small requests while it is behind')
        assert.ok(from.pool.out === 0, `${from.pool.out} parts of its own are left`)
      }
      other?.leave()
      // Now nothing stays in the window, and the end comes from elsewhere, too.
      for (const offset of [SIZE, ...offsets]) {
        feed.seek(offset)
        const { inWindow } = await takeAll(feed, wanted, multiple)
        assert.equal(inWindow.length > 0, offset === SIZE)
      }
      await feed.leave()
      assert.equal(from.pool.out, 0)
    }
  })

  test('behind, it has a few parts in memory, and gives back those it has done with', async (t) => {
    const { from, window, feed } = await setUp(t, 6, 7)
    window.close()
    feed.seek(3)
    let most = 0
    for (;;) {
      const { offset, chunks } = await feed.take(32 * MIB, 256 * KIB, never)
      if (!feed.isBehind) break
      most = Math.max(most, from.pool.out)
      const stretch = await feed.take(32 * MIB, 256 * KIB, never)
      assert.deepEqual(stretch.chunks, chunks, 'taken twice, it is the same')
      feed.release(offset + lengthOf(chunks))
    }
    assert.ok(most <= 3, `${most} parts`)
    feed.seek(100)
    await feed.take(8 * MIB, 1, never)
    await feed.leave()
    assert.equal(from.pool.out, 0)
    assert.equal(window.isDeserted, true)
  })

  test('a request that took only some of its bytes is followed by the next ones', async (t) => {
    const { window, feed } = await setUp(t, 6, 7)
    window.close()
    feed.seek(PART_BYTES - 5)
    for (let at = PART_BYTES - 5; at < SIZE;) {
      const { offset, chunks, last } = await feed.take(5 * MIB, 1, never)
      assert.equal(offset, at)
      at += last ? lengthOf(chunks) : Math.min(lengthOf(chunks), 1_000_001)
      assert.ok(archive.subarray(offset, at).equals(Buffer.concat(chunks).subarray(0, at - offset)))
      feed.release(at)
    }
    await feed.leave()
  })

  test('right behind what is published it waits for what comes', async (t) => {
    const { window, put, feed } = await setUp(t, 5, 5)
    feed.seek(5 * PART_BYTES - 100)
    let taken: number | null = null
    const taking = feed.take(4 * MIB, 256 * KIB, never).then(({ chunks }) => (taken = lengthOf(chunks)))
    for (let n = 0; n < 50; n += 1) await turn()
    assert.equal(taken, null)
    await put(5)
    assert.equal(await taking, 4 * MIB)
    await put(6)
    window.close()
    feed.seek(5 * PART_BYTES - 100)
    await takeAll(feed, 4 * MIB, 256 * KIB)
    await feed.leave()
  })

  test('waiting in either place it hears of a stop and of the failure of the source', async (t) => {
    for (const offset of [5 * PART_BYTES - 100, 5 * PART_BYTES]) {
      const { window, feed } = await setUp(t, 5, 5)
      feed.seek(offset)
      const stop = new AbortController()
      const stopped = feed.take(4 * MIB, 256 * KIB, stop.signal)
      await turn()
      stop.abort(new BackupError('E_ABORTED', 'stopped'))
      await assert.rejects(stopped, { message: 'stopped' })
      const failing = feed.take(4 * MIB, 256 * KIB, never)
      await turn()
      window.fail(new BackupError('E_DUMP', 'the dump broke off'))
      await assert.rejects(failing, { code: 'E_DUMP' })
      await feed.leave()
    }
  })

  test('before it is told where the far side is, it keeps the archive from its start', async (t) => {
    const { window, put, feed } = await setUp(t, 0, 7)
    const fast = window.attach(0)
    fast?.release(SIZE)
    assert.equal(feed.isBehind, false)
    const second = window.attach(0)
    assert.notEqual(second, null)
    second?.leave()
    feed.seek(PART_BYTES)
    assert.equal(window.attach(0), null)
    await feed.leave()
    assert.equal(window.isDeserted, true)
    await assert.rejects(put(7), { code: 'E_DESTINATION' })
  })
})
