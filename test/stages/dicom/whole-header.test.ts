/** Headers that end behind a file's first 64 KiB, or are written unusually. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deflateRawSync, deflateSync } from 'node:zlib'
import { DICOM_PREFIX_BYTES, readDicomHeader, readWholeHeader } from '../../../src/stages/dicom/header.ts'
import { readLater, readNow } from '../../../src/stages/dicom/reading.ts'
import type { DicomHeader } from '../../../src/stages/dicom/types.ts'
import {
  UNDEFINED,
  dataSet,
  element,
  expected,
  explicitBig,
  explicitLittle,
  implicitLittle,
  item,
  metaGroup,
  orthancCompressed,
  part10,
  preamble,
  type Encoding,
} from './dicom-bytes.ts'

const IMPLICIT = '1.2.840.10008.1.2'
const EXPLICIT = '1.2.840.10008.1.2.1'
const BIG = '1.2.840.10008.1.2.2'
const DEFLATED = '1.2.840.10008.1.2.1.99'
const ENCODINGS: readonly (readonly [string, Encoding])[] = [
  [IMPLICIT, implicitLittle],
  [EXPLICIT, explicitLittle],
  [BIG, explicitBig],
]

/** The header of a file, and the ranges that were asked for beside its first bytes. */
function read(file: Buffer): { readonly header: DicomHeader | null; readonly asked: number; readonly bytes: number } {
  let [asked, bytes] = [0, 0]
  const header = readNow(readWholeHeader(file.subarray(0, DICOM_PREFIX_BYTES)), ({ at, length }) => {
    asked += 1
    bytes += length
    return file.subarray(at, at + length)
  })
  return { header, asked, bytes }
}

