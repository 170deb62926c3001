import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { BackupError } from '../../src/pipeline/errors.ts'
import type { Part } from '../../src/pipeline/part.ts'
import { PartWindow, type Branch } from '../../src/pipeline/window.ts'

const never = new AbortController().signal
const PART = 7
/** What a part's buffer holds once it was freed, as if another part had been read into it. */
const POISON = 0xee

/** The archive's byte at an offset; never POISON. */
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8)) % POISON

/** Numbers from 0 up to below `limit`, the same for the same seed (mulberry32). */
function dice(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) % limit
  }
}

function partAt(offset: number, length: number): Part {
  return { offset, bytes: Uint8Array.from({ length }, (_, index) => byteAt(offset + index)) }
}

/** A window that poisons what it frees and keeps count. */
function watched(capacity: number) {
  const freed: number[] = []
  let put = 0
  const window = new PartWindow(capacity, (part) => {
    freed.push(part.offset)
    part.bytes.fill(POISON)
  })
  const fill = async (total: number, signal = never, pause = () => Promise.resolve()): Promise<void> => {
    for (let offset = 0; offset < total; offset += PART) {
      await pause()
      await window.put(partAt(offset, Math.min(PART, total - offset)), signal)
      put += 1
      assert.ok(put - freed.length <= capacity, `${put - freed.length} parts in a window of ${capacity}`)
    }
    await pause()
    window.close()
  }
  return { window, freed, fill }
}

const lengthOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0)

function assertBytes(offset: number, chunks: readonly Uint8Array[]): void {
  let at = offset
  for (const chunk of chunks) for (const byte of chunk) assert.equal(byte, byteAt(at++), `the byte at ${at - 1}`)
}

