import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { readDicomHeader } from '../../../src/stages/dicom/header.ts'
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
  part10,
  preamble,
} from './dicom-bytes.ts'

const IMPLICIT = '1.2.840.10008.1.2'
const EXPLICIT = '1.2.840.10008.1.2.1'
const BIG = '1.2.840.10008.1.2.2'
const DEFLATED = '1.2.840.10008.1.2.1.99'
const JPEG = '1.2.840.10008.1.2.4.50'

test('every encoding of a data set is read', () => {
  const files = {
    [IMPLICIT]: part10(IMPLICIT, dataSet(implicitLittle)),
    [EXPLICIT]: part10(EXPLICIT, dataSet(explicitLittle)),
    [BIG]: part10(BIG, dataSet(explicitBig)),
    [JPEG]: part10(JPEG, dataSet(explicitLittle)),
    [DEFLATED]: part10(DEFLATED, deflateRawSync(dataSet(explicitLittle))),
    '1.2.3.private': part10('1.2.3.private', dataSet(explicitLittle)),
  }
  for (const [transferSyntax, file] of Object.entries(files)) {
    assert.deepEqual(readDicomHeader(file), { transferSyntax, ...expected })
  }
})

test("reading may end at the study's UID, and gives no more than how it deflates and whether there is one", () => {
  for (const encoding of [explicitLittle, implicitLittle, explicitBig]) {
    const file = Buffer.concat([preamble, metaGroup(JPEG), dataSet(encoding)])
    const nothing = Object.fromEntries(Object.keys(expected).map((name) => [name, null]))
    const { modality, studyUid } = expected
    assert.deepEqual(readDicomHeader(file, 'study'), { ...nothing, transferSyntax: JPEG, modality, studyUid })
  }
})

test('a file without its preamble, or without preamble and DICM, is read', () => {
  const body = Buffer.concat([metaGroup(JPEG), dataSet(explicitLittle)])
  for (const file of [Buffer.concat([Buffer.from('DICM'), body]), body]) {
    assert.deepEqual(readDicomHeader(file), { transferSyntax: JPEG, ...expected })
  }
})

test('a bare data set is recognised, and its encoding', () => {
  assert.deepEqual(readDicomHeader(dataSet(implicitLittle)), { transferSyntax: IMPLICIT, ...expected })
  assert.deepEqual(readDicomHeader(dataSet(explicitLittle)), { transferSyntax: EXPLICIT, ...expected })
  assert.deepEqual(readDicomHeader(dataSet(explicitBig)), { transferSyntax: BIG, ...expected })
})

test('without a transfer syntax in the meta information the encoding that is there counts', () => {
  for (const [encoding, transferSyntax] of [
    [implicitLittle, IMPLICIT],
    [explicitLittle, EXPLICIT],
    [explicitBig, BIG],
  ] as const) {
    const file = Buffer.concat([preamble, metaGroup(null), dataSet(encoding)])
    assert.deepEqual(readDicomHeader(file), { transferSyntax, ...expected })
  }
})

test('a data set that is not encoded as the meta information says is read as it is', () => {
  assert.deepEqual(readDicomHeader(part10(IMPLICIT, dataSet(explicitLittle))), {
    transferSyntax: IMPLICIT,
    ...expected,
  })
  assert.deepEqual(readDicomHeader(part10(EXPLICIT, dataSet(implicitLittle))), {
    transferSyntax: EXPLICIT,
    ...expected,
  })
})

test('a wrong length of the meta group does no harm', () => {
  for (const off of [-20, 20, 100_000]) {
    const file = Buffer.concat([preamble, metaGroup(EXPLICIT, off), dataSet(explicitLittle)])
    assert.deepEqual(readDicomHeader(file), { transferSyntax: EXPLICIT, ...expected })
  }
})

test('the SOP instance UID of the meta information stands in where the data set has none', () => {
  const body = element(0x00080060, 'CS', 'MR')
  assert.deepEqual(readDicomHeader(part10(EXPLICIT, body)), {
    transferSyntax: EXPLICIT,
    modality: 'MR',
    patientId: null,
    studyUid: null,
    seriesUid: null,
    sopUid: '1.2.3.meta',
    studyDate: null,
    studyDescription: null,
  })
})

test('what stands in a sequence or in a private group is not taken for the instance', () => {
  for (const encoding of [explicitLittle, implicitLittle, explicitBig]) {
    const inner = Buffer.concat([
      element(0x00080018, 'UI', '9.9.9\0', encoding),
      element(0x00080060, 'CS', 'XX', encoding),
      element(0x00100020, 'LO', 'WRONG ', encoding),
    ])
    const known = Buffer.concat([item(0xfffee000, inner.length, encoding), inner])
    const open = Buffer.concat([
      item(0xfffee000, UNDEFINED, encoding),
      inner,
      item(0xfffee00d, 0, encoding),
      item(0xfffee0dd, 0, encoding),
    ])
    const between = Buffer.concat([
      element(0x00081140, 'SQ', known, encoding),
      element(0x00082112, 'SQ', open, encoding, UNDEFINED),
      element(0x00090010, 'LO', 'VENDOR', encoding),
      element(0x00091001, 'SQ', open, encoding, UNDEFINED),
      element(0x00091002, 'UN', Buffer.alloc(5000, 1), encoding),
    ])
    const header = readDicomHeader(Buffer.concat([preamble, metaGroup(null), dataSet(encoding, { between })]))
    assert.deepEqual({ ...header, transferSyntax: null }, { transferSyntax: null, ...expected })
  }
})

