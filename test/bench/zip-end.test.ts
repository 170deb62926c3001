import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entriesOfZip } from '../../bench/peers/zip-end.ts'

/** The records behind a directory that begins at `offset` and has `size` bytes. */
function end(entries: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(22)
  record.writeUInt32LE(0x06054b50, 0)
  record.writeUInt16LE(entries, 10)
  record.writeUInt32LE(size, 12)
  record.writeUInt32LE(offset, 16)
  return record
}

function end64(entries: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x06064b50, 0)
  record.writeBigUInt64LE(BigInt(entries), 32)
  record.writeBigUInt64LE(BigInt(size), 40)
  record.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(offset + size), 8)
  return Buffer.concat([record, locator, end(0xffff, 0xffffffff, 0xffffffff)])
}

test('the end record names the entries', () => {
  assert.equal(entriesOfZip(end(7, 300, 1000), 1322), 7)
})

test('so does that of ZIP64, past 4 GiB', () => {
  const offset = 5 * 2 ** 30
  assert.equal(entriesOfZip(end64(100_000, 300, offset), offset + 300 + 98), 100_000)
})

test('a directory that ends elsewhere is none', () => {
  assert.throws(() => entriesOfZip(end(7, 300, 999), 1322), /directory ends at 1299/)
  assert.throws(() => entriesOfZip(end64(7, 300, 1000), 1399), /ZIP64 end record is not at 1300/)
})

test('nothing may follow but zeros that fill a block', () => {
  const padded = Buffer.concat([end(7, 300, 1000), Buffer.alloc(726)])
  assert.equal(entriesOfZip(padded, 2048, 1024), 7)
  assert.throws(() => entriesOfZip(padded, 2048), /no end record/)
  assert.throws(() => entriesOfZip(Buffer.concat([padded, Buffer.alloc(1024)]), 3072, 1024), /no end record/)
})

test('an archive that was cut has none', () => {
  assert.throws(() => entriesOfZip(end(7, 300, 1000).subarray(0, 21), 1321), /no end record/)
})
