/** Where in a file's first bytes the meta information and the data set lie, and how the data set is encoded. */
import { constants, inflateRawSync } from 'node:zlib'
import dicomParser from 'dicom-parser'
import type { Element } from 'dicom-parser'

const IMPLICIT_LITTLE = '1.2.840.10008.1.2'
const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1'
const EXPLICIT_BIG = '1.2.840.10008.1.2.2'
export type Encoding = typeof IMPLICIT_LITTLE | typeof EXPLICIT_LITTLE | typeof EXPLICIT_BIG

/** Elements by tag, 'x' and eight lower-case hex digits; a value lies at `dataOffset` of the bytes that were read. */
export type Elements = Readonly<Partial<Record<string, Element>>>

export interface MetaInformation {
  readonly elements: Elements
  /** The offset of what follows it. */
  readonly end: number
}

/** PS3.5 6.2 */
const VALUE_REPRESENTATIONS = new Set(
  'AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV'.split(' '),
)
/** PS3.5 7.1.2: of these the length has 32 bits, after two bytes that are not used. */
const LONG_FORM = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '))

/** Data sets that are deflated as a whole: PS3.5 A.5, and the two JPIP forms of A.7 and A.4.11. */
const DEFLATED = new Set(['1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.4.95', '1.2.840.10008.1.2.4.205'])
/** So much of a deflated data set is inflated. What comes out is at most 1,032 times as long. */
const INFLATED_INPUT_BYTES = 8 * 1024

/**
 * Reads the file meta information (PS3.10 7.1) from the first bytes of a file: after the preamble and 'DICM', and also
 * where the preamble, or both, were left away. Null: there is none.
 */
export function readMeta(bytes: Buffer): MetaInformation | null {
  const start = metaStart(bytes)
  if (start === null) return null
  const stream = new dicomParser.ByteStream(dicomParser.littleEndianByteArrayParser, bytes, 0)
  stream.position = start
  const elements: Record<string, Element> = {}
  let end = start
  try {
    // By the group and not by (0002,0000): that length is wrong in many files.
    while (end + 8 <= bytes.length && bytes.readUInt16LE(end) === 0x0002) {
      const element = dicomParser.readDicomElementExplicit(stream, stream.warnings)
      elements[element.tag] = element
      end = stream.position
    }
  } catch {
    // Cut off or damaged within the meta information; what came before it counts.
    end = bytes.length
  }
  return { elements, end }
}

function metaStart(bytes: Buffer): number | null {
  if (bytes.toString('latin1', 128, 132) === 'DICM') return 132
  if (bytes.toString('latin1', 0, 4) === 'DICM') return 4
  return bytes.length >= 6 && bytes.readUInt16LE(0) === 0x0002 && isExplicit(bytes, 0) ? 0 : null
}

/**
 * How the data set at `start` is encoded. What its first element looks like decides, for there are files that say one
 * thing and are another; null when there are too few bytes to see.
 */
export function encodingAt(bytes: Buffer, start: number): Encoding | null {
  if (start + 8 > bytes.length) return null
  if (!isExplicit(bytes, start)) return IMPLICIT_LITTLE
  return bytes.readUInt16BE(start) < bytes.readUInt16LE(start) ? EXPLICIT_BIG : EXPLICIT_LITTLE
}

/**
 * The encoding of a file that is a data set and nothing else; null: this is not one. A data set of an instance begins
 * in group 0008 and its tags ascend (PS3.5 7.1), which two elements show.
 */
export function recogniseDataSet(bytes: Buffer): Encoding | null {
  const encoding = encodingAt(bytes, 0)
  if (encoding === null) return null
  const big = encoding === EXPLICIT_BIG
  const read16 = (at: number): number => (big ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at))
  const read32 = (at: number): number => (big ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at))
  const tag = (at: number): number => read16(at) * 0x10000 + read16(at + 2)
  if (read16(0) !== 0x0008) return null
  let next: number
  if (encoding === IMPLICIT_LITTLE) next = 8 + read32(4)
  else if (!LONG_FORM.has(bytes.toString('latin1', 4, 6))) next = 8 + read16(6)
  else next = bytes.length < 12 ? Infinity : 12 + read32(8)
  if (next + 6 > bytes.length || tag(next) <= tag(0)) return null
  return encoding === IMPLICIT_LITTLE || isExplicit(bytes, next) ? encoding : null
}

function isExplicit(bytes: Buffer, at: number): boolean {
  return VALUE_REPRESENTATIONS.has(bytes.toString('latin1', at + 4, at + 6))
}

/**
 * The bytes of the data set that begins at `start`, inflated where the transfer syntax says so; empty when they cannot
 * be.
 */
export function dataSetBytes(bytes: Buffer, start: number, transferSyntax: string | null): Buffer {
  if (transferSyntax === null || !DEFLATED.has(transferSyntax)) return bytes.subarray(start)
  try {
    const input = bytes.subarray(start, start + INFLATED_INPUT_BYTES)
    return inflateRawSync(input, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return Buffer.alloc(0)
  }
}

/** The elements up to and with `untilTag`; of a data set that is cut off or damaged those before that place. */
export function readElements(dataSet: Buffer, encoding: Encoding, untilTag: string): Elements {
  try {
    return dicomParser.parseDicom(dataSet, { TransferSyntaxUID: encoding, untilTag }).elements
  } catch (error) {
    return partialElements(error)
  }
}

/** dicom-parser throws what it had read so far along with the error, and now and then a mere string. */
function partialElements(error: unknown): Elements {
  const { dataSet } = Object(error) as { readonly dataSet?: { readonly elements: Elements } }
  return dataSet?.elements ?? {}
}
