import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { PartIndex, type PartFact } from '../../../src/pipeline/parts/part-index.ts'
import { PART_BYTES } from '../../../src/pipeline/contract/digests.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const RECORD = 512

function fact(n: number): PartFact {
  return {
    sha256: n.toString(16).padStart(64, '0'),
    bytes: PART_BYTES,
    mark: { offset: n * PART_BYTES, place: { entry: n, name: 'ä\u2028', rest: [null, true, 1.5] } },
  }
}

async function written(file: string, count: number): Promise<void> {
  const index = await PartIndex.open(file, 0)
  for (let n = 0; n < count; n++) index.add(fact(n))
  await index.sync()
  await index.close()
}

async function allOf(index: PartIndex): Promise<PartFact[]> {
  return Promise.all(Array.from({ length: index.count }, (_, n) => index.read(n)))
}

describe('a part index', () => {
  test('finds every record by its number, those in memory and those on disk', async (t) => {
    const file = path.join(await tempFolder(t), 'parts')
    const index = await PartIndex.open(file, 0)
    const expected: PartFact[] = []
    const syncs: Promise<void>[] = []
    for (let n = 0; n < 300; n++) {
      index.add(fact(n))
      expected.push(fact(n))
      if (n % 7 === 0) syncs.push(index.sync())
      if (n % 60 === 0) assert.deepEqual(await allOf(index), expected)
    }
    await Promise.all([...syncs, index.sync()])
    assert.deepEqual(await allOf(index), expected)
    assert.equal((await stat(file)).size, 300 * RECORD)
    if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600)
    for (const n of [-1, 300, 0.5, NaN]) await assert.rejects(index.read(n), RangeError)
    await index.close()
    const again = await PartIndex.open(file, 300)
    assert.deepEqual(await allOf(again), expected)
    await again.close()
  })

  test('opened with any smaller count keeps the first ones and goes on behind them', async (t) => {
    const file = path.join(await tempFolder(t), 'parts')
    for (let count = 0; count <= 5; count++) {
      await written(file, 5)
      const index = await PartIndex.open(file, count)
      assert.equal(index.count, count)
      assert.equal((await stat(file)).size, count * RECORD)
      await assert.rejects(index.read(count), RangeError)
      const next = { ...fact(count), bytes: 7 }
      index.add(next)
      await index.sync()
      assert.deepEqual(await index.read(count), next)
      await index.close()
    }
  })

  test('that lost any of its bytes is told, unless they are not asked for', async (t) => {
    const file = path.join(await tempFolder(t), 'parts')
    for (const bytes of [0, 1, RECORD, 2 * RECORD - 1, 3 * RECORD - 1]) {
      await written(file, 3)
      await truncate(file, bytes)
      await assert.rejects(PartIndex.open(file, 3), { code: 'E_STATE' })
      const index = await PartIndex.open(file, Math.floor(bytes / RECORD))
      assert.equal((await allOf(index)).length, Math.floor(bytes / RECORD))
      await index.close()
    }
  })

  test('tells a record with any byte changed, and one in the place of another', async (t) => {
    const file = path.join(await tempFolder(t), 'parts')
    await written(file, 3)
    const whole = await readFile(file)
    for (let at = RECORD; at < 2 * RECORD; at++) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 0x20
      await writeFile(file, damaged)
      await assert.rejects(PartIndex.open(file, 3), { code: 'E_STATE' })
    }
    await writeFile(file, Buffer.concat([whole.subarray(0, RECORD), whole.subarray(0, RECORD)]))
    await assert.rejects(PartIndex.open(file, 2), { code: 'E_STATE' })
    await (await PartIndex.open(file, 1)).close()
  })

  test('tells a damaged record far from its end when it is read, and only then', async (t) => {
    const file = path.join(await tempFolder(t), 'parts')
    await written(file, 200)
    const handle = await open(file, 'r+')
    await handle.write('x', 3 * RECORD + 20)
    await handle.close()
    const index = await PartIndex.open(file, 200)
    await assert.rejects(index.read(3), { code: 'E_STATE' })
    assert.deepEqual(await index.read(2), fact(2))
    assert.deepEqual(await index.read(4), fact(4))
    await index.close()
  })

  test('takes a mark of any length that fits and refuses a longer one', async (t) => {
    const file = path.join(await tempFolder(t), 'parts')
    const index = await PartIndex.open(file, 0)
    const withPlace = (place: string): PartFact => ({ ...fact(0), mark: { offset: 0, place } })
    let longest = 0
    for (let length = 0; length < RECORD; length++) {
      try {
        index.add(withPlace('x'.repeat(length)))
        longest = length
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, 'E_INTERNAL')
      }
    }
    assert.ok(longest > 300)
    assert.equal(index.count, longest + 1)
    await index.sync()
    assert.equal((await stat(file)).size, index.count * RECORD)
    assert.deepEqual(await index.read(longest), withPlace('x'.repeat(longest)))
    await index.close()
  })

  test('that cannot be opened or written is told, by every sync', async (t) => {
    const folder = await tempFolder(t)
    // Windows opens a folder like a file.
    if (process.platform !== 'win32') await assert.rejects(PartIndex.open(folder, 0), { code: 'E_STATE' })
    const closed = await PartIndex.open(path.join(folder, 'parts'), 0)
    closed.add(fact(0))
    await closed.close()
    for (let n = 0; n < 2; n++) await assert.rejects(closed.sync(), { code: 'E_STATE' })
    assert.deepEqual(await closed.read(0), fact(0))
    if (process.platform === 'win32' || !existsSync('/dev/full')) return
    const full = await PartIndex.open('/dev/full', 0)
    full.add(fact(0))
    for (let n = 0; n < 2; n++) await assert.rejects(full.sync(), { code: 'E_QUOTA' })
    await full.close()
  })

  test('whose disk failed once never takes the data for written', async (t) => {
    const file = path.join(await tempFolder(t), 'parts')
    await written(file, 1)
    const index = await PartIndex.open(file, 1)
    const handle = await open(file)
    await handle.close()
    const datasync = t.mock.method(Object.getPrototypeOf(handle) as typeof handle, 'datasync')
    datasync.mock.mockImplementationOnce(() => Promise.reject(new Error('I/O error')))
    index.add(fact(1))
    for (let n = 0; n < 3; n++) await assert.rejects(index.sync(), { code: 'E_STATE' })
    assert.equal(datasync.mock.callCount(), 1)
    assert.deepEqual(await allOf(index), [fact(0), fact(1)])
    await index.close()
  })
})
