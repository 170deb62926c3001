import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { PartReader, type PartSources } from '../../../src/pipeline/parts/part-reader.ts'
import type { Mark, Source } from '../../../src/pipeline/contract/source.ts'
import { madeUp } from '../../support/byte-source.ts'
import { madeParts } from '../../support/made-parts.ts'
import { memoryDestination, type MemoryDestination } from '../../support/memory-destination.ts'

const never = new AbortController().signal
const SIZE = 4 * PART_BYTES + 1000
const archive = madeUp('archive', SIZE)
const PARTS = 5
const partOf = (n: number): Buffer => archive.subarray(n * PART_BYTES, (n + 1) * PART_BYTES)
/** Within a part, at a part's end, and with a part between them that has none. */
const MARKS: readonly Mark[] = [1_000_003, PART_BYTES, 3 * PART_BYTES + 17].map((offset) => ({ offset, place: null }))

/** A source that makes bytes again, and what became of each time. */
function remaking(bytes: Buffer, { until = SIZE, error = null as BackupError | null } = {}) {
  const begun: number[] = []
  let open = 0
  const source: Pick<Source, 'remake'> = {
    remake: async function* (from) {
      begun.push(from?.offset ?? 0)
      open += 1
      try {
        for (let at = from?.offset ?? 0; at < until; at += 700_001) {
          yield await Promise.resolve(bytes.subarray(at, Math.min(until, at + 700_001)))
        }
        if (error !== null) throw error
      } finally {
        open -= 1
      }
    },
  }
  return { source, begun, openCount: () => open }
}

async function copyOf(bytes: Buffer): Promise<{ destination: MemoryDestination; stored: { id: string } & Stored }> {
  const destination = memoryDestination('copy')
  const upload = await destination.begin('a.zip', never)
  await upload.append(0, [bytes], never)
  const { ObjectDigest } = await import('../../../src/pipeline/contract/digests.ts')
  const digest = new ObjectDigest()
  digest.update(bytes)
  const commit = { offset: bytes.length, tail: [], bytes: bytes.length, digests: digest.digests() }
  return { destination, stored: await upload.commit(commit, never) }
}
type Stored = Awaited<ReturnType<Awaited<ReturnType<Destination['begin']>>['commit']>>

async function mustRead(reader: PartReader, n: number): Promise<void> {
  const part = await reader.read(n, never)
  assert.equal(part.offset, n * PART_BYTES)
  assert.ok(partOf(n).equals(part.bytes), `part ${n}`)
  reader.recycle(part)
}

const spoilRing = async ({ ring }: PartSources): Promise<void> => {
  for (let n = 0; n < PARTS; n += 1) await ring.put(n, Buffer.alloc(PART_BYTES, 0xaa))
}

