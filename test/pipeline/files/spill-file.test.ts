import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { readJsonLines, readJsonLinesAt, readSpill, SpillFile } from '../../../src/pipeline/files/spill-file.ts'
import { tempFolder } from '../../support/temp-folder.ts'

/** Bytes that one read of a spill file gives. */
const PIECE = 256 * 1024

async function linesOf(file: string): Promise<unknown[]> {
  const lines: unknown[] = []
  for await (const line of readJsonLines(file)) lines.push(line)
  return lines
}

async function written(file: string, values: readonly unknown[]): Promise<void> {
  const spill = await SpillFile.create(file)
  for (const value of values) await spill.addJson(value)
  await spill.flush()
  assert.equal((await stat(file)).size, spill.bytes)
  await spill.close()
}

describe('lines of a spill file', () => {
  test('come back as they were, whatever characters a file name is made of', async (t) => {
    const file = path.join(await tempFolder(t), 'plan.ndjson')
    const names = [
      'a\u2028b',
      'a\u2029b',
      'a\u0085b',
      'a\rb',
      'a\r\nb',
      'a\nb',
      '\u2028',
      '',
      '"\\',
      '\udc80',
      '🩻',
      'ä'.repeat(300),
    ]
    const values = names.map((name) => [name, 1, 2.5])
    await written(file, values)
    assert.deepEqual(await linesOf(file), values)
  })

  test('of every length around a piece, and in any number', async (t) => {
    const folder = await tempFolder(t)
    // A string of n letters takes n + 3 bytes as a line.
    for (const length of [PIECE - 5, PIECE - 4, PIECE - 3, PIECE - 2, PIECE - 1, 2 * PIECE - 3, 3 * PIECE]) {
      const values = ['x'.repeat(length), 'ä', 'y'.repeat(length), 7]
      const file = path.join(folder, String(length))
      await written(file, values)
      assert.deepEqual(await linesOf(file), values)
    }
    const many = Array.from({ length: 50_000 }, (_, n) => ({ n }))
    await written(path.join(folder, 'many'), many)
    assert.deepEqual(await linesOf(path.join(folder, 'many')), many)
    await written(path.join(folder, 'none'), [])
    assert.deepEqual(await linesOf(path.join(folder, 'none')), [])
  })

  test('that are cut off or damaged are told, without what they say', async (t) => {
    const folder = await tempFolder(t)
    const file = path.join(folder, 'plan.ndjson')
    await written(file, ['MUELLER^ANNA', 'MUELLER^ANNA'])
    for (const damage of [
      () => truncate(file, 20),
      () => writeFile(file, '"MUELLER^ANNA\n'),
      () => appendFile(file, 'MUELLER\n'),
    ]) {
      await damage()
      await assert.rejects(linesOf(file), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'E_STATE')
        assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /MUELLER/)
        return true
      })
    }
  })
})

describe('a spill file', () => {
  test('gives its bytes back in the order they were added, small ones and large ones', async (t) => {
    const file = path.join(await tempFolder(t), 'directory.bin')
    const pieces = [0, 1, PIECE - 1, 1, PIECE, PIECE + 1, 3, 0].map((length, n) => Buffer.alloc(length, n + 65))
    const spill = await SpillFile.create(file)
    for (const piece of pieces) await spill.add(piece)
    await spill.flush()
    await spill.close()
    const read: Buffer[] = []
    for await (const piece of readSpill(file)) read.push(Buffer.from(piece))
    assert.ok(Buffer.concat(read).equals(Buffer.concat(pieces)))
    assert.ok((await readFile(file)).equals(Buffer.concat(pieces)))
  })

  test('that cannot be made, written or read is told as E_STATE', async (t) => {
    const folder = await tempFolder(t)
    const taken = path.join(folder, 'taken')
    await writeFile(taken, '')
    await assert.rejects(SpillFile.create(taken), { code: 'E_STATE' })
    await assert.rejects(SpillFile.create(path.join(taken, 'below')), { code: 'E_STATE' })
    await assert.rejects(linesOf(path.join(folder, 'missing')), { code: 'E_STATE' })
    await mkdir(path.join(folder, 'folder'))
    await assert.rejects(linesOf(path.join(folder, 'folder')), { code: 'E_STATE' })
    const closed = await SpillFile.create(path.join(folder, 'closed'))
    await closed.close()
    await closed.add(Buffer.from('x'))
    await assert.rejects(closed.flush(), { code: 'E_STATE' })
  })
})

async function bytesOf(file: string, from?: number, to?: number): Promise<Buffer> {
  const read: Buffer[] = []
  for await (const piece of readSpill(file, from, to)) read.push(Buffer.from(piece))
  return Buffer.concat(read)
}

