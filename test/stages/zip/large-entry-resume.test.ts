import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { describe, test, type TestContext } from 'node:test'
import { crc32 } from 'node:zlib'
import { largeEntry, type LargeEntry, type LargeProgress } from '../../../src/stages/zip/large-entry.ts'
import { SEGMENT_BYTES } from '../../../src/stages/zip/segments.ts'
import { ctLike, localBytes, MIB, readLarge, sourceOf } from './large-entry-source.ts'

const options = { name: 'database/viewer.sql', mtime: new Date(2026, 10, 23, 12, 0, 1) }
const LEVELS = [0, 1, 6] as const

describe('a large entry that goes on', () => {
  const image = ctLike(4 * MIB + 777)
  const start = (level: LargeEntry['level']): LargeProgress => ({
    read: 0,
    written: localBytes({ ...options, level } as LargeEntry),
    crc: 0,
    level,
  })

  for (const level of LEVELS) {
    test(`says after each segment how far it has come (level ${level})`, async () => {
      for (const size of [0, 1, MIB, MIB + 1, 2 * MIB, image.length]) {
        const bytes = image.subarray(0, size)
        const { progress, bytes: entry } = await readLarge({ ...options, level, read: sourceOf(bytes) })
        const ends = Array.from({ length: Math.ceil(size / MIB) }, (_, n) => Math.min((n + 1) * SEGMENT_BYTES, size))
        assert.deepEqual(
          progress.map(({ read, crc }) => [read, crc]),
          ends.map((end) => [end, crc32(bytes.subarray(0, end))]),
        )
        const lastBlock = level === 0 ? 0 : 2
        assert.equal((progress.at(-1) ?? start(level)).written, entry.length - lastBlock - 16)
      }
    })

    for (const chunkBytes of [1000, MIB, 3 * MIB]) {
      test(`gives the bytes, the record and the progress that are left, from anywhere (level ${level}, chunks of ${chunkBytes})`, async () => {
        for (const size of [0, 1, 2 * MIB, image.length]) {
          const bytes = image.subarray(0, size)
          const whole = await readLarge({ ...options, level, read: sourceOf(bytes, { chunkBytes: 70_000 }) })
          for (const from of [start(level), ...whole.progress]) {
            const asked: number[] = []
            const read = sourceOf(bytes, { chunkBytes, onChunk: (at) => asked.push(at) })
            const rest = await readLarge({ ...options, level, read }, from)
            assert.ok(rest.bytes.equals(whole.bytes.subarray(from.written)), `from ${from.read} of ${size}`)
            assert.deepEqual(rest.record, whole.record)
            assert.deepEqual(
              rest.progress,
              whole.progress.filter((one) => one.read > from.read),
            )
            const first = Math.max(0, from.read - (level === 0 ? 0 : 32 * 1024))
            assert.ok(
              asked.every((at) => at >= first),
              `reads from ${asked[0]}, not before ${first}`,
            )
          }
        }
      })
    }
  }
})

/** The deflates of this process that have begun and not ended. */
function watchDeflates(t: Pick<TestContext, 'after'>): {
  readonly begun: () => number
  readonly running: () => number
} {
  const begun = new Set<number>()
  const ended = new Set<number>()
  const hook = createHook({
    init: (id, type) => {
      if (type === 'ZLIB') begun.add(id)
    },
    after: (id) => {
      if (begun.has(id)) ended.add(id)
    },
  }).enable()
  t.after(() => hook.disable())
  return { begun: () => begun.size, running: () => begun.size - ended.size }
}

describe('a large entry that breaks off', () => {
  // More than are deflated ahead.
  const image = ctLike(7 * MIB + 5)

  for (const level of LEVELS) {
    test(`because its source does, passes the source's error and leaves nothing running (level ${level})`, async (t) => {
      const deflates = watchDeflates(t)
      for (let failing = 0; failing < image.length; failing += 700_000) {
        const error = new Error('EIO')
        let ended = 0
        const read = sourceOf(image, {
          chunkBytes: 700_000,
          onChunk: (at) => {
            if (at === failing) throw error
          },
          onEnd: () => (ended += 1),
        })
        await assert.rejects(readLarge({ ...options, level, read }), (thrown) => thrown === error)
        assert.equal(deflates.running(), 0, `after a fault at ${failing}`)
        assert.equal(ended, 1)
      }
      assert.equal(deflates.begun() > 0, level > 0)
    })

    test(`because its reader stops, returns its source and leaves nothing running (level ${level})`, async (t) => {
      const deflates = watchDeflates(t)
      for (let steps = 0, more = true; more; steps += 1) {
        let begun = 0
        let ended = 0
        const source = sourceOf(image, { onEnd: () => (ended += 1) })
        const read = async function* (from: number): AsyncGenerator<Uint8Array> {
          begun += 1
          yield* source(from)
        }
        const entry = largeEntry({ ...options, level, read }, null)
        for (let n = 0; n < steps && more; n += 1) more = (await entry.next()).done !== true
        await entry.return(Buffer.alloc(0))
        assert.equal(deflates.running(), 0, `after ${steps} steps`)
        assert.equal(ended, begun)
        assert.equal(begun, steps < 2 ? 0 : 1, 'and a source that nobody needs is not read')
      }
      assert.equal(deflates.begun() > 0, level > 0)
    })
  }

  test('because it cannot be opened, passes that error', async () => {
    const error = new Error('ENOENT')
    const read = (): AsyncIterable<Uint8Array> => {
      throw error
    }
    for (const level of LEVELS) {
      await assert.rejects(readLarge({ ...options, level, read }), (thrown) => thrown === error)
    }
  })
})