describe('a part that was made already', () => {
  test('comes out of the ring as long as that has it, in any order', async (t) => {
    const { source, begun } = remaking(archive)
    const from = await madeParts(t, archive, { source, slots: PARTS })
    const reader = new PartReader(from)
    for (const n of [4, 0, 3, 3, 1, 2]) await mustRead(reader, n)
    assert.deepEqual(begun, [])
    assert.equal(from.pool.out, 0)
  })

  test('else it is made again, from the last mark before it, and several in one reading', async (t) => {
    const { source, begun, openCount } = remaking(archive)
    const from = await madeParts(t, archive, { source, slots: 1, marks: MARKS })
    await spoilRing(from)
    const reader = new PartReader(from)
    for (let n = 0; n < PARTS; n += 1) await mustRead(reader, n)
    assert.deepEqual(begun, [0], 'one reading')
    begun.length = 0
    for (const n of [4, 3, 2, 1, 0]) await mustRead(reader, n)
    assert.deepEqual(begun, [3 * PART_BYTES + 17, PART_BYTES, PART_BYTES, PART_BYTES, 0])
    assert.equal(openCount(), 1)
    await reader.close()
    assert.equal(openCount(), 0, 'closing ends what is under way')
    await mustRead(reader, 2)
    await reader.close()
    assert.equal(from.pool.out, 0)
  })

  test('a reading that knew of less when it began is begun again', async (t) => {
    const first = remaking(archive, { until: 2 * PART_BYTES })
    const second = remaking(archive)
    let isLater = false
    const source = { remake: (mark: Mark | null) => (isLater ? second : first).source.remake(mark) }
    const from = await madeParts(t, archive, { source, slots: 1, marks: MARKS })
    await spoilRing(from)
    const reader = new PartReader(from)
    await mustRead(reader, 0)
    await mustRead(reader, 1)
    isLater = true
    for (const n of [2, 3, 4]) await mustRead(reader, n)
    assert.deepEqual([first.begun, second.begun], [[0], [PART_BYTES]])
    await reader.close()
  })

  test('what is not what was sent is not given, wherever it comes from', async (t) => {
    const other = Buffer.from(archive)
    other[2 * PART_BYTES + 5]! ^= 1
    const { source, openCount } = remaking(other)
    const from = await madeParts(t, archive, { source, slots: 1, working: 2 })
    await spoilRing(from)
    const [wrong, right] = [await copyOf(other), await copyOf(archive)]
    from.copies.all.push(wrong)
    const reader = new PartReader(from)
    await mustRead(reader, 1)
    assert.equal(await reader.tryRead(2, never), null)
    assert.equal(openCount(), 0, 'the reading was closed')
    assert.equal(from.pool.out, 0)
    from.copies.all.push(right)
    await mustRead(reader, 2)
    assert.ok(wrong.destination.calls.includes('read'))
    await mustRead(reader, 3)
    await reader.close()
    assert.equal(from.pool.out, 0)
  })

  test('a source that says that it cannot is passed over; any other fault of it is told', async (t) => {
    for (const [code, expected] of [
      ['E_SOURCE', 'E_SOURCE'],
      ['E_STATE', 'E_STATE'],
    ] as const) {
      for (const until of [0, PART_BYTES, PART_BYTES + 5]) {
        const { source, openCount } = remaking(archive, { until, error: new BackupError(code, 'no') })
        const from = await madeParts(t, archive, { source, slots: 1 })
        await spoilRing(from)
        const reader = new PartReader(from)
        if (until >= PART_BYTES) await mustRead(reader, 0)
        await assert.rejects(reader.read(1, never), { code: expected })
        await reader.close()
        assert.equal(openCount(), 0)
        assert.equal(from.pool.out, 0)
      }
    }
  })

  test('who finds none waits for a whole copy, and is told when there will be none', async (t) => {
    const from = await madeParts(t, archive, { slots: 1, working: 3 })
    await spoilRing(from)
    const reader = new PartReader(from)
    let isRead = false
    const reading = mustRead(reader, 1).then(() => {
      isRead = true
    })
    from.copies.ended()
    for (let n = 0; n < 50; n += 1) await turn()
    assert.equal(isRead, false)
    const copy = await copyOf(archive)
    from.copies.add(copy)
    from.copies.ended()
    await reading
    await copy.destination.remove(copy.stored, never)
    await assert.rejects(reader.read(2, never), { code: 'E_SOURCE' })
    assert.equal(from.pool.out, 0)
  })

  test('a copy that comes while the others are tried ends the wait', async (t) => {
    const from = await madeParts(t, archive, { slots: 1, working: 2 })
    await spoilRing(from)
    const [gone, right] = [await copyOf(archive), await copyOf(archive)]
    // It comes at any later step, when the only one that there is has just been asked in vain.
    for (let steps = 0; steps < 40; steps += 1) {
      const comesLater = async (): Promise<void> => {
        for (let n = 0; n < steps; n += 1) await Promise.resolve()
        from.copies.add(right)
      }
      const destination = gone.destination.another({
        before: (call) => {
          if (call !== 'read') return
          void comesLater()
          throw new BackupError('E_DESTINATION', 'It is gone.')
        },
      })
      from.copies.all.splice(0, Infinity, { ...gone, destination })
      const part = await new PartReader(from).read(1, never)
      assert.ok(partOf(1).equals(part.bytes))
      from.pool.recycle(part)
    }
  })

  test('stopped while it waits or reads a copy, it is told so and keeps no buffer', async (t) => {
    const from = await madeParts(t, archive, { slots: 1, working: 3 })
    await spoilRing(from)
    const waiting = new AbortController()
    const first = new PartReader(from).read(1, waiting.signal)
    for (let n = 0; n < 50; n += 1) await turn()
    waiting.abort()
    await assert.rejects(first, { code: 'E_ABORTED' })
    const reading = new AbortController()
    const { destination, stored } = await copyOf(archive)
    const stopping = destination.another({
      before: (call) => {
        if (call === 'chunk') reading.abort()
      },
    })
    from.copies.all.push({ destination: stopping, stored })
    await assert.rejects(new PartReader(from).read(1, reading.signal), { code: 'E_ABORTED' })
    assert.equal(from.pool.out, 0)
  })
})
