/** Where in a file's first bytes the meta information and the data set lie, and how both are encoded. */
import dicomParser from 'dicom-parser'
import type { Element } from 'dicom-parser'

export const IMPLICIT_LITTLE = '1.2.840.10008.1.2'
export const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1'
export const EXPLICIT_BIG = '1.2.840.10008.1.2.2'
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

export const hasLongForm = (vr: string): boolean => LONG_FORM.has(vr)

/**
 * Reads the file meta information (PS3.10 7.1) from the first bytes of a file: after the preamble and 'DICM', and also
 * where the preamble, or both, were left away. It should be in explicit VR; some programs write it in implicit VR. Null:
 * there is none.
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
    while (end + 8 <= bytes.length && isMeta(bytes, end)) {
      const element = isExplicit(bytes, end)
        ? dicomParser.readDicomElementExplicit(stream, stream.warnings)
        : dicomParser.readDicomElementImplicit(stream)
      elements[element.tag] = element
      end = stream.position
    }
  } catch {
    // Cut off or damaged within the meta information; what came before it counts.
    end = bytes.length
  }
  return { elements, end }
}

/** Where the meta information begins; null: there is none. */
export function metaStart(bytes: Buffer): number | null {
  if (hasPreamble(bytes)) return 132
  if (bytes.toString('latin1', 0, 4) === 'DICM') return 4
  if (bytes.length < 12 || !isMeta(bytes, 0)) return null
  // In implicit VR it shows by the group's length, which comes first and has four bytes.
  const isImplicit = bytes.readUInt16LE(2) === 0 && bytes.readUInt32LE(4) === 4
  return isExplicit(bytes, 0) || isImplicit ? 0 : null
}

export const hasPreamble = (bytes: Buffer): boolean => bytes.toString('latin1', 128, 132) === 'DICM'

const isMeta = (bytes: Buffer, at: number): boolean => bytes.readUInt16LE(at) === 0x0002

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
  else if (!hasLongForm(bytes.toString('latin1', 4, 6))) next = 8 + read16(6)
  else next = bytes.length < 12 ? Infinity : 12 + read32(8)
  if (next + 6 > bytes.length || tag(next) <= tag(0)) return null
  return encoding === IMPLICIT_LITTLE || isExplicit(bytes, next) ? encoding : null
}

/** Whether the element at `at` names its value representation. */
export function isExplicit(bytes: Buffer, at: number): boolean {
  return VALUE_REPRESENTATIONS.has(bytes.toString('latin1', at + 4, at + 6))
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