/** Waits for all, but not for ever. */
async function inTime<T>(what: string, all: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`${what} stands still`))
  }, 10_000)
  try {
    return await Promise.race([all, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

describe('the window of parts', () => {
  test('in any order of steps each branch gets every byte once and in order, and each part is freed once, when nobody needs it', async () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const roll = dice(seed)
      const capacity = 2 + roll(5)
      const total = roll(40 * PART)
      const pause = async (): Promise<void> => {
        for (let n = roll(4); n > 0; n -= 1) await (roll(2) === 0 ? turn() : Promise.resolve())
      }
      const { window, freed, fill } = watched(capacity)
      const branches = Array.from({ length: 1 + roll(4) }, () => window.open())
      const gone = new Set<Branch>()

      const read = async (branch: Branch, leavesAt: number): Promise<number> => {
        for (;;) {
          await pause()
          const { offset } = branch
          const wanted = 1 + roll((capacity - 1) * PART)
          const stretch = await branch.take(wanted, never)
          const length = lengthOf(stretch.chunks)
          assert.equal(stretch.offset, offset)
          assert.equal(stretch.last, offset + length === total, 'last is last')
          if (stretch.last) assert.ok(length <= wanted)
          else assert.equal(length, wanted, 'only the last may be short')
          await pause()
          if (roll(3) === 0) assert.deepEqual((await branch.take(wanted, never)).chunks, stretch.chunks)
          // Only now, as a slow request would: what it still holds must not have been given to another part.
          assertBytes(offset, stretch.chunks)
          if (stretch.last || offset >= leavesAt) {
            gone.add(branch)
            branch.leave()
            branch.leave()
            return stretch.last ? total : offset
          }
          branch.release(offset + roll(length + 1))
          for (const at of freed) {
            for (const other of branches) assert.ok(gone.has(other) || at + PART <= other.offset, 'freed too early')
          }
        }
      }
      // The first branch stays, so that there is always one to fill the window for.
      const readers = branches.map((branch, n) => read(branch, n > 0 && roll(3) === 0 ? roll(total + 1) : Infinity))
      const [seen] = await inTime(`seed ${seed}`, Promise.all([Promise.all(readers), fill(total, never, pause)]))
      assert.equal(seen[0], total)
      const all = Array.from({ length: Math.ceil(total / PART) }, (_, n) => n * PART)
      assert.deepEqual(freed, all, `seed ${seed}: each part freed once, in order`)
    }
  })

  test('a stretch of every size around a part comes whole, with one byte known to follow it', async () => {
    for (const total of [0, 1, PART - 1, PART, PART + 1, 3 * PART]) {
      for (const wanted of [1, PART - 1, PART, PART + 1, 2 * PART]) {
        const { window, fill } = watched(4)
        const branch = window.open()
        const filled = fill(total)
        const lengths: number[] = []
        for (;;) {
          const { chunks, last } = await inTime('the branch', branch.take(wanted, never))
          lengths.push(lengthOf(chunks))
          if (last) break
          branch.release(branch.offset + wanted)
        }
        await filled
        const before = Math.max(0, Math.ceil(total / wanted) - 1)
        const expected = [...Array.from({ length: before }, () => wanted), total - before * wanted]
        assert.deepEqual(lengths, expected, `${total} bytes in requests of ${wanted}`)
      }
    }
  })

  test('a request that can never fit is refused instead of waited for', async () => {
    const { window, fill } = watched(3)
    const branch = window.open()
    const stop = new AbortController()
    const filled = fill(10 * PART, stop.signal)
    branch.release(PART - 1)
    assert.equal(lengthOf((await inTime('the largest', branch.take(2 * PART, never))).chunks), 2 * PART)
    await inTime('one more', assert.rejects(branch.take(2 * PART + 1, never), RangeError))
    stop.abort()
    await assert.rejects(filled, { code: 'E_ABORTED' })
  })

  test('a released byte cannot be taken back', async () => {
    const { window, fill } = watched(3)
    const branch = window.open()
    await fill(2 * PART)
    branch.release(5)
    assert.throws(() => {
      branch.release(4)
    }, RangeError)
    assert.equal(branch.offset, 5)
  })

  test('with the last branch gone, what is waiting to be put is refused and everything is freed', async () => {
    const { window, freed, fill } = watched(2)
    const branches = [window.open(), window.open()]
    const filled = fill(5 * PART)
    await turn()
    assert.equal(window.isDeserted, false)
    branches[0]?.leave()
    await turn()
    assert.deepEqual(freed, [], 'the other branch still needs them')
    branches[1]?.leave()
    assert.equal(window.isDeserted, true)
    await inTime('the source', assert.rejects(filled, { code: 'E_DESTINATION' }))
    assert.deepEqual(freed, [0, PART])
  })

  test('a source that failed wakes every branch with its error, also those that come to ask later', async () => {
    const { window } = watched(3)
    const branches = [window.open(), window.open(), window.open()]
    await window.put(partAt(0, PART), never)
    const waiting = branches.slice(1).map((branch) => branch.take(PART, never))
    await turn()
    const error = new BackupError('E_DUMP', 'the dump broke off')
    window.fail(error)
    for (const one of waiting) await inTime('a branch', assert.rejects(one, error))
    await inTime('a late one', assert.rejects(branches[0]!.take(1, never), error))
  })

  test('an abort wakes whoever waits with that signal, and nobody else', async () => {
    const { window, fill } = watched(2)
    const [first, second] = [window.open(), window.open()]
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
    await inTime('the aborted branch', assert.rejects(waiting[0], reason))
    await assert.rejects(first.take(1, stopFirst.signal), reason, 'and at once when it is aborted already')
    assert.equal(lengthOf((await inTime('the other branch', waiting[1])).chunks), PART, 'which did not have to wait')

    stopSource.abort(reason)
    await inTime('the source', assert.rejects(filled, reason))
    const { window: empty } = watched(2)
    empty.open()
    await assert.rejects(empty.put(partAt(0, PART), stopSource.signal), reason, 'room or not')
    for (const { signal } of [stopFirst, stopSource]) {
      assert.deepEqual(getEventListeners(signal, 'abort'), [], 'no listener stays')
    }
  })

  test('stopped at any step, everybody who waits hears of it', async () => {
    for (let steps = 0; steps < 60; steps += 1) {
      const roll = dice(steps)
      const stop = new AbortController()
      const { window, fill } = watched(2)
      const read = async (branch: Branch): Promise<void> => {
        try {
          for (;;) {
            const { chunks } = await branch.take(1 + roll(PART), stop.signal)
            await turn()
            assertBytes(branch.offset, chunks)
            branch.release(branch.offset + lengthOf(chunks))
          }
        } finally {
          branch.leave()
        }
      }
      const all = [read(window.open()), read(window.open()), fill(1_000_000, stop.signal, () => turn())]
      for (let n = 0; n < steps; n += 1) await turn()
      stop.abort(new BackupError('E_ABORTED', 'stopped'))
      for (const { status } of await inTime(`after ${steps} steps`, Promise.allSettled(all))) {
        assert.equal(status, 'rejected')
      }
      assert.deepEqual(getEventListeners(stop.signal, 'abort'), [])
    }
  })
})
