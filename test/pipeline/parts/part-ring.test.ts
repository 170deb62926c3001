import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { open, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { PartRing } from '../../../src/pipeline/parts/part-ring.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const SLOTS = 3

function partBytes(n: number, bytes = PART_BYTES): Buffer {
  return Buffer.alloc(bytes, `part ${n} `)
}

async function holds(ring: PartRing, n: number, bytes = PART_BYTES): Promise<boolean> {
  const into = Buffer.alloc(bytes)
  return (await ring.read(n, into)) && into.equals(partBytes(n, bytes))
}

describe('a part ring', () => {
  test('holds the last parts and no others, also for who opens it again', async (t) => {
    const file = path.join(await tempFolder(t), 'ring')
    for (let last = 0; last < 8; last++) {
      const ring = await PartRing.open(file, SLOTS)
      await ring.put(last, partBytes(last))
      await ring.close()
      const again = await PartRing.open(file, SLOTS)
      for (let n = 0; n <= last; n++) assert.equal(await holds(again, n), n > last - SLOTS, `part ${n} of ${last}`)
      await again.close()
      assert.equal((await stat(file)).size, Math.min(last + 1, SLOTS) * PART_BYTES)
    }
    if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  test('stores parts that are given at once, the last one of a slot over the earlier ones', async (t) => {
    const ring = await PartRing.open(path.join(await tempFolder(t), 'ring'), SLOTS)
    await Promise.all(Array.from({ length: 10 }, (_, n) => ring.put(n, partBytes(n))))
    for (let n = 0; n < 10; n++) assert.equal(await holds(ring, n), n > 6)
    await ring.close()
  })

  test('gives a shorter last part, and a buffer used again does not change what it stored', async (t) => {
    const ring = await PartRing.open(path.join(await tempFolder(t), 'ring'), SLOTS)
    const bytes = partBytes(4, 1000)
    await ring.put(4, bytes)
    bytes.fill(0)
    assert.equal(await holds(ring, 4, 1000), true)
    assert.equal(await ring.read(4, Buffer.alloc(1001)), false)
    await ring.close()
  })

  test('whose file is short or empty gives no part that is cut off', async (t) => {
    const file = path.join(await tempFolder(t), 'ring')
    const ring = await PartRing.open(file, SLOTS)
    for (let n = 0; n < SLOTS; n++) await ring.put(n, partBytes(n))
    for (const bytes of [3 * PART_BYTES - 1, 2 * PART_BYTES, PART_BYTES + 1, 1, 0]) {
      await truncate(file, bytes)
      for (let n = 0; n < SLOTS; n++) assert.equal(await holds(ring, n), (n + 1) * PART_BYTES <= bytes)
    }
    await ring.close()
  })

  test('that can have no file stores nothing and never fails', async (t) => {
    const folder = await tempFolder(t)
    await writeFile(path.join(folder, 'file'), '')
    for (const file of [folder, path.join(folder, 'file', 'ring'), path.join(folder, 'none', 'ring')]) {
      const ring = await PartRing.open(file, SLOTS)
      await ring.put(0, partBytes(0))
      assert.equal(await holds(ring, 0), false)
      await ring.close()
    }
  })

  test('that was closed stores nothing, gives nothing and never fails', async (t) => {
    const ring = await PartRing.open(path.join(await tempFolder(t), 'ring'), SLOTS)
    await ring.put(0, partBytes(0))
    await ring.close()
    await ring.put(1, partBytes(1))
    assert.equal(await holds(ring, 0), false)
    await ring.close()
  })

  test('whose disk was full once stores nothing more and never fails', async (t) => {
    const file = path.join(await tempFolder(t), 'ring')
    const ring = await PartRing.open(file, SLOTS)
    await ring.put(0, partBytes(0))
    const handle = await open(file)
    await handle.close()
    const write = t.mock.method(Object.getPrototypeOf(handle) as typeof handle, 'write')
    write.mock.mockImplementationOnce(() => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })))
    await ring.put(1, partBytes(1))
    await ring.put(2, partBytes(2))
    assert.equal(write.mock.callCount(), 1)
    assert.deepEqual([await holds(ring, 0), await holds(ring, 1), await holds(ring, 2)], [true, false, false])
    await ring.close()
  })

  test('on a full disk never fails', async (t) => {
    if (!existsSync('/dev/full')) {
      t.skip('this system has no /dev/full')
      return
    }
    const ring = await PartRing.open('/dev/full', SLOTS)
    await ring.put(0, partBytes(0))
    await ring.put(1, partBytes(1))
    assert.equal(await holds(ring, 0), false)
    await ring.close()
  })
})
