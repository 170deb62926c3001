import assert from 'node:assert/strict'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { lengthOf } from '../../../src/pipeline/flow/chunks.ts'
import type { WindowReader } from '../../../src/pipeline/window/window.ts'
import type { PartWindow } from '../../../src/pipeline/window/window.ts'
import { assertBytes, dice, inTime, PART, partAt, watched } from '../../support/window-watch.ts'

const never = new AbortController().signal
const AT_ONCE = { graceMs: 0, share: 0 }

function attached(window: PartWindow, offset = 0): WindowReader {
  const reader = window.attach(offset)
  assert.ok(reader)
  return reader
}

/** Counts how often somebody waits for the window to change. */
function countWaits(window: PartWindow): () => number {
  let count = 0
  const change = window.change.bind(window)
  window.change = (...args) => {
    count += 1
    return change(...args)
  }
  return () => count
}

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await turn()
}

describe('a window that is held up by its slowest reader', () => {
  test('in any order of steps nobody gets a wrong byte, and each part is freed once', async () => {
    let evict = 0
    for (let seed = 1; seed <= 300; seed += 1) {
      const roll = dice(seed)
      const capacity = 2 + roll(4)
      const total = roll(40 * PART)
      const pause = async (most: number): Promise<void> => {
        for (let n = roll(most); n > 0; n -= 1) await turn()
      }
      const readers = 2 + roll(3)
      const { window, freed, fill } = watched({ capacity, readers, stallPolicy: AT_ONCE })
      const read = async (slowness: number): Promise<number> => {
        let offset = 0
        let reader = window.attach(0)
        for (;;) {
          await pause(slowness)
          if (reader?.isAttached !== true) {
            reader?.leave()
            reader = window.attach(offset)
            if (reader === null) {
              // Its bytes come from elsewhere.
              const behind = window.published - offset
              if (behind > 0) offset += 1 + roll(behind)
              await turn()
              continue
            }
          }
          const stretch = await reader.take(1 + roll((capacity - 1) * PART), never)
          assert.equal(stretch.offset, offset)
          await pause(slowness)
          if (!reader.isAttached) evict += 1
          assertBytes(offset, stretch.chunks)
          offset += lengthOf(stretch.chunks)
          reader.release(offset)
          if (stretch.last) break
        }
        reader.leave()
        window.quit()
        return offset
      }
      const reading = Array.from({ length: readers }, (_, n) => read(1 + n * 3))
      const [ends] = await inTime(
        `seed ${seed}`,
        Promise.all([Promise.all(reading), fill(total, never, () => pause(3))]),
      )
      for (const end of ends) assert.equal(end, total)
      const all = Array.from({ length: freed.length }, (_, n) => n * PART)
      assert.deepEqual(
        freed.toSorted((a, b) => a - b),
        all,
        `seed ${seed}: none is kept for nobody`,
      )
      assert.ok(total - freed.length * PART <= capacity * PART, `seed ${seed}: what is left is a window`)
    }
    assert.ok(evict > 100, `let go ${evict} times with a request under way`)
  })

  test('with several requests under way nobody gets a wrong byte, let go or not, and the others are not held up', async () => {
    let evict = 0
    for (let seed = 1; seed <= 200; seed += 1) {
      const roll = dice(seed)
      const capacity = 3 + roll(4)
      const total = roll(40 * PART)
      const { window, fill } = watched({ capacity, readers: 2, stallPolicy: AT_ONCE })
      const [several, one] = [attached(window), attached(window)]

      /** Takes ahead of what is released, as far as the window goes; gives where it was let go, or the end. */
      const readSeveral = async (): Promise<void> => {
        const ends: number[] = []
        const running = new Set<Promise<void>>()
        const done = new Set<number>()
        for (let next = 0; ;) {
          while (running.size > 0 && ends.length >= 3) await Promise.race(running)
          const wanted = Math.min(1 + roll(2 * PART), (capacity - 1) * PART - (next - several.offset))
          const isBehind = !several.isAttached
          const stretch = wanted <= 0 || isBehind ? null : await several.takeFrom(next, wanted, never)
          if (stretch === null) {
            if (running.size > 0) {
              await Promise.race(running)
              continue
            }
            if (!several.isAttached) evict += 1
            break
          }
          assert.equal(stretch.offset, next)
          next += lengthOf(stretch.chunks)
          const end = next
          ends.push(end)
          const request = (async () => {
            for (let n = roll(12); n > 0; n -= 1) await turn()
            // Only now, as a slow request would.
            assertBytes(stretch.offset, stretch.chunks)
            done.add(end)
            while (ends[0] !== undefined && done.has(ends[0])) several.release(ends.shift() ?? 0)
          })().finally(() => running.delete(request))
          running.add(request)
          if (!stretch.last) continue
          await Promise.all(running)
          assert.equal(several.offset, total)
          break
        }
        several.leave()
        window.quit()
      }
      const readOne = async (): Promise<void> => {
        for (;;) {
          const stretch = await one.take(1 + roll((capacity - 1) * PART), never)
          assertBytes(stretch.offset, stretch.chunks)
          one.release(stretch.offset + lengthOf(stretch.chunks))
          if (stretch.last) break
        }
        one.leave()
        window.quit()
      }
      await inTime(`seed ${seed}`, Promise.all([readSeveral(), readOne(), fill(total)]))
    }
    assert.ok(evict > 20, `let go ${evict} times`)
  })

  test('parts of a request that is under way are not given back, let go or not, until it has ended', async () => {
    for (const end of ['release', 'leave', 'take again'] as const) {
      const { window, freed, fill } = watched({ capacity: 2, readers: 2, stallPolicy: AT_ONCE })
      const [slow, fast] = [attached(window), attached(window)]
      const filled = fill(8 * PART)
      const stretch = await slow.take(PART + 3, never)
      for (let at = 0; at < 6 * PART; at += PART) {
        await inTime('the fast one', fast.take(PART, never))
        fast.release(at + PART)
      }
      assert.equal(slow.isAttached, false)
      assertBytes(0, stretch.chunks)
      const others = Array.from({ length: 4 }, (_, n) => (n + 2) * PART)
      assert.deepEqual(freed, others, 'only what the fast one alone was still reading')
      if (end === 'release') slow.release(PART + 3)
      if (end === 'leave') slow.leave()
      if (end === 'take again') slow.take(1, never).catch(() => undefined)
      assert.deepEqual(freed, [...others, 0, PART], end)
      fast.release(7 * PART)
      await inTime('the source', filled)
    }
  })

  test('the slowest is let go only while another waits', async () => {
    const { window, fill } = watched({ capacity: 3, readers: 2, stallPolicy: AT_ONCE })
    const [slow, fast] = [attached(window), attached(window)]
    const stop = new AbortController()
    const filled = fill(1000 * PART, stop.signal)
    await turns(20)
    assert.equal(slow.isAttached, true, 'nobody waits')
    await fast.take(2 * PART, never)
    await turns(20)
    assert.equal(slow.isAttached, true, 'the other has something to do')
    fast.release(2 * PART)
    await inTime('the fast one', fast.take(2 * PART, never))
    assert.equal(slow.isAttached, false)
    assert.equal(fast.isAttached, true)
    assert.equal(window.attach(0), null, 'its bytes are gone from here')
    await turns(20)
    assert.equal(fast.isAttached, true, 'one always stays')
    stop.abort()
    await assert.rejects(filled, { code: 'E_ABORTED' })
  })

  test('the slowest is let go not before the grace is used up, and a share of the time that went well', async () => {
    const cases = [
      { stallPolicy: { graceMs: 40, share: 0 }, wellMs: 0, leastMs: 40 },
      { stallPolicy: { graceMs: 0, share: 0.5 }, wellMs: 60, leastMs: 30 },
      { stallPolicy: { graceMs: 30, share: 0.5 }, wellMs: 60, leastMs: 60 },
    ]
    for (const { stallPolicy, wellMs, leastMs } of cases) {
      const { window, fill } = watched({ capacity: 2, readers: 2, stallPolicy })
      const [slow, fast] = [attached(window), attached(window)]
      const stop = new AbortController()
      const filled = fill(100 * PART, stop.signal)
      await fast.take(PART, never)
      await sleep(wellMs)
      const from = performance.now()
      fast.release(2 * PART)
      await inTime('the fast one', fast.take(PART, never))
      assert.equal(slow.isAttached, false)
      assert.ok(
        performance.now() - from >= leastMs - 1,
        `${JSON.stringify(stallPolicy)} after ${performance.now() - from} ms`,
      )
      stop.abort()
      await assert.rejects(filled, { code: 'E_ABORTED' })
    }
  })

  test('a reader attaches only where the window has all bytes that follow', async () => {
    const begin = 3 * PART
    const { window, fill } = watched({ capacity: 10, readers: 1, begin })
    assert.equal(window.published, begin)
    for (const offset of [0, begin - 1, begin + 1]) assert.equal(window.attach(offset), null, `at ${offset}`)
    const reader = attached(window, begin)
    await fill(8 * PART)
    reader.release(5 * PART + 1)
    const has = Array.from({ length: 9 * PART }, (_, offset) => window.attach(offset) !== null)
    const first = has.indexOf(true)
    const last = has.lastIndexOf(true)
    assert.deepEqual([first, last], [5 * PART, 8 * PART])
    assert.ok(has.slice(first, last + 1).every(Boolean))
    for (let offset = first; offset <= last; offset += 1) {
      const stretch = await attached(window, offset).take(100 * PART, never)
      assert.equal(offset + lengthOf(stretch.chunks), 8 * PART)
      assertBytes(offset, stretch.chunks)
    }
  })

  test('with none attached the source waits, window full, for the next', async () => {
    const { window, freed, fill } = watched({ capacity: 3, readers: 2, stallPolicy: AT_ONCE })
    attached(window).leave()
    const filled = fill(6 * PART)
    await turns(50)
    assert.equal(window.published, 3 * PART)
    attached(window, 2 * PART).leave()
    await turns(50)
    assert.equal(window.published, 3 * PART, 'one that came and went leaves all of it for the next')
    assert.deepEqual(freed, [])
    const reader = attached(window, PART + 2)
    for (;;) {
      const { chunks, offset, last } = await inTime('the next', reader.take(PART, never))
      assertBytes(offset, chunks)
      reader.release(offset + lengthOf(chunks))
      if (last) break
    }
    await filled
    assert.deepEqual(
      freed,
      [0, 1, 2, 3, 4, 5].map((n) => n * PART),
    )
  })

  test('readers with nothing to do do not wake one another for ever', async () => {
    for (const stallPolicy of [AT_ONCE, { graceMs: 2 ** 30, share: 0 }]) {
      const { window } = watched({ capacity: 2, readers: 4, stallPolicy })
      const readers = Array.from({ length: 3 }, () => attached(window))
      const waits = countWaits(window)
      const waiting = readers.map((reader) => reader.take(PART, never))
      await window.put(partAt(0), never)
      await window.put(partAt(PART), never)
      const stop = new AbortController()
      const stuck = window.put(partAt(2 * PART), stop.signal)
      await turns(20)
      const before = waits()
      await turns(200)
      assert.equal(waits(), before, 'nothing happens, so nobody stirs')
      assert.ok(before < 30, `${before} waits`)
      window.publish(2 * PART)
      await inTime('all', Promise.all(waiting))
      stop.abort()
      await assert.rejects(stuck, { code: 'E_ABORTED' })
    }
  })
})
