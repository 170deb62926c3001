import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PartPool } from '../../../src/pipeline/parts/part.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { BatchBuffers } from '../../../src/stages/zip/batch-buffers.ts'

test('a part that is given back is used again, one that is recycled twice is refused', () => {
  const pool = new PartPool()
  const bytes = pool.take()
  assert.equal(bytes.length, PART_BYTES)
  pool.recycle({ bytes: bytes.subarray(0, 10) })
  assert.throws(() => {
    pool.recycle({ bytes })
  }, RangeError)
  const [first, second] = [pool.take(), pool.take()]
  assert.equal(first.buffer, bytes.buffer)
  assert.notEqual(second.buffer, first.buffer)
})

test('memory that is not of the pool is no matter to it', () => {
  const pool = new PartPool()
  const other = new Uint8Array(new SharedArrayBuffer(10))
  pool.recycle({ bytes: other })
  pool.recycle({ bytes: other })
  assert.notEqual(pool.take().buffer, other.buffer)
})

test('so it is with trays', () => {
  const batchBuffers = new BatchBuffers()
  const batchBuffer = batchBuffers.take()
  batchBuffers.recycle(batchBuffer)
  assert.throws(() => {
    batchBuffers.recycle(batchBuffer)
  }, RangeError)
  assert.deepEqual(
    [batchBuffers.take(), batchBuffers.take()].map((one) => one === batchBuffer),
    [true, false],
  )
})