/** (0008,1115) or the like: references to so many images, with known lengths or without. */
function references(count: number, encoding: Encoding, isOpen: boolean): Buffer {
  const wrapped = (tag: number, content: Buffer): Buffer =>
    isOpen
      ? Buffer.concat([element(tag, 'SQ', content, encoding, UNDEFINED), item(0xfffee0dd, 0, encoding)])
      : element(tag, 'SQ', content, encoding)
  const inItem = (content: Buffer): Buffer =>
    isOpen
      ? Buffer.concat([item(0xfffee000, UNDEFINED, encoding), content, item(0xfffee00d, 0, encoding)])
      : Buffer.concat([item(0xfffee000, content.length, encoding), content])
  const one = inItem(
    Buffer.concat([
      element(0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.2\0', encoding),
      element(0x00081155, 'UI', '1.3.6.1.4.1.14519.5.2.1.99.1.1234567890\0', encoding),
    ]),
  )
  const images = wrapped(0x0008114a, Buffer.concat(Array.from({ length: count }, () => one)))
  return wrapped(0x00081115, inItem(Buffer.concat([images, element(0x0020000e, 'UI', '9.9.9\0', encoding)])))
}

describe('ids behind the first 64 KiB are found', () => {
  for (const [transferSyntax, encoding] of ENCODINGS) {
    for (const isOpen of [false, true]) {
      test(`after a long sequence of ${isOpen ? 'undefined' : 'known'} length, ${transferSyntax}`, () => {
        const between = references(1200, encoding, isOpen)
        assert.ok(between.length > DICOM_PREFIX_BYTES)
        const file = part10(transferSyntax, dataSet(encoding, { between }))
        assert.equal(readDicomHeader(file)?.studyUid, null)
        const { header, bytes } = read(file)
        assert.deepEqual(header, { transferSyntax, ...expected })
        if (!isOpen) assert.ok(bytes <= 128 * 1024, `${bytes} bytes were read`)
      })
    }
  }

  test('after private elements, which are not read', () => {
    const between = Buffer.concat([
      element(0x00090010, 'LO', 'VENDOR'),
      element(0x00091001, 'OB', Buffer.alloc(20 << 20, 7)),
      element(0x00091002, 'UN', Buffer.alloc(100_000, 7)),
    ])
    const { header, bytes } = read(part10(EXPLICIT, dataSet(explicitLittle, { between })))
    assert.deepEqual(header, { transferSyntax: EXPLICIT, ...expected })
    assert.ok(bytes <= 256 * 1024, `${bytes} bytes were read`)
  })

  test('after an unknown element of undefined length, which is in implicit VR, and encapsulated fragments', () => {
    const inner = element(0x00091155, 'UI', '9.9.9\0', implicitLittle)
    const unknown = Buffer.concat([
      element(0x00091010, 'UN', Buffer.alloc(0), explicitLittle, UNDEFINED),
      ...Array.from({ length: 5000 }, () => [item(0xfffee000, UNDEFINED), inner, item(0xfffee00d, 0)]).flat(),
      item(0xfffee0dd, 0),
    ])
    const icon = Buffer.concat([
      element(0x00091020, 'SQ', item(0xfffee000, UNDEFINED), explicitLittle, UNDEFINED),
      element(0x7fe00010, 'OB', item(0xfffee000, 0), explicitLittle, UNDEFINED),
      item(0xfffee000, 100_000),
      Buffer.alloc(100_000, 0xfe),
      item(0xfffee0dd, 0),
      item(0xfffee00d, 0),
      item(0xfffee0dd, 0),
    ])
    const file = part10(EXPLICIT, dataSet(explicitLittle, { between: Buffer.concat([unknown, icon]) }))
    assert.deepEqual(read(file).header, { transferSyntax: EXPLICIT, ...expected })
  })

  test('after meta information of more than 64 KiB', () => {
    const long = element(0x00020102, 'OB', Buffer.alloc(150_000, 1))
    const file = Buffer.concat([preamble, metaGroup(EXPLICIT), long, dataSet(explicitLittle)])
    assert.deepEqual(read(file).header, { transferSyntax: EXPLICIT, ...expected })
  })

  test('in a bare data set', () => {
    const file = dataSet(implicitLittle, { between: references(1200, implicitLittle, false) })
    assert.deepEqual(read(file).header, { transferSyntax: IMPLICIT, ...expected })
  })

  test('wherever the 64 KiB end', () => {
    for (let filler = DICOM_PREFIX_BYTES - 700; filler < DICOM_PREFIX_BYTES; filler += 2) {
      const between = element(0x00091001, 'OB', Buffer.alloc(filler, 1))
      const file = part10(EXPLICIT, dataSet(explicitLittle, { between }))
      assert.deepEqual(read(file).header, { transferSyntax: EXPLICIT, ...expected }, `${filler}`)
    }
  })

  test('from a source that takes its time', async () => {
    const file = part10(EXPLICIT, dataSet(explicitLittle, { between: references(1200, explicitLittle, true) }))
    const reading = readWholeHeader(file.subarray(0, DICOM_PREFIX_BYTES))
    const header = await readLater(reading, ({ at, length }) => Promise.resolve(file.subarray(at, at + length)))
    assert.deepEqual(header, { transferSyntax: EXPLICIT, ...expected })
  })
})

describe('a file whose header ends in its first bytes', () => {
  test('is not read any further, also when it has no ids', () => {
    const withoutIds = part10(
      EXPLICIT,
      Buffer.concat([element(0x00080060, 'CS', 'CT'), element(0x7fe00010, 'OW', Buffer.alloc(200_000, 7))]),
    )
    const pixels = element(0x7fe00010, 'OW', Buffer.alloc(200_000, 7))
    for (const file of [
      part10(EXPLICIT, Buffer.concat([dataSet(explicitLittle), pixels])),
      Buffer.concat([dataSet(implicitLittle), pixels]),
      Buffer.alloc(200_000, 'text, and no more than that. '),
      part10(EXPLICIT, Buffer.concat([withoutIds.subarray(0, 0), element(0x00280010, 'US', Buffer.alloc(2)), pixels])),
    ]) {
      assert.equal(read(file).asked, 0)
    }
  })
})

describe('unusual files', () => {
  /** Meta information in implicit VR, against PS3.10 7.1. */
  const implicitMeta = (transferSyntax: string): Buffer => {
    const rest = Buffer.concat([
      element(0x00020002, 'UI', '1.2.840.10008.5.1.4.1.1.2\0', implicitLittle),
      element(0x00020003, 'UI', '1.2.3.meta\0', implicitLittle),
      element(0x00020010, 'UI', transferSyntax.padEnd(18, '\0'), implicitLittle),
    ])
    const length = Buffer.alloc(4)
    length.writeUInt32LE(rest.length)
    return Buffer.concat([element(0x00020000, 'UL', length, implicitLittle), rest])
  }

  test('have their meta information in implicit VR', () => {
    for (const [transferSyntax, encoding] of ENCODINGS.slice(0, 2)) {
      const body = Buffer.concat([implicitMeta(transferSyntax), dataSet(encoding)])
      for (const file of [Buffer.concat([preamble, body]), Buffer.concat([Buffer.from('DICM'), body]), body]) {
        assert.deepEqual(readDicomHeader(file), { transferSyntax, ...expected })
      }
      const between = references(1200, encoding, true)
      const long = Buffer.concat([preamble, implicitMeta(transferSyntax), dataSet(encoding, { between })])
      assert.deepEqual(read(long).header, { transferSyntax, ...expected })
    }
  })

  test('are deflated, as raw deflate or as a zlib stream, however long the header is', () => {
    for (const count of [0, 1200, 20_000]) {
      const body = dataSet(explicitLittle, { between: references(count, explicitLittle, count > 1200) })
      for (const deflate of [deflateRawSync, deflateSync]) {
        const file = part10(DEFLATED, Buffer.concat([deflate(body), Buffer.alloc(1)]))
        assert.deepEqual(read(file).header, { transferSyntax: DEFLATED, ...expected }, `${count}`)
      }
    }
  })

  test('are compressed by Orthanc, and deflated in that', () => {
    for (const count of [0, 1200, 20_000]) {
      const body = dataSet(explicitLittle, { between: references(count, explicitLittle, true) })
      const plain = orthancCompressed(part10(EXPLICIT, body))
      assert.deepEqual(read(plain).header, { transferSyntax: EXPLICIT, ...expected }, `${count}`)
      const twice = orthancCompressed(part10(DEFLATED, deflateRawSync(body)))
      assert.deepEqual(read(twice).header, { transferSyntax: DEFLATED, ...expected }, `${count}`)
    }
  })

  test('that only look as if Orthanc had compressed them are not DICOM', () => {
    for (const content of [Buffer.alloc(5000, 'text'), Buffer.alloc(0)]) {
      assert.equal(read(orthancCompressed(content)).header, null)
    }
    const damaged = orthancCompressed(part10(EXPLICIT, dataSet(explicitLittle)))
    assert.equal(read(Buffer.concat([damaged.subarray(0, 12), Buffer.alloc(500, 0xff)])).header, null)
  })
})

describe('hostile files', () => {
  const bodies: readonly (readonly [string, string, Buffer])[] = [
    [
      'sequences nested 10,000 deep',
      EXPLICIT,
      Buffer.concat([
        ...Array.from({ length: 10_000 }, () => [
          element(0x00081140, 'SQ', item(0xfffee000, UNDEFINED), explicitLittle, UNDEFINED),
        ]).flat(),
        ...Array.from({ length: 10_000 }, () => [item(0xfffee00d, 0), item(0xfffee0dd, 0)]).flat(),
      ]),
    ],
    ['delimiters that close nothing', EXPLICIT, Buffer.alloc(400_000, item(0xfffee0dd, 0))],
    ['items of no sequence', EXPLICIT, Buffer.alloc(400_000, item(0xfffee000, 0))],
  ]
  for (const [what, transferSyntax, between] of bodies) {
    test(`with ${what} have the ids behind them`, () => {
      const file = part10(transferSyntax, dataSet(explicitLittle, { between }))
      assert.deepEqual(read(file).header, { transferSyntax, ...expected })
    })
  }

  test('that end early, or whose lengths lead beyond their end, have what came before', () => {
    const open = references(1200, explicitLittle, true)
    for (const between of [
      open.subarray(0, open.length - 9),
      element(0x00091001, 'OB', Buffer.alloc(100_000), explicitLittle, 0xfffffffe),
      Buffer.concat([open, element(0x00091001, 'OB', Buffer.alloc(0), explicitLittle, 0x7fffffff)]),
    ]) {
      const file = part10(EXPLICIT, dataSet(explicitLittle, { between }))
      const { header } = read(file)
      assert.deepEqual([header?.modality, header?.studyUid], ['CT', null])
    }
  })

  test('are read for 32 MiB and not to their end', () => {
    // Read by its length alone: there is no such file.
    const endless = element(0x00081140, 'SQ', item(0xfffee000, UNDEFINED), explicitLittle, UNDEFINED)
    const start = part10(EXPLICIT, Buffer.alloc(DICOM_PREFIX_BYTES, endless)).subarray(0, DICOM_PREFIX_BYTES)
    let bytes = 0
    const header = readNow(readWholeHeader(start), ({ length }) => {
      bytes += length
      return Buffer.alloc(length, endless)
    })
    assert.equal(header?.studyUid, null)
    assert.ok(bytes <= 32 << 20, `${bytes}`)
  })

  test('that inflate a thousandfold are inflated to 16 MiB at most', () => {
    const bomb = Buffer.alloc(64 << 20)
    element(0x00091001, 'OB', Buffer.alloc(0), explicitLittle, bomb.length - 12).copy(bomb)
    const body = Buffer.concat([bomb, dataSet(explicitLittle)])
    for (const file of [part10(DEFLATED, deflateRawSync(body)), orthancCompressed(part10(EXPLICIT, body))]) {
      const before = process.memoryUsage().arrayBuffers
      const { header } = read(file)
      assert.deepEqual([header?.sopUid, header?.studyUid], ['1.2.3.meta', null])
      const more = process.memoryUsage().arrayBuffers - before
      assert.ok(more < 64 << 20, `${more}`)
    }
  })

  test('of random bytes behind every kind of beginning never throw', () => {
    let seed = 7
    const random = (): number => (seed = (seed * 48271) % 2147483647)
    for (let round = 0; round < 200; round += 1) {
      const noise = Buffer.from(Array.from({ length: 40 + (random() % 3000) }, () => random() & 0xff))
      const filler = element(0x00091001, 'OB', Buffer.alloc(round % 2 === 0 ? 70_000 : 10))
      for (const file of [
        part10(EXPLICIT, Buffer.concat([filler, noise])),
        part10(BIG, noise),
        part10(DEFLATED, noise),
        orthancCompressed(noise),
        Buffer.concat([orthancCompressed(part10(EXPLICIT, dataSet(explicitLittle))).subarray(0, 60), noise]),
        Buffer.concat([preamble, noise]),
      ]) {
        for (const value of Object.values(read(file).header ?? {}))
          assert.ok(value === null || typeof value === 'string')
      }
    }
  })
})