describe('a spill file that is gone on with', () => {
  test('after any of its bytes has those and what is added behind them', async (t) => {
    const file = path.join(await tempFolder(t), 'plan.ndjson')
    const before = Buffer.from('before ä\n')
    for (let bytes = 0; bytes <= before.length; bytes++) {
      await writeFile(file, before)
      const spill = await SpillFile.reopen(file, bytes)
      assert.equal(spill.bytes, bytes)
      await spill.add(Buffer.from('after'))
      assert.equal(spill.bytes, bytes + 5)
      await spill.sync()
      await spill.close()
      assert.deepEqual(await readFile(file), Buffer.concat([before.subarray(0, bytes), Buffer.from('after')]))
    }
  })

  test('but is shorter or gone is told as damaged', async (t) => {
    const folder = await tempFolder(t)
    const file = path.join(folder, 'plan.ndjson')
    await writeFile(file, 'before')
    await assert.rejects(SpillFile.reopen(file, 7), { code: 'E_STATE', message: /damaged/ })
    await assert.rejects(SpillFile.reopen(path.join(folder, 'missing'), 0), { code: 'E_STATE', message: /damaged/ })
    // Windows opens a folder like a file.
    if (process.platform !== 'win32') await assert.rejects(SpillFile.reopen(folder, 0), { code: 'E_STATE' })
    assert.equal((await stat(file)).size, 6)
  })
})

describe('flushes and syncs of a spill file', () => {
  test('that run at once keep the order of what was added', async (t) => {
    const file = path.join(await tempFolder(t), 'directory.bin')
    const spill = await SpillFile.create(file)
    const added: Buffer[] = []
    const waiting: Promise<void>[] = []
    for (let n = 0; n < 400; n++) {
      const data = Buffer.alloc(n % 40 === 0 ? PIECE : n, `${n} `)
      added.push(data)
      const flushed = spill.add(data)
      if (flushed !== undefined) waiting.push(flushed)
      if (n % 3 === 0) waiting.push(spill.flush())
      if (n % 7 === 0) waiting.push(spill.sync())
      if (n % 100 === 0) await waiting.at(-1)
    }
    await Promise.all(waiting)
    await spill.sync()
    assert.equal((await stat(file)).size, spill.bytes)
    assert.ok((await readFile(file)).equals(Buffer.concat(added)))
    await spill.close()
  })

  test('write what was added before the call, and not what comes after it', async (t) => {
    const file = path.join(await tempFolder(t), 'directory.bin')
    const spill = await SpillFile.create(file)
    await spill.add(Buffer.from('before'))
    const synced = spill.sync()
    await spill.add(Buffer.from('after'))
    await synced
    assert.equal(await readFile(file, 'utf8'), 'before')
    await spill.flush()
    assert.equal(await readFile(file, 'utf8'), 'beforeafter')
    await spill.close()
  })

  test('after one that failed fail too: nothing may follow the gap', async (t) => {
    if (!existsSync('/dev/full')) {
      t.skip('this system has no /dev/full')
      return
    }
    const spill = await SpillFile.reopen('/dev/full', 0)
    await spill.add(Buffer.from('x'))
    await assert.rejects(spill.flush(), { code: 'E_QUOTA' })
    await assert.rejects(spill.flush(), { code: 'E_QUOTA' })
    await assert.rejects(spill.sync(), { code: 'E_QUOTA' })
    await spill.close()
  })
})

describe('a stretch of a spill file', () => {
  test('of bytes is what lies between, also across pieces', async (t) => {
    const file = path.join(await tempFolder(t), 'directory.bin')
    const whole = Buffer.from(Array.from({ length: 3 * PIECE }, (_, n) => (n * 7) % 251))
    await writeFile(file, whole)
    const places = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE - 1, 3 * PIECE]
    for (const from of places) {
      assert.ok((await bytesOf(file, from)).equals(whole.subarray(from)))
      for (const to of places) assert.ok((await bytesOf(file, from, to)).equals(whole.subarray(from, to)))
    }
  })

  test('that lies beyond the end is told', async (t) => {
    const file = path.join(await tempFolder(t), 'directory.bin')
    await writeFile(file, 'x'.repeat(10))
    await assert.rejects(bytesOf(file, 0, 11), { code: 'E_STATE' })
    await assert.rejects(bytesOf(file, 10, 11), { code: 'E_STATE' })
    await assert.rejects(bytesOf(file, 11), { code: 'E_STATE' })
    assert.equal((await bytesOf(file, 10)).length, 0)
  })

  test('of lines can begin and end after any line, at the byte that was told', async (t) => {
    const file = path.join(await tempFolder(t), 'plan.ndjson')
    const values = ['ä\u2028', 1, '', 'x'.repeat(PIECE), null, { n: 5 }, 'y'.repeat(PIECE - 4), [7]]
    await written(file, values)
    const ends = [0]
    for await (const { value, end } of readJsonLinesAt(file)) {
      assert.deepEqual(value, values[ends.length - 1])
      ends.push(end)
    }
    assert.equal(ends.at(-1), (await stat(file)).size)
    for (const [first, from] of ends.entries()) {
      for (const [last, to] of ends.entries()) {
        const read: unknown[] = []
        for await (const { value, end } of readJsonLinesAt(file, from, to)) {
          read.push(value)
          assert.equal(end, ends[first + read.length])
        }
        assert.deepEqual(read, values.slice(first, Math.max(first, last)))
      }
    }
    for (const to of [1, (ends[1] ?? 0) - 1, (ends[1] ?? 0) + 1]) {
      await assert.rejects(
        async () => {
          for await (const line of readJsonLinesAt(file, 0, to)) assert.ok(line.end > 0)
        },
        { code: 'E_STATE' },
      )
    }
  })
})
