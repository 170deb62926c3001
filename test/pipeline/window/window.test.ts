import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { lengthOf } from '../../../src/pipeline/flow/chunks.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import type { WindowReader } from '../../../src/pipeline/window/window.ts'
import type { PartWindow } from '../../../src/pipeline/window/window.ts'
import { assertBytes, dice, inTime, PART, partAt, watched } from '../../support/window-watch.ts'

const never = new AbortController().signal

function attached(window: PartWindow, offset = 0): WindowReader {
  const reader = window.attach(offset)
  assert.ok(reader)
  return reader
}

describe('the window of parts', () => {
  test('in any order of steps each reader gets every byte once and in order, and each part is freed once, when nobody needs it', async () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const roll = dice(seed)
      const capacity = 2 + roll(5)
      const total = roll(40 * PART)
      const pause = async (): Promise<void> => {
        for (let n = roll(4); n > 0; n -= 1) await (roll(2) === 0 ? turn() : Promise.resolve())
      }
      const count = 1 + roll(4)
      const { window, freed, fill } = watched({ capacity, readers: count })
      const readers = Array.from({ length: count }, () => attached(window))
      const gone = new Set<WindowReader>()
      /** Whether the last reader that left had come to the end. */
      let isFinalAtEnd = false

      const read = async (reader: WindowReader, leavesAt: number): Promise<number> => {
        for (;;) {
          await pause()
          const { offset } = reader
          const wanted = 1 + roll((capacity - 1) * PART)
          const stretch = await reader.take(wanted, never)
          const length = lengthOf(stretch.chunks)
          assert.equal(stretch.offset, offset)
          assert.equal(stretch.last, offset + length === total, 'last is last')
          if (stretch.last) assert.ok(length <= wanted)
          else assert.equal(length, wanted, 'only the last may be short')
          await pause()
          if (roll(3) === 0) assert.deepEqual((await reader.take(wanted, never)).chunks, stretch.chunks)
          // Only now, as a slow request would: what it still holds must not have been given to another part.
          assertBytes(offset, stretch.chunks)
          if (stretch.last || offset >= leavesAt) {
            gone.add(reader)
            isFinalAtEnd = stretch.last
            if (stretch.last) reader.release(total)
            reader.leave()
            reader.leave()
            window.quit()
            return stretch.last ? total : offset
          }
          reader.release(offset + roll(length + 1))
          for (const at of freed) {
            for (const other of readers) assert.ok(gone.has(other) || at + PART <= other.offset, 'freed too early')
          }
        }
      }
      // The first reader stays, so that there is always one to fill the window for.
      const reading = readers.map((reader, n) => read(reader, n > 0 && roll(3) === 0 ? roll(total + 1) : Infinity))
      const [seen] = await inTime(`seed ${seed}`, Promise.all([Promise.all(reading), fill(total, never, pause)]))
      assert.equal(seen[0], total)
      const all = Array.from({ length: Math.ceil(total / PART) }, (_, n) => n * PART)
      // With nobody left the rest stays where it is.
      const expected = isFinalAtEnd ? all : all.slice(0, freed.length)
      assert.deepEqual(freed, expected, `seed ${seed}: each part freed once, in order`)
    }
  })

  test('a stretch of every size around a part comes whole, with one byte known to follow it', async () => {
    for (const total of [0, 1, PART - 1, PART, PART + 1, 3 * PART]) {
      for (const wanted of [1, PART - 1, PART, PART + 1, 2 * PART]) {
        const { window, fill } = watched({ capacity: 4, readers: 1 })
        const reader = attached(window)
        const filled = fill(total)
        const lengths: number[] = []
        for (;;) {
          const { chunks, last } = await inTime('the reader', reader.take(wanted, never))
          lengths.push(lengthOf(chunks))
          if (last) break
          reader.release(reader.offset + wanted)
        }
        await filled
        const before = Math.max(0, Math.ceil(total / wanted) - 1)
        const expected = [...Array.from({ length: before }, () => wanted), total - before * wanted]
        assert.deepEqual(lengths, expected, `${total} bytes in requests of ${wanted}`)
      }
    }
  })

  test('what is put is read by nobody before it is published', async () => {
    const { window } = watched({ capacity: 4, readers: 1 })
    const reader = attached(window)
    let taken = 0
    const reading = reader.take(PART, never).then(({ chunks }) => (taken = lengthOf(chunks)))
    await window.put(partAt(0), never)
    await window.put(partAt(PART), never)
    await turn()
    assert.equal(window.published, 0)
    window.publish(PART)
    await turn()
    assert.equal(taken, 0, 'one byte more has to be published: these may be the last')
    window.publish(2 * PART)
    assert.equal(await inTime('the reader', reading), PART)
    reader.release(PART)
    const rest = reader.take(2 * PART, never)
    window.close()
    assert.deepEqual({ ...(await rest), chunks: [] }, { offset: PART, chunks: [], last: true })
  })

  test('a request that can never fit is refused instead of waited for', async () => {
    const { window, fill } = watched({ capacity: 3, readers: 1 })
    const reader = attached(window)
    const stop = new AbortController()
    const filled = fill(10 * PART, stop.signal)
    reader.release(PART - 1)
    assert.equal(lengthOf((await inTime('the largest', reader.take(2 * PART, never))).chunks), 2 * PART)
    await inTime('one more', assert.rejects(reader.take(2 * PART + 1, never), RangeError))
    stop.abort()
    await assert.rejects(filled, { code: 'E_ABORTED' })
  })

  test('a released byte cannot be taken back', async () => {
    const { window, fill } = watched({ capacity: 3, readers: 1 })
    const reader = attached(window)
    await fill(2 * PART)
    reader.release(5)
    assert.throws(() => {
      reader.release(4)
    }, RangeError)
    assert.equal(reader.offset, 5)
  })

  test('with the last reader gone, what is waiting to be put is refused', async () => {
    const { window, freed, fill } = watched({ capacity: 2, readers: 2 })
    const readers = [attached(window), attached(window)] as const
    const filled = fill(5 * PART)
    await turn()
    readers[0].leave()
    window.quit()
    await turn()
    assert.deepEqual(freed, [], 'the other reader still needs them')
    assert.equal(window.isDeserted, false)
    readers[1].leave()
    window.quit()
    assert.equal(window.isDeserted, true)
    await inTime('the source', assert.rejects(filled, { code: 'E_DESTINATION' }))
  })

  test('a source that failed wakes every reader with its error, also those that come to ask later', async () => {
    const { window } = watched({ capacity: 3, readers: 3 })
    const readers = [attached(window), attached(window), attached(window)] as const
    await window.put(partAt(0), never)
    const waiting = readers.slice(1).map((reader) => reader.take(PART, never))
    await turn()
    const error = new BackupError('E_DUMP', 'the dump broke off')
    window.fail(error)
    for (const one of waiting) await inTime('a reader', assert.rejects(one, error))
    await inTime('a late one', assert.rejects(readers[0].take(1, never), error))
    await inTime('what is put', assert.rejects(window.put(partAt(PART), never), error))
  })

  test('an abort wakes whoever waits with that signal, and nobody else', async () => {
    const { window, fill } = watched({ capacity: 2, readers: 2 })
    const [first, second] = [attached(window), attached(window)]
    const [stopSource, stopFirst] = [new AbortController(), new AbortController()]
    const reason = new BackupError('E_ABORTED', 'stopped by SIGTERM')
    const taken = first.take(2 * PART - 1, stopFirst.signal)
    const filled = fill(5 * PART, stopSource.signal)
    assert.equal(lengthOf((await inTime('the first', taken)).chunks), 2 * PART - 1)
    first.release(2 * PART)
    const waiting = [first.take(1, stopFirst.signal), second.take(PART, never)] as const
    await turn()
    assert.equal(getEventListeners(stopFirst.signal, 'abort').length, 1)

    stopFirst.abort(reason)
    await inTime('the aborted reader', assert.rejects(waiting[0], reason))
    await assert.rejects(first.take(1, stopFirst.signal), reason, 'and at once when it is aborted already')
    assert.equal(lengthOf((await inTime('the other reader', waiting[1])).chunks), PART, 'which did not have to wait')

    stopSource.abort(reason)
    await inTime('the source', assert.rejects(filled, reason))
    const { window: empty } = watched({ capacity: 2, readers: 1 })
    await assert.rejects(empty.put(partAt(0), stopSource.signal), reason, 'room or not')
    for (const { signal } of [stopFirst, stopSource]) {
      assert.deepEqual(getEventListeners(signal, 'abort'), [], 'no listener stays')
    }
  })

  test('stopped at any step, everybody who waits hears of it', async () => {
    for (let steps = 0; steps < 60; steps += 1) {
      const roll = dice(steps)
      const stop = new AbortController()
      const { window, fill } = watched({ capacity: 2, readers: 2 })
      const read = async (reader: WindowReader): Promise<void> => {
        try {
          for (;;) {
            const { chunks } = await reader.take(1 + roll(PART), stop.signal)
            await turn()
            assertBytes(reader.offset, chunks)
            reader.release(reader.offset + lengthOf(chunks))
          }
        } finally {
          reader.leave()
        }
      }
      const all = [read(attached(window)), read(attached(window)), fill(1_000_000, stop.signal, () => turn())]
      for (let n = 0; n < steps; n += 1) await turn()
      stop.abort(new BackupError('E_ABORTED', 'stopped'))
      for (const { status } of await inTime(`after ${steps} steps`, Promise.allSettled(all))) {
        assert.equal(status, 'rejected')
      }
      assert.deepEqual(getEventListeners(stop.signal, 'abort'), [])
    }
  })
})
