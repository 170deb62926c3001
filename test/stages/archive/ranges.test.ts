import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NameSet } from '../../../src/stages/archive/name-set.ts'
import { grouped, inBlocks, withTail, type GroupOptions, type Piece } from '../../../src/stages/archive/ranges.ts'
import { seeded } from '../../support/seed.ts'
import { bytesOf, collect, countBytes, fileOf, never } from './stored-archive.ts'

const random = seeded('ranges')

async function groupsOf(pieces: readonly (readonly [number, number])[], options: GroupOptions): Promise<number[][]> {
  const source = async function* (): AsyncGenerator<Piece> {
    for (const [start, end] of pieces) yield await Promise.resolve({ start, end })
  }
  const groups = await collect(grouped(source(), (piece) => piece, options))
  return groups.map((group) => group.map(({ start }) => start))
}

describe('neighbouring pieces', () => {
  test('are one group while they are near and not too many bytes', async () => {
    const options = { gap: 10, bytes: 100 }
    assert.deepEqual(await groupsOf([], options), [])
    assert.deepEqual(
      await groupsOf(
        [
          [0, 20],
          [20, 40],
          [49, 60],
          [70, 80],
        ],
        options,
      ),
      [[0, 20, 49], [70]],
    )
    assert.deepEqual(
      await groupsOf(
        [
          [0, 60],
          [60, 100],
          [100, 101],
        ],
        options,
      ),
      [[0, 60], [100]],
    )
    assert.deepEqual(
      await groupsOf(
        [
          [0, 500],
          [500, 501],
        ],
        options,
      ),
      [[0], [500]],
    )
  })

  test('are not more than memory should hold, however few bytes they have', async () => {
    const pieces = Array.from({ length: 10 }, (_, n) => [n, n + 1] as const)
    assert.deepEqual(await groupsOf(pieces, { pieces: 4 }), [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ])
    const empty = Array.from({ length: 20_000 }, (_, n) => [100 * n, 100 * n + 100] as const)
    const groups = await groupsOf(empty, {})
    assert.ok(groups.every(({ length }) => length <= 4096))
    assert.equal(groups.flat().length, empty.length)
  })

  test('may overlap by what was guessed of their length, and begin anew where they do not ascend', async () => {
    const options = { gap: 10, bytes: 100 }
    assert.deepEqual(
      await groupsOf(
        [
          [0, 20],
          [15, 40],
          [5, 30],
        ],
        options,
      ),
      [[0, 15], [5]],
    )
  })
})

describe('a range', () => {
  test('in blocks, and with a tail that is here already, has the same bytes, each fetched once', async () => {
    const bytes = random.bytes(10_000_000)
    const tailFrom = 9_900_000
    for (const [from, to] of [
      [0, bytes.length],
      [5, 4_500_000],
      [9_899_999, 9_900_001],
      [9_950_000, 9_950_001],
      [7, 7],
    ] as const) {
      const { remote, fetched } = countBytes(fileOf(bytes))
      const file = inBlocks(withTail(remote, tailFrom, bytes.subarray(tailFrom)))
      assert.ok((await bytesOf(file.read(from, to, never))).equals(bytes.subarray(from, to)))
      assert.equal(fetched.bytes, Math.max(0, Math.min(to, tailFrom) - from))
    }
  })
})

test('a set of names knows each name once it was added, and no other', () => {
  const names = new NameSet()
  for (let n = 0; n < 50_000; n += 1) assert.ok(names.add(`dicom_files/${n}`))
  for (let n = 0; n < 50_000; n += 997) assert.ok(!names.add(`dicom_files/${n}`))
  assert.equal(names.size, 50_000)
})
