import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { BLOCK, KIB, never, rejectsWith, type Subject } from './destination-subject.ts'

/** What was stored is read back, any range of it. */
export function describeReading(subject: Subject): void {
  const { readBack, storedAs } = subject

  test('any range of an object is read back byte for byte', async () => {
    const data = randomBytes(2 * BLOCK + 1234)
    const stored = await storedAs(data)
    const end = data.length
    for (const [from, to] of [
      [0, end],
      [0, 1],
      [0, 0],
      [end, end],
      [end - 1, end],
      [BLOCK - 1, BLOCK],
      [BLOCK, BLOCK + 1],
      [BLOCK - 1, BLOCK + 1],
      [BLOCK, 2 * BLOCK],
      [2 * BLOCK, end],
      [1, end - 1],
      [64 * KIB, 64 * KIB + 1],
    ] as const) {
      const read = await readBack(stored, from, to)
      assert.ok(read.equals(data.subarray(from, to)), `${from} to ${to}: ${read.length} bytes`)
    }
  })

  test('reading may stop early, any number of times', async () => {
    const data = randomBytes(BLOCK)
    const stored = await storedAs(data)
    for (let n = 0; n < 20; n += 1) {
      for await (const chunk of subject.destination.read(stored, { from: n, to: data.length }, never)) {
        assert.equal(chunk[0], data[n])
        break
      }
    }
    assert.ok((await readBack(stored, 0, data.length)).equals(data))
  })

  test('several ranges are read at once', async () => {
    const data = randomBytes(BLOCK)
    const stored = await storedAs(data)
    const ranges = [0, 1, 2, 3].map((n) => [n * 1000, data.length - n * 1000] as const)
    const read = await Promise.all(ranges.map(([from, to]) => readBack(stored, from, to)))
    read.forEach((bytes, n) => {
      assert.ok(bytes.equals(data.subarray(...ranges[n]!)))
    })
  })

  test('an object that is gone, or ends before the range does, is told', async () => {
    const data = randomBytes(5000)
    const stored = await storedAs(data)
    for (const [from, to] of [
      [0, 5001],
      [4999, 5001],
      [5000, 5001],
      [9000, 9001],
    ] as const) {
      const longer = { ...stored, bytes: 10_000 }
      assert.equal((await rejectsWith('E_DESTINATION', readBack(longer, from, to))).remedy, 'stop')
    }
    await subject.destination.remove(stored, never)
    assert.equal((await rejectsWith('E_DESTINATION', readBack(stored, 0, 5000))).remedy, 'stop')
  })

  test('a signal that is aborted ends reading, before it starts and in the middle', async () => {
    const stored = await storedAs(randomBytes(2 * BLOCK))
    const range = { from: 0, to: stored.bytes }
    const stop = new AbortController()
    let chunks = 0
    const reading = async (signal: AbortSignal): Promise<void> => {
      for await (const _ of subject.destination.read(stored, range, signal)) {
        chunks += 1
        stop.abort()
      }
    }
    await rejectsWith('E_ABORTED', reading(AbortSignal.abort()))
    assert.equal(chunks, 0)
    await rejectsWith('E_ABORTED', reading(stop.signal))
    assert.notEqual(chunks, 0)
  })
}
