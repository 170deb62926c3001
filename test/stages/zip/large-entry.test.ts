import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { crc32, createInflateRaw } from 'node:zlib'
import { endRecords, placeRecord } from '../../../src/stages/zip/directory.ts'
import type { DeflateLevel } from '../../../src/stages/zip/entry-records.ts'
import { noSharedDicom, sharedDicom } from '../../support/shared-dicom.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { readEntries } from '../../support/zip-entries.ts'
import { READERS } from '../../support/zip-readers.ts'
import { ctLike, localBytes, MIB, readLarge, sourceOf } from './large-entry-source.ts'
import { readYazl } from './yazl-entry.ts'

const when = new Date(2026, 10, 23, 12, 0, 1)
const DESCRIPTOR_BYTES = 16

/** Makes the entry, compares it with yazl's, and gives both sizes of the data in the archive. */
async function againstYazl(bytes: Buffer, level: DeflateLevel): Promise<{ mine: number; yazls: number }> {
  const options = { name: 'dicom_files/a\\🩻.dcm', mtime: when, level }
  const mine = await readLarge({ ...options, read: sourceOf(bytes, { chunkBytes: 300_000 }) })
  const yazls = await readYazl(bytes, options)
  const local = localBytes(options)

  assert.deepEqual(mine.bytes.subarray(0, local), yazls.bytes.subarray(0, local), 'local record')
  const data = mine.bytes.subarray(local, -DESCRIPTOR_BYTES)
  // Exactly one stream, that ends where the data does.
  const inflate = createInflateRaw()
  inflate.end(data)
  assert.ok((await buffer(inflate)).equals(bytes), 'inflates to the source')
  assert.equal(inflate.bytesWritten, data.length)

  // APPNOTE 4.3.9: CRC at 4, size at 12; 4.3.12: compressed size at 20. All else is as in yazl's.
  const descriptor = mine.bytes.subarray(-DESCRIPTOR_BYTES)
  const expected = Buffer.from(yazls.bytes.subarray(-DESCRIPTOR_BYTES))
  expected.writeUInt32LE(data.length, 8)
  assert.deepEqual(descriptor, expected)
  assert.equal(descriptor.readUInt32LE(4), crc32(bytes))
  const record = Buffer.from(yazls.record)
  record.writeUInt32LE(data.length, 20)
  assert.deepEqual(mine.record, record)
  return { mine: data.length, yazls: yazls.bytes.length - local - DESCRIPTOR_BYTES }
}

describe('a deflated entry', () => {
  for (const [level, larger] of [
    [1, 2],
    [6, 1],
  ] as const) {
    test(`differs from yazl's in the deflate stream only, which is at most ${larger} % larger (level ${level})`, async () => {
      const { mine, yazls } = await againstYazl(ctLike(5 * MIB + 777), level)
      assert.ok(mine <= yazls * (1 + larger / 100), `${mine} bytes, yazl ${yazls}`)
      assert.ok(mine < 4 * MIB, 'it is compressed at all')
    })

    test(`of any size around a segment is whole (level ${level})`, async () => {
      for (const edge of [0, 32 * 1024, MIB, 2 * MIB]) {
        for (const size of [edge - 1, edge, edge + 1].filter((one) => one >= 0)) {
          await againstYazl(ctLike(size), level)
        }
      }
    })

    test(
      `of real images is at most ${larger} % larger than yazl's (level ${level})`,
      { skip: noSharedDicom },
      async () => {
        const { mine, yazls } = await againstYazl(realImages(12 * MIB), level)
        assert.ok(mine <= yazls * (1 + larger / 100), `${mine} bytes, yazl ${yazls}`)
      },
    )
  }

  test('refers back over the end of a segment', async () => {
    // What cannot be compressed but by a look at the 32 KiB before: each repeats the one before it.
    const block = Buffer.from(Array.from({ length: 31 * 1024 }, (_, n) => crc32(String(n)) & 0xff))
    const { mine } = await againstYazl(Buffer.concat(Array<Buffer>(136).fill(block)), 6)
    assert.ok(mine < 2 * block.length, `${mine} bytes`)
  })
})

/** The first `bytes` of the real files, one after the other. */
function realImages(bytes: number): Buffer {
  const root = path.join(sharedDicom() ?? '', 'dicom_files')
  const chunks: Buffer[] = []
  let found = 0
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(root, name)
    if (found >= bytes) break
    if (!statSync(file).isFile()) continue
    const content = readFileSync(file)
    chunks.push(content)
    found += content.length
  }
  return Buffer.concat(chunks).subarray(0, bytes)
}

test('an archive of such entries is sound for every reader', async (t) => {
  const archive = path.join(await tempFolder(t), 'a.zip')
  const image = ctLike(3 * MIB + 5)
  const entries = ([0, 1, 6] as const).flatMap((level) => [
    { name: `dicom_files/${level}/🩻.dcm`, level, bytes: image },
    { name: `dicom_files/${level}/${'ü'.repeat(127)}`, level, bytes: image.subarray(0, 2 * MIB) },
    { name: `dicom_files/${level}/empty`, level, bytes: Buffer.alloc(0) },
    { name: `dicom_files/${level}/one`, level, bytes: Buffer.from('1') },
  ])
  const chunks: Buffer[] = []
  const records: Buffer[] = []
  let offset = 0
  for (const { name, level, bytes } of entries) {
    const made = await readLarge({ name, level, mtime: when, read: sourceOf(bytes) })
    chunks.push(made.bytes)
    records.push(placeRecord(made.record, offset))
    offset += made.bytes.length
  }
  const directory = Buffer.concat(records)
  const end = endRecords({ entries: entries.length, size: directory.length, offset })
  await writeFile(archive, [...chunks, directory, end])

  for (const [reader, accepts] of Object.entries(READERS)) await assert.doesNotReject(accepts(archive), reader)
  assert.deepEqual(
    (await readEntries(archive)).map(({ name, method, sha256 }) => [name, method, sha256]),
    entries.map(({ name, level, bytes }) => [name, level === 0 ? 0 : 8, hash('sha256', bytes)]),
  )
})
