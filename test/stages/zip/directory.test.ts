import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { endRecords, placeRecord } from '../../../src/stages/zip/directory.ts'
import { zipBuffer } from '../../../src/stages/zip/one-entry.ts'
import { readYazl } from './yazl-entry.ts'

const MAX_32 = 0xffffffff
const when = new Date(2026, 10, 23, 12, 0, 0)

describe('a directory record moved to its place', () => {
  test('keeps 32 bits up to the last offset they can hold, and gets a ZIP64 field from there on', async () => {
    const { record } = await zipBuffer(Buffer.from('x'), { name: 'ä.dcm', mtime: when, level: 0 })
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

describe('one entry through yazl', () => {
  test('the same bytes give the same local data whole and streamed, but for the descriptor', async () => {
    const bytes = Buffer.alloc(100_000, 'dicom')
    const options = { name: 'a\\b "c"\n🩻.dcm', mtime: when, level: 1 as const }
    const whole = await zipBuffer(bytes, options)
    const streamed = await readYazl(bytes, options)
    // CRC, compressed size, size: APPNOTE 4.4.7 to 4.4.9.
    assert.deepEqual(streamed.record.subarray(16, 28), whole.record.subarray(16, 28))
    const name = Buffer.from(options.name)
    for (const record of [streamed.record, whole.record]) assert.ok(record.subarray(46, 46 + name.length).equals(name))
    const data = Buffer.concat(whole.data)
    for (const local of [streamed.bytes, data]) assert.ok(local.subarray(30, 30 + name.length).equals(name))
    const packed = whole.record.readUInt32LE(20)
    assert.equal(data.length, 30 + name.length + packed)
    assert.ok(data.subarray(-packed).equals(streamed.bytes.subarray(30 + name.length, 30 + name.length + packed)))
  })

  test('of any size has its bytes and its name, in however many chunks yazl gives them', async () => {
    for (const name of ['x', 'deep/'.repeat(800)]) {
      for (const size of [0, 1, 60, 70_000, 4 * 1024 * 1024]) {
        const bytes = Buffer.alloc(size, 'dicom')
        const { data, record } = await zipBuffer(bytes, { name, mtime: when, level: 0 })
        const local = 30 + name.length
        const all = Buffer.concat(data)
        assert.equal(all.length, local + size)
        assert.equal(all.toString('utf8', 30, local), name)
        assert.ok(all.subarray(local).equals(bytes))
        assert.equal(all.readUInt32LE(14), crc32(bytes), 'CRC in the local record, 4.3.7')
        assert.deepEqual(
          [record.readUInt32LE(16), record.readUInt32LE(20), record.readUInt32LE(24)],
          [crc32(bytes), size, size],
        )
        assert.equal(record.toString('utf8', 46, 46 + name.length), name)
        assert.equal(record.length, 46 + name.length + record.readUInt16LE(30))
      }
    }
  })
})
