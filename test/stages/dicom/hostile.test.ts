import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { DICOM_PREFIX_BYTES, readDicomHeader } from '../../../src/stages/dicom/header.ts'
import { UNDEFINED, element, explicitLittle, implicitLittle, item, metaGroup, part10, preamble } from './dicom-bytes.ts'

const EXPLICIT = '1.2.840.10008.1.2.1'
const IMPLICIT = '1.2.840.10008.1.2'
const DEFLATED = '1.2.840.10008.1.2.1.99'

/** `unit` again and again to the end of what is looked at. */
const filled = (unit: Buffer): Buffer => Buffer.alloc(DICOM_PREFIX_BYTES, unit)
const none = Buffer.alloc(0)
const NOTHING = {
  modality: null,
  patientId: null,
  studyUid: null,
  seriesUid: null,
  studyDate: null,
  studyDescription: null,
}

test('damaged and hostile data sets give what can be read, and never throw', () => {
  const openSequence = element(0x00081100, 'SQ', item(0xfffee000, UNDEFINED), explicitLittle, UNDEFINED)
  const openImplicit = element(0x00081100, 'SQ', item(0xfffee000, UNDEFINED), implicitLittle, UNDEFINED)
  const pixels = (content: Buffer): Buffer =>
    Buffer.concat([element(0x7fe00010, 'OB', none, explicitLittle, UNDEFINED), content])
  const bodies: readonly (readonly [string, string, Buffer])[] = [
    ['sequences within sequences', EXPLICIT, filled(openSequence)],
    ['implicit sequences within sequences', IMPLICIT, filled(openImplicit)],
    ['nothing but empty elements', EXPLICIT, filled(element(0x00080000, 'LO', none))],
    ['nothing but empty implicit elements', IMPLICIT, filled(element(0x00080000, '', none, implicitLittle))],
    ['a length of 4 GiB', EXPLICIT, element(0x00080005, 'UT', none, explicitLittle, 0xfffffffe)],
    [
      'unknown values of undefined length',
      EXPLICIT,
      filled(element(0x00090010, 'UN', none, explicitLittle, UNDEFINED)),
    ],
    ['bytes of undefined length', EXPLICIT, filled(element(0x00090010, 'OB', none, explicitLittle, UNDEFINED))],
    ['an offset table of 4 GiB', EXPLICIT, pixels(item(0xfffee000, 0xfffffffc))],
    ['fragments without end', EXPLICIT, pixels(filled(item(0xfffee000, 0)))],
    ['a delimiter with a length', EXPLICIT, pixels(Buffer.concat([item(0xfffee000, 0), item(0xfffee00d, 5)]))],
    ['a stream that inflates a thousandfold', DEFLATED, deflateRawSync(Buffer.alloc(32 << 20))],
    ['a stream that is none', DEFLATED, Buffer.alloc(5000, 0xff)],
    ['nothing at all', EXPLICIT, none],
  ]
  for (const [what, transferSyntax, body] of bodies) {
    assert.deepEqual(
      readDicomHeader(part10(transferSyntax, body)),
      { transferSyntax, ...NOTHING, sopUid: '1.2.3.meta' },
      what,
    )
  }
})

test('hostile meta information gives no transfer syntax, and never throws', () => {
  const openSequence = element(0x00020100, 'SQ', item(0xfffee000, UNDEFINED), explicitLittle, UNDEFINED)
  for (const unit of [
    openSequence,
    element(0x00020102, 'LO', none),
    element(0x00020102, 'UN', none, explicitLittle, UNDEFINED),
  ]) {
    assert.equal(readDicomHeader(Buffer.concat([preamble, filled(unit)]))?.transferSyntax, null)
  }
})

test('what was read before the damage counts', () => {
  const body = Buffer.concat([
    element(0x00080018, 'UI', '1.2.3.4\0'),
    element(0x00080060, 'CS', 'US'),
    element(0x00081140, 'SQ', Buffer.from('damaged!damaged!'), explicitLittle, UNDEFINED),
    element(0x0020000d, 'UI', '1.2.3.4.5\0'),
  ])
  const header = readDicomHeader(part10(EXPLICIT, body))
  assert.equal(header?.modality, 'US')
  assert.equal(header.sopUid, '1.2.3.4')
  assert.equal(header.studyUid, null)
})

test('no bytes after the stated prefix are looked at', () => {
  const filler = element(0x00090010, 'UN', Buffer.alloc(DICOM_PREFIX_BYTES))
  const late = element(0x0020000d, 'UI', '1.2.3.4.5\0')
  assert.equal(readDicomHeader(part10(EXPLICIT, Buffer.concat([filler, late])))?.studyUid, null)
})

test('random bytes behind every kind of beginning never throw', () => {
  let seed = 1
  const random = (): number => (seed = (seed * 48271) % 2147483647)
  const beginnings: Buffer[] = [
    none,
    preamble,
    Buffer.from('DICM'),
    Buffer.from('08000500', 'hex'),
    Buffer.from('00080005', 'hex'),
  ]
  for (const transferSyntax of [EXPLICIT, IMPLICIT, DEFLATED, '1.2.840.10008.1.2.2', null]) {
    beginnings.push(Buffer.concat([preamble, metaGroup(transferSyntax)]), metaGroup(transferSyntax))
  }
  for (let round = 0; round < 150; round++) {
    const noise = Buffer.from(Array.from({ length: 40 + (random() % 2000) }, () => random() & 0xff))
    for (const beginning of beginnings) {
      const header = readDicomHeader(Buffer.concat([beginning, noise]))
      for (const value of Object.values(header ?? {})) assert.ok(value === null || typeof value === 'string')
    }
  }
})
