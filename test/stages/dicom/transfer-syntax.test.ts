import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { compressionFor, transferSyntaxName } from '../../../src/stages/dicom/transfer-syntax.ts'
import type { DicomHeader } from '../../../src/stages/dicom/types.ts'

const header = (transferSyntax: string | null): DicomHeader => ({
  transferSyntax,
  modality: null,
  patientId: null,
  studyUid: null,
  seriesUid: null,
  sopUid: null,
  studyDate: null,
  studyDescription: null,
})
/** Where a DICOM file's own bytes and name would mislead, the header decides. */
const start = { name: 'image.jpg', prefix: Buffer.from('ffd8ff', 'hex') }
const auto = (suffix: string): number => compressionFor(header(`1.2.840.10008.1.2${suffix}`), 'auto', start)

test('auto deflates what is not compressed, RLE and JPEG lossless', () => {
  for (const suffix of ['', '.1', '.2', '.5', '.4.57', '.4.70', '.8.1']) assert.equal(auto(suffix), 1, suffix)
})

test('auto stores lossy JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL, video and deflated data sets', () => {
  const suffixes = [
    '.4.50',
    '.4.51',
    '.4.55',
    '.4.80',
    '.4.81',
    '.4.90',
    '.4.91',
    '.4.93',
    '.4.100',
    '.4.102',
    '.4.102.1',
  ]
  for (const suffix of [...suffixes, '.4.108', '.4.110', '.4.112', '.4.201', '.4.202', '.4.203', '.1.99']) {
    assert.equal(auto(suffix), 0, suffix)
  }
})

test('auto deflates a transfer syntax that nobody knows, or that is not named', () => {
  for (const uid of [null, '1.2.3.4', 'toString', '__proto__', ''])
    assert.equal(compressionFor(header(uid), 'auto', start), 1)
})

test('store, fast and small mean one level for everything', () => {
  for (const one of [header('1.2.840.10008.1.2'), header('1.2.840.10008.1.2.4.90'), header(null), null]) {
    assert.equal(compressionFor(one, 'store', start), 0)
    assert.equal(compressionFor(one, 'fast', start), 1)
    assert.equal(compressionFor(one, 'small', start), 6)
  }
})

test('auto stores what Orthanc has compressed, whatever is in it', () => {
  const size = Buffer.alloc(8)
  size.writeUInt32LE(5000)
  const prefix = Buffer.concat([size, deflateSync(Buffer.alloc(5000))])
  assert.equal(compressionFor(header('1.2.840.10008.1.2.1'), 'auto', { name: 'x', prefix }), 0)
  assert.equal(compressionFor(header('1.2.840.10008.1.2.1'), 'fast', { name: 'x', prefix }), 1)
})

test('auto stores other files that are packed already, by their first bytes', () => {
  const marks = {
    zip: '504b03041400',
    gzip: '1f8b0800',
    png: '89504e470d0a1a0a',
    jpeg: 'ffd8ffe0',
    mp4: '000000186674797069736f6d',
    webp: '524946460000000057454250',
    '7z': '377abcaf271c',
    xz: 'fd377a585a00',
    'jpeg 2000': '0000000c6a5020200d0a870a',
  }
  for (const [kind, mark] of Object.entries(marks)) {
    assert.equal(compressionFor(null, 'auto', { name: 'x.dat', prefix: Buffer.from(mark, 'hex') }), 0, kind)
    // A mark that is cut off, or elsewhere, is none.
    assert.equal(
      compressionFor(null, 'auto', { name: 'x.dat', prefix: Buffer.from(mark, 'hex').subarray(0, 1) }),
      1,
      kind,
    )
    assert.equal(compressionFor(null, 'auto', { name: 'x.dat', prefix: Buffer.from(`20${mark}`, 'hex') }), 1, kind)
  }
})

test('auto stores kinds without a mark by their extension', () => {
  for (const name of ['dictation.mp3', 'a/b/DICTATION.MP3', 'clip.mpeg']) {
    assert.equal(compressionFor(null, 'auto', { name, prefix: Buffer.alloc(0) }), 0, name)
  }
})

test('auto deflates other files that are not packed', () => {
  for (const name of ['notes.txt', 'mp3', 'index.html', 'a.mp3/readme', '']) {
    assert.equal(compressionFor(null, 'auto', { name, prefix: Buffer.from('some text') }), 1, name)
  }
  assert.equal(compressionFor(null, 'auto', { name: 'report.pdf', prefix: Buffer.from('%PDF-1.4') }), 1)
})

test('a transfer syntax has a name for people; one that nobody knows, its UID', () => {
  assert.equal(transferSyntaxName('1.2.840.10008.1.2.1'), 'Explicit VR Little Endian')
  assert.equal(transferSyntaxName('1.2.840.10008.1.2.4.90'), 'JPEG 2000 Lossless')
  for (const uid of ['1.2.3.4', 'toString', 'constructor']) assert.equal(transferSyntaxName(uid), uid)
})
