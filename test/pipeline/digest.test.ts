import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ContentHash, DIGEST_BLOCK, ObjectDigest } from '../../src/pipeline/digest.ts'

const hashOf = (...pieces: Uint8Array[]): string => {
  const digest = new ContentHash()
  for (const piece of pieces) digest.update(piece)
  return digest.digest()
}

test('the content hash has the values of the published definition', () => {
  assert.equal(hashOf(), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  assert.equal(hashOf(Buffer.alloc(DIGEST_BLOCK)), 'c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58')
  assert.equal(
    hashOf(Buffer.alloc(DIGEST_BLOCK + 1)),
    '14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6',
  )
})

test('digests do not depend on how the bytes are cut', () => {
  const data = randomBytes(2 * DIGEST_BLOCK + 77)
  const whole = new ObjectDigest()
  whole.update(data)
  for (const size of [1 << 16, DIGEST_BLOCK - 1, DIGEST_BLOCK, DIGEST_BLOCK + 1]) {
    const cut = new ObjectDigest()
    for (let at = 0; at < data.length; at += size) cut.update(data.subarray(at, at + size))
    assert.deepEqual(cut.digests(), { md5: createHash('md5').update(data).digest('hex'), contentHash: hashOf(data) })
  }
})
