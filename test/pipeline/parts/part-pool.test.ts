import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PartPool } from '../../../src/pipeline/parts/part.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { Trays } from '../../../src/stages/zip/trays.ts'

test('a part that is given back is used again, one that is given back twice is refused', () => {
  const pool = new PartPool()
  const bytes = pool.take()
  assert.equal(bytes.length, PART_BYTES)
  pool.giveBack({ bytes: bytes.subarray(0, 10) })
  assert.throws(() => {
    pool.giveBack({ bytes })
  }, RangeError)
  const [first, second] = [pool.take(), pool.take()]
  assert.equal(first.buffer, bytes.buffer)
  assert.notEqual(second.buffer, first.buffer)
})

test('memory that is not of the pool is no matter to it', () => {
  const pool = new PartPool()
  const other = new Uint8Array(new SharedArrayBuffer(10))
  pool.giveBack({ bytes: other })
  pool.giveBack({ bytes: other })
  assert.notEqual(pool.take().buffer, other.buffer)
})

test('so it is with trays', () => {
  const trays = new Trays()
  const tray = trays.take()
  trays.giveBack(tray)
  assert.throws(() => {
    trays.giveBack(tray)
  }, RangeError)
  assert.deepEqual(
    [trays.take(), trays.take()].map((one) => one === tray),
    [true, false],
  )
})
