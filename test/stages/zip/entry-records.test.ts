import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import yazl from 'yazl'
import { placeRecord } from '../../../src/stages/zip/directory.ts'
import {
  dataDescriptor,
  directoryRecord,
  localRecord,
  localRecordBytes,
  type DeflateLevel,
  type EntryOptions,
  type EntrySums,
} from '../../../src/stages/zip/entry-records.ts'
import { localBytes, MIB, readLarge, sourceOf } from './large-entry-source.ts'
import { readYazl, wholeYazl } from './yazl-entry.ts'

const when = new Date(2026, 10, 23, 12, 0, 1)
const GIB = 1024 * MIB
const MAX_32 = 0xffffffff

test('a deflated entry that is whole is byte for byte what yazl writes', async () => {
  const bytes = Buffer.alloc(100_000, 'dicom')
  for (const level of [1, 6] as const) {
    const options = { name: 'a\\b "c"\n🩻.dcm', mtime: when, level }
    const data = deflateRawSync(bytes, { level })
    const sums = { crc: crc32(bytes), packed: data.length, size: bytes.length }
    const yazls = await wholeYazl(bytes, options)
    assert.ok(Buffer.concat([localRecord(options, sums), data]).equals(yazls.bytes))
    assert.deepEqual(directoryRecord(options, sums, 0), yazls.record)
  }
})

describe('a stored entry is byte for byte what yazl writes', () => {
  async function same(options: EntryOptions, bytes: Buffer): Promise<void> {
    const mine = await readLarge({ ...options, read: sourceOf(bytes, { chunkBytes: 60_001 }) })
    const yazls = await readYazl(bytes, options)
    assert.ok(mine.bytes.equals(yazls.bytes), `${options.name} ${options.mtime.toISOString()}: data`)
    assert.deepEqual(mine.record, yazls.record, `${options.name} ${options.mtime.toISOString()}: directory record`)
    const sums = { crc: crc32(bytes), packed: bytes.length, size: bytes.length }
    const whole = Buffer.concat([localRecord(options, sums), bytes])
    const wholeYazls = await wholeYazl(bytes, options)
    assert.ok(whole.equals(wholeYazls.bytes), `${options.name}: data, whole`)
    assert.equal(localRecordBytes(options.name), whole.length - bytes.length)
    assert.deepEqual(directoryRecord(options, sums, 0), wholeYazls.record, `${options.name}: directory record, whole`)
  }
  const bytes = Buffer.alloc(200_000, 'dicom')

  const names = [
    'dicom_files/a.dcm',
    'a\\b "c"\n🩻.dcm',
    '..\\up.dcm',
    '\\',
    'C:\\x',
    'ends\\',
    'Müller/größe.dcm',
    'line\u2028separator',
    `dicom_files/${'n'.repeat(255)}/${'ä'.repeat(127)}`,
    'deep/'.repeat(800),
    'x'.repeat(0xffff),
  ]
  for (const name of names) {
    test(`with the name ${JSON.stringify(name.slice(0, 60))}`, () => same({ name, mtime: when, level: 0 }, bytes))
  }

  test('with a time of any age', async () => {
    const times = [
      ...[-8.64e15, Date.UTC(1904, 0, 1), -2_147_483_649_000, -1000, -1, 0, 1, 999, 1000],
      ...[new Date(1979, 11, 31, 23, 59, 59), new Date(1980, 0, 1), new Date(1980, 0, 1, 0, 0, 1)].map(Number),
      ...[Date.UTC(2024, 1, 29, 23, 59, 59), Date.UTC(2026, 6, 1, 2, 30), 2_147_483_647_999, 2_147_483_648_000],
      ...[new Date(2107, 11, 31, 23, 59, 58), new Date(2107, 11, 31, 23, 59, 59), new Date(2108, 0, 1)].map(Number),
      ...[Date.UTC(2200, 1, 2), 8.64e15],
    ]
    for (const time of times) await same({ name: 'x', mtime: new Date(time), level: 0 }, Buffer.from('x'))
  })

  test('with any size around a segment', async () => {
    for (const edge of [0, MIB, 3 * MIB]) {
      for (const size of [edge - 1, edge, edge + 1].filter((one) => one >= 0)) {
        await same({ name: 'x', mtime: when, level: 0 }, Buffer.alloc(size, `${size} pixels`))
      }
    }
  })
})

