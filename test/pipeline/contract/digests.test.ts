import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { DIGESTS, ObjectDigest, PART_BYTES } from '../../../src/pipeline/contract/digests.ts'

const hashOf = (...pieces: Uint8Array[]): string => {
  const digest = DIGESTS.contentHash.whole()
  for (const piece of pieces) digest.update(piece)
  return digest.digest()
}

test('the content hash has the values of the published definition', () => {
  assert.equal(hashOf(), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  assert.equal(hashOf(Buffer.alloc(PART_BYTES)), 'c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58')
  assert.equal(hashOf(Buffer.alloc(PART_BYTES + 1)), '14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6')
})

test('digests do not depend on how the bytes are cut', () => {
  const data = randomBytes(2 * PART_BYTES + 77)
  const whole = new ObjectDigest()
  whole.update(data)
  for (const size of [1 << 16, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1]) {
    const cut = new ObjectDigest()
    for (let at = 0; at < data.length; at += size) cut.update(data.subarray(at, at + size))
    assert.deepEqual(cut.digests(), { md5: createHash('md5').update(data).digest('hex'), contentHash: hashOf(data) })
  }
})