test('a data set may begin with private elements', () => {
  const leading = Buffer.concat([
    element(
      0x00010001,
      'SQ',
      Buffer.concat([item(0xfffee000, UNDEFINED), item(0xfffee00d, 0)]),
      explicitLittle,
      UNDEFINED,
    ),
    item(0xfffee0dd, 0),
  ])
  const file = part10(EXPLICIT, Buffer.concat([leading, dataSet(explicitLittle)]))
  assert.deepEqual(readDicomHeader(file), { transferSyntax: EXPLICIT, ...expected })
})

test('a file cut anywhere gives whole values or none, and never fewer with more bytes', () => {
  for (const file of [
    part10(EXPLICIT, dataSet(explicitLittle)),
    part10(IMPLICIT, dataSet(implicitLittle)),
    part10(BIG, dataSet(explicitBig)),
    dataSet(implicitLittle),
  ]) {
    const whole = readDicomHeader(file)!
    const seen = new Set<string>()
    for (let length = 0; length <= 600; length++) {
      const header = readDicomHeader(file.subarray(0, length))
      for (const [key, value] of Object.entries(header ?? {})) {
        const metaUid = key === 'sopUid' && value === '1.2.3.meta'
        const byEncoding = key === 'transferSyntax'
        if (value !== null && !metaUid && !byEncoding) assert.equal(value, whole[key as keyof typeof whole])
        if (value !== null) seen.add(key)
        else assert.ok(!seen.has(key), `${key} was there with fewer bytes`)
      }
    }
    assert.equal(seen.size, 6)
  }
})

test('values lose their padding, and what follows a NUL', () => {
  for (const patientId of ['  PID-7 ', 'PID-7\0', 'PID-7\0\0\0', 'PID-7 \0junk']) {
    assert.equal(readDicomHeader(part10(EXPLICIT, dataSet(explicitLittle, { patientId })))?.patientId, 'PID-7')
  }
  for (const patientId of ['', '   ', '\0\0']) {
    assert.equal(readDicomHeader(part10(EXPLICIT, dataSet(explicitLittle, { patientId })))?.patientId, null)
  }
})

test('a patient id is decoded by the character set of its data set', () => {
  const cases: readonly (readonly [characterSet: string, bytes: Buffer, text: string])[] = [
    ['ISO_IR 100', Buffer.from('Müller', 'latin1'), 'Müller'],
    ['ISO_IR 144', Buffer.from('bbd2daddd3', 'hex'), 'Лвкнг'],
    ['ISO_IR 192', Buffer.from('山田-7'), '山田-7'],
    ['GB18030', Buffer.from('cdf5d0a1b6ab', 'hex'), '王小东'],
    ['ISO 2022 IR 6\\ISO 2022 IR 87', Buffer.from('1b24423b3345441b2842', 'hex'), '山田'],
    ['\\ISO 2022 IR 149', Buffer.from('1b242943fbf3d1ce', 'hex'), '洪吉'],
    ['', Buffer.from('Jérôme'), 'Jérôme'],
    ['', Buffer.from('Jérôme', 'latin1'), 'Jérôme'],
    ['NO SUCH SET', Buffer.from('Jérôme', 'latin1'), 'Jérôme'],
    ['ISO_IR 192', Buffer.from('plain'), 'plain'],
  ]
  for (const [characterSet, bytes, text] of cases) {
    const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(' ')])
    const file = part10(EXPLICIT, dataSet(explicitLittle, { characterSet, patientId: even }))
    assert.equal(readDicomHeader(file)?.patientId, text, characterSet)
  }
})

test('what is not DICOM is told as that', () => {
  const files = [
    Buffer.alloc(0),
    Buffer.from('D'),
    Buffer.alloc(200),
    Buffer.from('A plain text file, long enough to hold a DICOM preamble. '.repeat(20)),
    Buffer.from('ffd8ffe000104a464946', 'hex'),
    Buffer.from('504b0304140000000800', 'hex'),
    // It begins like group 0008, but no second element follows.
    Buffer.from('0800050043530a0049534f5f4952', 'hex'),
    Buffer.concat([Buffer.from('08000500ffffff7f', 'hex'), Buffer.alloc(500, 1)]),
    dataSet(explicitLittle).subarray(1),
  ]
  for (const file of files) assert.equal(readDicomHeader(file), null, file.subarray(0, 16).toString('hex'))
})

describe('the study of a file', () => {
  const file = (...elements: Buffer[]): Buffer =>
    Buffer.concat([preamble, metaGroup(EXPLICIT), ...elements, element(0x00200010, 'SH', 'X')])
  const study = (bytes: Buffer): readonly (string | null | undefined)[] => {
    const header = readDicomHeader(bytes)
    return [header?.studyDate, header?.studyDescription]
  }

  test("has date and description, in the data set's own characters", () => {
    const set = element(0x00080005, 'CS', 'ISO_IR 100')
    const found = study(file(set, element(0x00080020, 'DA', '20261123'), element(0x00081030, 'LO', 'Schädel nativ')))
    assert.deepEqual(found, ['2026-11-23', 'Schädel nativ'])
  })

  test('takes dates of before 1993, and none that is no date', () => {
    const dateOf = (text: string): string | null | undefined => study(file(element(0x00080020, 'DA', text)))[0]
    assert.deepEqual(['1992.03.04', 'yesterday', '2026', ''].map(dateOf), ['1992-03-04', null, null, null])
  })

  test('is whole or not known where the file is cut off', () => {
    const whole = file(element(0x00080020, 'DA', '20261123'), element(0x00081030, 'LO', 'CT head'))
    for (let length = 0; length < whole.length; length += 1) {
      const [date, description] = study(whole.subarray(0, length))
      assert.ok(date == null || date === '2026-11-23')
      assert.ok(description == null || description === 'CT head')
    }
  })
})
