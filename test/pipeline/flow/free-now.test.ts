import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { deflateRaw, deflateRawSync } from 'node:zlib'
import { freeNow } from '../../../src/pipeline/flow/free-now.ts'

const noise = Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * n * 7919) >> 5))

test('large bytes are gone, whatever made them', async () => {
  const all = [
    Buffer.alloc(100_000),
    new Uint8Array(Buffer.poolSize + 1),
    Buffer.allocUnsafeSlow(1 << 20).subarray(100, 200),
    deflateRawSync(noise, { chunkSize: 200_000 }),
    await promisify(deflateRaw)(noise, { chunkSize: 200_000 }),
  ]
  for (const bytes of all) {
    const { buffer } = bytes
    freeNow(bytes)
    assert.deepEqual([bytes.length, buffer.byteLength], [0, 0])
    assert.doesNotThrow(() => {
      freeNow(bytes)
    }, 'twice is once')
  }
})

test('small Buffers stay, for others lie in the same memory', () => {
  const [one, other] = [Buffer.from('one'), Buffer.from('other')]
  const small = deflateRawSync(Buffer.from('small'), { chunkSize: 1024 })
  const before = Buffer.from(small)
  for (const bytes of [one, small]) freeNow(bytes)
  assert.deepEqual([one.toString(), other.toString()], ['one', 'other'])
  assert.ok(small.equals(before))
})

test('memory that is shared stays, for it is not only ours', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(1 << 20)).fill(7)
  freeNow(shared)
  freeNow(Buffer.from(shared.buffer, 10, 100_000))
  assert.equal(shared.length, 1 << 20)
  assert.equal(shared.at(-1), 7)
})
