import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endRecords, placeRecord } from '../../../src/stages/zip/directory.ts'
import { wholeYazl } from './yazl-entry.ts'

const MAX_32 = 0xffffffff
const when = new Date(2026, 10, 23, 12, 0, 0)

describe('a directory record moved to its place', () => {
  test('keeps 32 bits up to the last offset they can hold, and gets a ZIP64 field from there on', async () => {
    const { record } = await wholeYazl(Buffer.from('x'), { name: 'ä.dcm', mtime: when, level: 0 })
    for (const offset of [0, 1, MAX_32 - 1]) {
      const placed = placeRecord(record, offset)
      assert.equal(placed.length, record.length)
      assert.equal(placed.readUInt32LE(42), offset)
    }
    for (const offset of [MAX_32, MAX_32 + 1, 5 * 2 ** 40]) {
      const placed = placeRecord(record, offset)
      assert.equal(placed.readUInt32LE(42), MAX_32)
      assert.equal(placed.readUInt16LE(6), 45)
      assert.equal(placed.readUInt16LE(30), record.readUInt16LE(30) + 12)
      const field = placed.subarray(-12)
      assert.equal(field.readUInt16LE(0), 1)
      assert.equal(Number(field.readBigUInt64LE(4)), offset)
      assert.equal(placed.subarray(46, 46 + 6).toString(), 'ä.dcm')
    }
  })

  test('fills the field that a large entry has already', () => {
    const name = Buffer.from('big')
    const field = Buffer.alloc(28)
    field.writeUInt16LE(1, 0)
    field.writeUInt16LE(24, 2)
    field.writeBigUInt64LE(5_000_000_000n, 4)
    const fixed = Buffer.alloc(46)
    fixed.writeUInt16LE(name.length, 28)
    fixed.writeUInt16LE(field.length, 30)
    fixed.writeUInt32LE(MAX_32, 42)
    const placed = placeRecord(Buffer.concat([fixed, name, field]), 6_000_000_000)
    assert.equal(placed.length, 46 + 3 + 28)
    assert.equal(Number(placed.readBigUInt64LE(46 + 3 + 20)), 6_000_000_000)
    assert.equal(Number(placed.readBigUInt64LE(46 + 3 + 4)), 5_000_000_000)
  })
})

describe('the end of the archive', () => {
  test('has ZIP64 records from the first number on that 16 or 32 bits cannot hold', () => {
    const place = { entries: 0xfffe, size: 1000, offset: MAX_32 - 1 }
    assert.equal(endRecords(place).length, 22)
    assert.equal(endRecords({ ...place, entries: 0xffff }).length, 98)
    assert.equal(endRecords({ ...place, size: MAX_32 }).length, 98)
    assert.equal(endRecords({ ...place, offset: MAX_32 }).length, 98)
  })

  test('says where everything is', () => {
    const end = endRecords({ entries: 1_000_000, size: 90_000_000, offset: 7_000_000_000 })
    assert.equal(Number(end.readBigUInt64LE(32)), 1_000_000)
    assert.equal(Number(end.readBigUInt64LE(40)), 90_000_000)
    assert.equal(Number(end.readBigUInt64LE(48)), 7_000_000_000)
    assert.equal(Number(end.readBigUInt64LE(56 + 8)), 7_090_000_000)
    assert.equal(end.readUInt16LE(76 + 10), 0xffff)
    assert.equal(end.readUInt32LE(76 + 16), MAX_32)
  })
})
