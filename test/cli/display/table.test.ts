import assert from 'node:assert/strict'
import test from 'node:test'
import { table, type Column } from '../../../src/cli/display/table.ts'
import { visibleWidth } from '../../../src/cli/display/width.ts'
import { ascii, bare, colored } from './samples.ts'

const columns: readonly Column[] = [{ shrinks: true }, { align: 'right' }, { align: 'right', optional: true }]
const rows = [
  ['JPEG 2000 Image Compression', '203,000', '180 GiB'],
  ['病院の形式', '5', ''],
]

test('columns are aligned by what the terminal shows', () => {
  assert.deepEqual(table(columns, rows, bare(80), 2), [
    '  JPEG 2000 Image Compression  203,000  180 GiB',
    '  病院の形式                         5',
  ])
})

test('a narrow table first shortens, then leaves out, then cuts', () => {
  assert.deepEqual(table(columns, rows, bare(40)), [
    'JPEG 2000 Image Comp…  203,000  180 GiB',
    '病院の形式                   5',
  ])
  assert.deepEqual(table(columns, rows, bare(34)), [
    'JPEG 2000 Image Compres…  203,000',
    '病院の形式                      5',
  ])
  assert.deepEqual(table(columns, rows, ascii(20)), ['JPEG 20...  203,000', '病院の形式        5'])
})

test('no line is as wide as the terminal, down to its least', () => {
  for (let width = 18; width <= 60; width++) {
    for (const line of table(columns, rows, bare(width))) assert.ok(visibleWidth(line) < width, `${width}: ${line}`)
  }
})

test('an empty column takes no place, a least width is kept', () => {
  assert.deepEqual(table([{}, {}, {}], [['a', '', 'c']], bare(80)), ['a  c'])
  assert.deepEqual(table([{ min: 4 }, {}], [['a', 'b']], bare(80)), ['a     b'])
})

test('colours cover the text, not the gaps, and text cannot bring its own', () => {
  assert.deepEqual(table([{ min: 4 }, {}], [[['ab', 'red'], '\u001b[1mb']], colored(80)), [
    '\u001b[31mab\u001b[39m    b',
  ])
})

test('rows may be more than a call takes arguments: a list of 200,000 studies', () => {
  const many = Array.from({ length: 200_000 }, (_, n) => ['study', String(n)])
  const lines = table([{}, { align: 'right' }], many, bare(80))
  assert.deepEqual([lines.length, lines[7], lines.at(-1)], [200_000, 'study       7', 'study  199999'])
})
