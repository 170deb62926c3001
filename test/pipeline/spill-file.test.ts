import assert from 'node:assert/strict'
import { appendFile, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { readJsonLines, readSpill, SpillFile } from '../../src/pipeline/spill-file.ts'
import { tempFolder } from '../support/temp-folder.ts'

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
    for await (const piece of readSpill(file)) read.push(piece)
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
