/** Builds DICOM files byte by byte, after PS3.5 7.1 and PS3.10 7.1. */
import { deflateSync } from 'node:zlib'

export interface Encoding {
  readonly explicit: boolean
  readonly big: boolean
}
export const implicitLittle: Encoding = { explicit: false, big: false }
export const explicitLittle: Encoding = { explicit: true, big: false }
export const explicitBig: Encoding = { explicit: true, big: true }

const LONG = new Set(['OB', 'OW', 'SQ', 'UN', 'UT'])

/** An element; `length` overrides the true one. A string is Latin-1 and padded to even length. */
export function element(
  tag: number,
  vr: string,
  value: string | Buffer,
  { explicit, big }: Encoding = explicitLittle,
  length?: number,
): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value.length % 2 === 0 ? value : `${value} `, 'latin1') : value
  const size = length ?? bytes.length
  const head = Buffer.alloc(explicit && LONG.has(vr) ? 12 : 8)
  const write16 = (number: number, at: number): unknown =>
    big ? head.writeUInt16BE(number, at) : head.writeUInt16LE(number, at)
  const write32 = (number: number, at: number): unknown =>
    big ? head.writeUInt32BE(number, at) : head.writeUInt32LE(number, at)
  write16(tag >>> 16, 0)
  write16(tag & 0xffff, 2)
  if (!explicit) write32(size, 4)
  else {
    head.write(vr, 4, 'latin1')
    if (LONG.has(vr)) write32(size, 8)
    else write16(size, 6)
  }
  return Buffer.concat([head, bytes])
}

export const UNDEFINED = 0xffffffff
/** An item and the delimiters: tag and length, in every encoding. */
export function item(tag: number, length: number, { big }: Encoding = explicitLittle): Buffer {
  return element(tag, '', Buffer.alloc(0), { explicit: false, big }, length)
}

export const preamble = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')])

/** The meta elements with their group length; null leaves the transfer syntax out. */
export function metaGroup(transferSyntax: string | null, lengthOff = 0): Buffer {
  const rest = Buffer.concat([
    element(0x00020001, 'OB', Buffer.from([0, 1])),
    element(0x00020003, 'UI', '1.2.3.meta\0'),
    ...(transferSyntax === null ? [] : [element(0x00020010, 'UI', padded(transferSyntax))]),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(rest.length + lengthOff)
  return Buffer.concat([element(0x00020000, 'UL', length), rest])
}

const padded = (uid: string): string => (uid.length % 2 === 0 ? uid : `${uid}\0`)

export interface Instance {
  readonly characterSet?: string
  readonly patientId?: string | Buffer
  /** Elements between Modality and Patient ID. */
  readonly between?: Buffer
}

/** A data set with all that a backup reads, and pixel data after it. */
export function dataSet(encoding: Encoding, { characterSet, patientId = 'PID-7 ', between }: Instance = {}): Buffer {
  const text = (tag: number, vr: string, value: string | Buffer): Buffer => element(tag, vr, value, encoding)
  return Buffer.concat([
    text(0x00080005, 'CS', characterSet ?? 'ISO_IR 100'),
    text(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.2\0'),
    text(0x00080018, 'UI', '1.2.3.4\0'),
    text(0x00080060, 'CS', 'CT'),
    between ?? Buffer.alloc(0),
    text(0x00100010, 'PN', 'Doe^John'),
    text(0x00100020, 'LO', patientId),
    text(0x0020000d, 'UI', '1.2.3.4.5\0'),
    text(0x0020000e, 'UI', '1.2.3.4.5.6\0'),
    text(0x00200013, 'IS', '1 '),
    text(0x7fe00010, 'OW', Buffer.alloc(2000, 7)),
  ])
}

/** What `readDicomHeader` is to find in `dataSet`. */
export const expected = {
  modality: 'CT',
  patientId: 'PID-7',
  studyUid: '1.2.3.4.5',
  seriesUid: '1.2.3.4.5.6',
  sopUid: '1.2.3.4',
  studyDate: null,
  studyDescription: null,
}

/** A whole file. */
export function part10(transferSyntax: string, body: Buffer): Buffer {
  return Buffer.concat([preamble, metaGroup(transferSyntax), body])
}

/** A file as Orthanc stores it with `StorageCompression`: its size in 8 bytes, then a zlib stream. */
export function orthancCompressed(file: Buffer): Buffer {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(file.length))
  return Buffer.concat([size, deflateSync(file, { level: 1 })])
}
