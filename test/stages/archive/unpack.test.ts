import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { BadData } from '../../../src/stages/archive/bad-data.ts'
import { unpack } from '../../../src/stages/archive/unpack.ts'
import { seeded } from '../../support/seed.ts'

const random = seeded('unpack')
const CONTENTS = [Buffer.alloc(0), Buffer.from('x'), random.bytes(70_000), Buffer.alloc(3_000_000, 'ab')]

/** A copy in shared memory, as a restore has it. */
function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

test('an entry unpacks into its content, stored or deflated', () => {
  for (const content of CONTENTS) {
    const facts = { size: content.length, crc: crc32(content) }
    assert.deepEqual(Buffer.from(unpack(shared(content), { ...facts, method: 0 })), content)
    for (const level of [0, 1, 9]) {
      const data = shared(deflateRawSync(content, { level }))
      assert.deepEqual(Buffer.from(unpack(data, { ...facts, method: 8 })), content)
    }
  }
})

test('data that are not just what their sizes and checksum say are bad', () => {
  for (const content of CONTENTS) {
    const [size, crc] = [content.length, crc32(content)]
    for (const method of [0, 8]) {
      const data = method === 0 ? content : deflateRawSync(content)
      const bad = (reason: RegExp, bytes: Uint8Array, facts: { size?: number; crc?: number }): void => {
        assert.throws(
          () => unpack(shared(bytes), { method, size, crc, ...facts }),
          (error) => error instanceof BadData && reason.test(error.message),
          `${method} ${size} ${reason.source}`,
        )
      }
      bad(/another checksum/, data, { crc: (crc ^ 1) >>> 0 })
      bad(/bytes and not/, data, { size: size + 1 })
      // One of no bytes may have room for one: zlib takes no smaller limit.
      if (size > 1) bad(/more content than its size/, data, { size: size - 1 })
      if (method === 8) {
        bad(/ends too early/, data.subarray(0, -1), {})
        bad(/has data after its end/, Buffer.concat([data, Buffer.from('x')]), {})
        bad(/cannot be inflated/, Buffer.concat([Buffer.of(0xff), data]), {})
      }
    }
  }
})