test('a name that 16 bits cannot tell the length of is refused', async () => {
  const name = 'x'.repeat(0x10000)
  await assert.rejects(readLarge({ name, mtime: when, level: 0, read: sourceOf(Buffer.from('x')) }), RangeError)
})

/** What yazl has of an entry, and does not show in its types. */
interface YazlEntry {
  crc32: number
  compressedSize: number
  uncompressedSize: number
  readonly getLocalFileHeader: () => Buffer
  readonly getDataDescriptor: () => Buffer
  readonly getCentralDirectoryRecord: () => Buffer
}

/** yazl's entry, told its sums without their data. */
function yazlEntry({ name, mtime, level }: EntryOptions, sums: EntrySums): YazlEntry {
  const zip = new yazl.ZipFile() as yazl.ZipFile & { readonly entries: YazlEntry[] }
  zip.addReadStreamLazy(name, { mtime, mode: 0o100644, compress: level > 0, compressionLevel: level }, () => undefined)
  const entry = zip.entries[0]!
  return Object.assign(entry, { crc32: sums.crc, compressedSize: sums.packed, uncompressedSize: sums.size })
}

describe('the records of an entry past 4 GiB', () => {
  const sizes = [0, 1, MAX_32 - 1, MAX_32, MAX_32 + 1, 50 * GIB, 2 ** 52 + 1]

  for (const level of [0, 1, 6] as const) {
    test(`are those of yazl, whichever of the sizes needs ZIP64 (level ${level})`, () => {
      for (const packed of sizes) {
        for (const size of sizes) {
          const options = { name: 'dicom_files/ä.dcm', mtime: when, level }
          const sums = { crc: 0xfedcba98, packed, size }
          const yazls = yazlEntry(options, sums)
          const what = `${packed} of ${size}`
          assert.deepEqual(localRecord(options, null), yazls.getLocalFileHeader(), what)
          assert.deepEqual(dataDescriptor(sums), yazls.getDataDescriptor(), what)
          assert.deepEqual(directoryRecord(options, sums), yazls.getCentralDirectoryRecord(), what)
        }
      }
    })
  }

  test('hold the offset when they are placed', () => {
    const options = { name: 'x', mtime: when, level: 0 as const }
    const record = directoryRecord(options, { crc: 1, packed: 5 * GIB, size: 5 * GIB })
    const placed = placeRecord(record, 7 * GIB)
    assert.equal(placed.length, record.length)
    assert.deepEqual(
      [-24, -16, -8].map((at) => Number(placed.subarray(at).readBigUInt64LE())),
      [5 * GIB, 5 * GIB, 7 * GIB],
    )
  })

  /** Goes on shortly before 4 GiB with zeros. */
  async function pastTheEdge(level: DeflateLevel, size: number): Promise<void> {
    const options = { name: 'dump.sql', mtime: when, level }
    const context = level === 0 ? 0 : 32 * 1024
    const local = localBytes(options)
    const from = {
      read: 4 * GIB - 2 * MIB,
      written: local + (level === 0 ? 4 * GIB - 2 * MIB : 123_456),
      crc: 0x1234567,
      level,
    }
    const asked: number[] = []
    const read = (at: number): AsyncIterable<Uint8Array> => {
      asked.push(at)
      return sourceOf(Buffer.alloc(size - at))(0)
    }
    const { bytes, record, progress } = await readLarge({ ...options, read }, from)
    assert.deepEqual(asked, [from.read - context])
    const trailer = size >= MAX_32 ? 24 : 16
    const sums = {
      crc: crc32(Buffer.alloc(size - from.read), from.crc),
      packed: from.written - local + bytes.length - trailer,
      size,
    }
    const yazls = yazlEntry(options, sums)
    assert.deepEqual(bytes.subarray(-trailer), yazls.getDataDescriptor())
    assert.deepEqual(record, yazls.getCentralDirectoryRecord())
    assert.equal(progress.at(-1)?.read, size)
    if (level === 0) assert.ok(bytes.subarray(0, -trailer).equals(Buffer.alloc(size - from.read)))
  }
  for (const level of [0, 1, 6] as const) {
    test(`follow from where the entry went on (level ${level})`, async () => {
      for (const size of [MAX_32 - 1, MAX_32, MAX_32 + 1, 4 * GIB + 3 * MIB + 5]) await pastTheEdge(level, size)
    })
  }
})
