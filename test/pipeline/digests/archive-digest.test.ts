import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ArchiveDigest, type DigestState } from '../../../src/pipeline/digests/archive-digest.ts'
import { DIGEST_NAMES, ObjectDigest, PART_BYTES } from '../../../src/pipeline/contract/digests.ts'

const SIZES = [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 3 * PART_BYTES + 77]

function* partsOf(data: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += PART_BYTES) yield data.subarray(at, at + PART_BYTES)
}

function digestsOf(data: Uint8Array) {
  const digest = new ObjectDigest()
  digest.update(data)
  return digest.digests()
}

test("both digests are those of Node's own hashes, for every size around a part", async () => {
  for (const size of SIZES) {
    const data = randomBytes(size)
    const digest = await ArchiveDigest.open(DIGEST_NAMES)
    for (const part of partsOf(data)) {
      assert.equal(digest.add(part), createHash('sha256').update(part).digest('hex'), "a part's SHA-256")
    }
    assert.deepEqual(digest.digests(), digestsOf(data), `${size} bytes`)
  }
})

test('saved after any part and taken up by another process, as text, they come to the same', async () => {
  const data = randomBytes(3 * PART_BYTES + 77)
  const parts = [...partsOf(data)]
  for (let saved = 0; saved <= parts.length; saved += 1) {
    const first = await ArchiveDigest.open(DIGEST_NAMES)
    for (const part of parts.slice(0, saved)) first.add(part)
    const text = JSON.stringify(first.save())
    // What the first process does after it does not count.
    first.add(Buffer.from('sent by nobody'))
    const second = await ArchiveDigest.open(JSON.parse(text) as DigestState)
    for (const part of parts.slice(saved)) second.add(part)
    assert.deepEqual(second.digests(), digestsOf(data), `saved after part ${saved}`)
  }
})

test('several at once do not disturb one another', async () => {
  const all = await Promise.all(
    [1, 2, 3].map(async (n) => ({ digest: await ArchiveDigest.open(DIGEST_NAMES), data: randomBytes(n * PART_BYTES) })),
  )
  for (const n of [0, 1, 2]) {
    for (const { digest, data } of all) {
      const part = [...partsOf(data)][n]
      if (part !== undefined) digest.add(part)
    }
  }
  for (const { digest, data } of all) assert.deepEqual(digest.digests(), digestsOf(data))
})

test('a part of more than one block is refused: its hash would be another', async () => {
  const digest = await ArchiveDigest.open(DIGEST_NAMES)
  assert.throws(() => digest.add(new Uint8Array(PART_BYTES + 1)), RangeError)
})
