import assert from 'node:assert/strict'
import test from 'node:test'
import { dumpOutline } from '../../../src/stages/dump/outline.ts'

const dump = (newline = '\n'): string =>
  [
    '-- MariaDB dump 10.19',
    '--',
    '-- Table structure for table `patients`',
    '--',
    'CREATE TABLE `patients` (',
    "INSERT INTO `patients` VALUES ('\\n-- Table structure for table `forged`\\n');",
    '-- Temporary table structure for view `worklist`',
    '-- Table structure for table `odd ``name`` — 患者`',
    '-- Table structure for table `x`',
    '-- Dump completed on 2024-03-31  2:30:00',
    '',
  ].join(newline)
const names = ['patients', 'odd `name` — 患者', 'x']

function outlineOf(bytes: Buffer, size: number): ReturnType<typeof dumpOutline> {
  const outline = dumpOutline()
  for (let start = 0; start < bytes.length; start += size) outline.add(bytes.subarray(start, start + size))
  return outline
}

test('tables are counted and the end is seen wherever the bytes are cut', () => {
  for (const newline of ['\n', '\r\n']) {
    const bytes = Buffer.from(dump(newline))
    for (let size = 1; size <= bytes.length + 1; size++) {
      const outline = outlineOf(bytes, size)
      assert.deepEqual(outline.tableNames, names, `cut every ${size} bytes`)
      assert.equal(outline.complete, true)
      assert.equal(outline.bytes, bytes.length)
    }
  }
})

test('a dump that lacks even its last byte is not complete', () => {
  const bytes = Buffer.from(dump())
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(outlineOf(bytes.subarray(0, length), 100).complete, false, `${length} of ${bytes.length} bytes`)
  }
})

test('bytes after the last line, or the line within a row, are no end', () => {
  for (const text of [
    `${dump()}INSERT`,
    `${dump()}\n`,
    "INSERT INTO t VALUES ('-- Dump completed\n",
    'x-- Dump completed\n',
  ]) {
    assert.equal(outlineOf(Buffer.from(text), 7).complete, false)
  }
})

test('a dump without dates ends with the bare words', () => {
  assert.equal(outlineOf(Buffer.from('-- Dump completed\n'), 3).complete, true)
})

test('a first line that names a table counts, and one without an end is not waited for for ever', () => {
  assert.deepEqual(outlineOf(Buffer.from('-- Table structure for table `first`\n'), 4).tableNames, ['first'])
  const endless = Buffer.from(
    `-- Table structure for table \`${'x'.repeat(100_000)}\n-- Table structure for table \`t\`\n`,
  )
  assert.deepEqual(outlineOf(endless, 1000).tableNames, ['t'])
})

test('the longest name there can be is read', () => {
  const name = '`'.repeat(64)
  const line = Buffer.from(`\n-- Table structure for table \`${name.replaceAll('`', '``')}\`\n`)
  assert.deepEqual(outlineOf(line, 16).tableNames, [name])
  const wide = '患'.repeat(64)
  assert.deepEqual(outlineOf(Buffer.from(`-- Table structure for table \`${wide}\`\n`), 1).tableNames, [wide])
})
