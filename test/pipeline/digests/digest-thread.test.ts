import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import type { DigestState } from '../../../src/pipeline/digests/archive-digest.ts'
import { type ObjectDigests, PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { DigestThread } from '../../../src/pipeline/digests/digest-thread.ts'
import { DIGEST_NAMES, ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { PartPool } from '../../../src/pipeline/parts/part.ts'
import { madeUp } from '../../support/byte-source.ts'
import { threadCount } from '../../support/threads.ts'

const pool = new PartPool()

/** The parts of an archive of so many bytes, in the memory that parts are made in. */
function partsOf(name: string, length: number): Uint8Array[] {
  const data = madeUp(name, length)
  const parts: Uint8Array[] = []
  for (let at = 0; at < length; at += PART_BYTES) {
    const piece = data.subarray(at, at + PART_BYTES)
    const part = pool.take().subarray(0, piece.length)
    part.set(piece)
    parts.push(part)
  }
  return parts
}

function digestsOf(parts: readonly Uint8Array[]): ObjectDigests {
  const digest = new ObjectDigest()
  for (const part of parts) digest.update(part)
  return digest.digests()
}

test('the digests of parts come in their order, those of the archive at its end, without being waited for in between', async () => {
  const parts = partsOf('one', 5 * PART_BYTES + 77)
  const digest = await DigestThread.open(DIGEST_NAMES)
  const order: number[] = []
  const added = parts.map(async (part, n) => {
    const { sha256 } = await digest.add(part)
    order.push(n)
    return sha256
  })
  const end = digest.end()
  assert.deepEqual(
    await Promise.all(added),
    parts.map((part) => hash('sha256', part)),
  )
  assert.deepEqual(order, [...parts.keys()])
  assert.deepEqual(await end, digestsOf(parts))
})

test('several archives at once do not disturb one another', async () => {
  const all = await Promise.all(
    [1, 2, 3].map(async (n) => ({
      digest: await DigestThread.open(DIGEST_NAMES),
      parts: partsOf(`${n}`, n * PART_BYTES - n),
    })),
  )
  const added: Promise<unknown>[] = []
  for (const n of [0, 1, 2]) {
    for (const { digest, parts } of all) {
      const part = parts[n]
      if (part !== undefined) added.push(digest.add(part))
    }
  }
  await Promise.all(added)
  for (const { digest, parts } of all) assert.deepEqual(await digest.end(), digestsOf(parts))
})

test('taken up after any part, from text, they come to the same; what went on there does not count', async () => {
  const parts = partsOf('taken up', 3 * PART_BYTES + 1)
  const first = await DigestThread.open(DIGEST_NAMES)
  const states: (DigestState | null)[] = [null]
  for (const part of parts) states.push((await first.add(part)).state)
  for (const [n, state] of states.entries()) {
    const second = await DigestThread.open((JSON.parse(JSON.stringify(state)) as DigestState | null) ?? DIGEST_NAMES)
    for (const part of parts.slice(n)) await second.add(part)
    assert.deepEqual(await second.end(), digestsOf(parts), `after part ${n}`)
  }
  assert.deepEqual(await first.end(), digestsOf(parts))
})

test('an archive of one short part, and an empty one, has them without a thread', async () => {
  const before = threadCount()
  for (const parts of [partsOf('short', 12_345), []]) {
    const digest = await DigestThread.open(DIGEST_NAMES)
    const added = parts.map((part) => digest.add(part))
    const end = digest.end()
    assert.deepEqual(
      (await Promise.all(added)).map(({ sha256 }) => sha256),
      parts.map((part) => hash('sha256', part)),
    )
    assert.deepEqual(await end, digestsOf(parts))
  }
  assert.equal(threadCount(), before)
})

test('a process with an archive that it has not ended ends all the same, when it waits for nothing', () => {
  const module = path.resolve(import.meta.dirname, '../../../src/pipeline/digests/digest-thread.ts')
  const program = `import(${JSON.stringify(pathToFileURL(module).href)}).then(async ({ DigestThread }) => {
    const digest = await DigestThread.open(['md5'])
    console.log((await digest.add(Buffer.alloc(${PART_BYTES}, 'abc'))).sha256)
  })`
  const out = execFileSync(process.execPath, ['-e', program], { timeout: 600_000 })
  assert.equal(out.toString().trim(), hash('sha256', Buffer.alloc(PART_BYTES, 'abc')))
})

test('a thread that fails fails every archive that is on its way, at each step, and none that is begun later', async () => {
  const other = await DigestThread.open(DIGEST_NAMES)
  await other.add(new Uint8Array(PART_BYTES))
  const digest = await DigestThread.open(DIGEST_NAMES)
  // More than a block.
  const failed = [digest.add(new Uint8Array(PART_BYTES + 1)), digest.add(new Uint8Array(1)), digest.end(), other.end()]
  for (const one of await Promise.allSettled(failed)) {
    assert.equal(one.status === 'rejected' && (one.reason as { code?: string }).code, 'E_INTERNAL')
  }
  for (const step of [() => digest.end(), () => digest.end(), () => other.add(new Uint8Array(1))]) {
    await assert.rejects(step, { code: 'E_INTERNAL' })
  }
  const later = await DigestThread.open(DIGEST_NAMES)
  const parts = partsOf('later', 77)
  for (const part of parts) await later.add(part)
  assert.deepEqual(await later.end(), digestsOf(parts))
})
