import { freeNow } from '../../pipeline/flow/free-now.ts'
import { encodingAt, isExplicit, metaStart, readElements, readMeta, recogniseDataSet } from './layout.ts'
import { EXPLICIT_LITTLE, IMPLICIT_LITTLE, type Elements } from './layout.ts'
import { deflatedContent, isDeflated, isOrthancCompressed, MOST_INFLATED_BYTES } from './packed.ts'
import { orthancContent, TooMuch } from './packed.ts'
import { rangeOf, readNow, Window, type Reading } from './reading.ts'
import { dateOf, decodeText } from './text.ts'
import type { DicomHeader } from './types.ts'
import { walk, type Walked } from './walk.ts'

/**
 * How many of a file's first bytes `readDicomHeader` should be given, and looks at. Of 118 real files 4 KiB do for all
 * but one, whose study and series come after a large private group, and this does for all.
 */
export const DICOM_PREFIX_BYTES = 64 * 1024

/** So much of what is deflated is inflated at first. What comes out is at most 1,032 times as long. */
const DEFLATED_BYTES = 8 * 1024

/**
 * Beyond its first bytes so much of a file is read at most. A segmentation of 100,000 images has some 12 MB of
 * references before its ids when their sequences are of undefined length; sequences of known length are skipped.
 */
const MOST_READ_BYTES = 32 * 1024 * 1024

export type Wanted = 'study' | 'all'

/** Elements stand in ascending order; these are the last of what can be asked for. */
const LAST_TAGS: Readonly<Record<Wanted, number>> = { study: 0x0020000d, all: 0x0020000e }
const META_TAGS = new Set([0x00020003, 0x00020010])
const TAGS = new Set([
  ...[0x00080005, 0x00080018, 0x00080020, 0x00080060, 0x00081030],
  ...[0x00100020, 0x0020000d, 0x0020000e],
])

/**
 * The header of a DICOM file, from its first bytes; null when it is not one. Takes files without preamble or meta
 * information (PS3.10 7.1 asks for both), all encodings of PS3.5 Annex A, and files that Orthanc has compressed. Never
 * throws; looks at no more than DICOM_PREFIX_BYTES, so a damaged or hostile file costs no more than a good one of many
 * elements.
 *
 * With `wanted` 'study' reading ends at its UID; of all else transfer syntax and modality alone are given.
 */
export function readDicomHeader(prefix: Uint8Array, wanted: Wanted = 'all'): DicomHeader | null {
  return lookAt(prefix, wanted).header
}

/**
 * The same, wherever in the file the header ends: only when the prefix ended before it, more is asked for, by ranges.
 * Long sequences and private elements are skipped; of a deflated file as much is inflated as it takes. Memory stays
 * below 64 MiB whatever the file is.
 */
export function* readWholeHeader(prefix: Uint8Array, wanted: Wanted = 'all'): Reading<DicomHeader | null> {
  const near = lookAt(prefix, wanted)
  if (near.isWhole || near.header === null) return near.header
  const bytes = asBuffer(prefix)
  const isPacked = isOrthancCompressed(bytes) || isDeflated(near.header.transferSyntax)
  const far = isPacked ? yield* readPacked(wanted) : yield* readPlain(bytes, wanted)
  return together(far, near.header)
}

function* readPlain(beginning: Buffer, wanted: Wanted): Reading<DicomHeader | null> {
  return (yield* readFar(new Window(beginning, MOST_READ_BYTES), wanted, null)).header
}

interface Look {
  /** Null: not DICOM. */
  readonly header: DicomHeader | null
  /** No wanted tag can follow what was read. */
  readonly isWhole: boolean
}

const NO_DICOM: Look = { header: null, isWhole: true }

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

function lookAt(prefix: Uint8Array, wanted: Wanted): Look {
  const stored = asBuffer(prefix.subarray(0, DICOM_PREFIX_BYTES))
  const bytes = isOrthancCompressed(stored) ? asStored(stored, inflatedStart(stored, orthancContent)) : stored
  const meta = readMeta(bytes)
  const bare = meta === null ? recogniseDataSet(bytes) : null
  if (meta === null && bare === null) return NO_DICOM

  const metaText = (tag: string): string | null => textOf(meta?.elements ?? {}, tag, bytes, null)
  const syntax = metaText('x00020010')
  const body = bytes.subarray(meta?.end ?? 0)
  const dataSet = isDeflated(syntax) ? inflatedStart(body, deflatedContent) : body
  const encoding = bare ?? encodingAt(dataSet, 0)
  const last = tagName(LAST_TAGS[wanted])
  const elements = encoding === null ? {} : readElements(dataSet, encoding, last)
  const characterSet = textOf(elements, 'x00080005', dataSet, null)
  const found: Found = {
    syntax: syntax ?? encoding,
    metaUid: wanted === 'all' ? metaText('x00020003') : null,
    text: (tag) => textOf(elements, tagName(tag), dataSet, characterSet),
  }
  const header = headerOf(found, wanted)
  const isWhole = header[wanted === 'all' ? 'seriesUid' : 'studyUid'] !== null || hasBehind(elements, last)
  return { header, isWhole }
}

/** What Orthanc has compressed is DICOM, or it was not Orthanc. */
const asStored = (stored: Buffer, content: Buffer): Buffer =>
  metaStart(content) === null && recogniseDataSet(content) === null ? stored : content

/** Of what inflates from the first DEFLATED_BYTES, DICOM_PREFIX_BYTES at most. */
const inflatedStart = (bytes: Buffer, inflate: (bytes: Buffer) => Buffer): Buffer =>
  inflate(bytes.subarray(0, DEFLATED_BYTES)).subarray(0, DICOM_PREFIX_BYTES)

/**
 * Inflates more and more of a file's beginning until its header ends, or MOST_INFLATED_BYTES are there. Each turn
 * inflates all of it again, as zlib's plain calls cannot go on; the last one makes half of the effort.
 */
function* readPacked(wanted: Wanted): Reading<DicomHeader | null> {
  let best: DicomHeader | null = null
  for (let length = 2 * DEFLATED_BYTES; length <= MOST_INFLATED_BYTES; length *= 2) {
    const bytes = yield { at: 0, length }
    try {
      const { header, isWhole } = readInflated(bytes, wanted)
      best = together(header, best)
      if (isWhole || bytes.length < length) return best
    } catch (error) {
      if (error instanceof TooMuch) return best
      throw error
    }
  }
  return best
}

/** What the first bytes of a packed file tell. Throws TooMuch. */
function readInflated(bytes: Buffer, wanted: Wanted): Look {
  const inflated: Buffer[] = []
  const keep = (content: Buffer): Buffer => {
    inflated.push(content)
    return content
  }
  try {
    const file = isOrthancCompressed(bytes) ? asStored(bytes, keep(orthancContent(bytes))) : bytes
    const deflated = (from: number): Buffer => keep(deflatedContent(file.subarray(from)))
    return readNow(readFar(new Window(file, 0), wanted, deflated), rangeOf(file))
  } finally {
    inflated.forEach(freeNow)
  }
}

/** Reads on as far as it takes. `deflated`: what inflates from a place on, where the transfer syntax says so. */
function* readFar(window: Window, wanted: Wanted, deflated: ((from: number) => Buffer) | null): Reading<Look> {
  const start = metaStart(yield* window.take(0, 132 + 12))
  let meta: Walked | null = null
  if (start !== null) {
    const first = yield* window.take(start, 8)
    const encoding = first.length === 8 && isExplicit(first, 0) ? EXPLICIT_LITTLE : IMPLICIT_LITTLE
    meta = yield* walk(window, { from: start, encoding, wanted: META_TAGS, isBehind: (tag) => tag >>> 16 !== 0x0002 })
  }
  const syntax = valueOf(meta, 0x00020010, null)
  const inflates = deflated !== null && isDeflated(syntax)
  const body = inflates ? new Window(deflated(meta?.end ?? 0), 0) : window
  const from = inflates ? 0 : (meta?.end ?? 0)
  const encoding = encodingAt(yield* body.take(from, 8), 0)
  const isBehind = (tag: number): boolean => tag > LAST_TAGS[wanted]
  const dataSet = encoding === null ? null : yield* walk(body, { from, encoding, wanted: TAGS, isBehind })
  const characterSet = valueOf(dataSet, 0x00080005, null)
  const found: Found = {
    syntax: syntax ?? encoding,
    metaUid: valueOf(meta, 0x00020003, null),
    text: (tag) => valueOf(dataSet, tag, characterSet),
  }
  const header = headerOf(found, wanted)
  return { header, isWhole: dataSet?.isWhole ?? false }
}

interface Found {
  readonly syntax: string | null
  /** (0002,0003) */
  readonly metaUid: string | null
  /** The text of an element of the data set. */
  readonly text: (tag: number) => string | null
}

/** Texts are decoded only where they are wanted: a dry run has a million of them. */
const headerOf = (found: Found, wanted: Wanted): DicomHeader =>
  wanted === 'all'
    ? wholeHeader(found)
    : { ...NOTHING, transferSyntax: found.syntax, modality: found.text(0x00080060), studyUid: found.text(0x0020000d) }

const NOTHING: DicomHeader = {
  transferSyntax: null,
  modality: null,
  patientId: null,
  studyUid: null,
  seriesUid: null,
  sopUid: null,
  studyDate: null,
  studyDescription: null,
}

const wholeHeader = ({ syntax, metaUid, text }: Found): DicomHeader => ({
  transferSyntax: syntax,
  modality: text(0x00080060),
  patientId: text(0x00100020),
  studyUid: text(0x0020000d),
  seriesUid: text(0x0020000e),
  sopUid: text(0x00080018) ?? metaUid,
  studyDate: dateOf(text(0x00080020)),
  studyDescription: text(0x00081030),
})

/** What the first does not have the second may. */
function together(first: DicomHeader | null, second: DicomHeader | null): DicomHeader | null {
  if (first === null || second === null) return first ?? second
  const known = Object.entries(first).filter(([, value]) => value !== null)
  return { ...second, ...Object.fromEntries(known) }
}

const tagName = (tag: number): string => `x${tag.toString(16).padStart(8, '0')}`

/** Delimiters are no elements: where one closes nothing, it tells nothing. */
const hasBehind = (elements: Elements, last: string): boolean =>
  Object.keys(elements).some((tag) => tag > last && !tag.startsWith('xfffe'))

/** Null also when the value goes on beyond the bytes that are there: half a UID is none. */
function textOf(elements: Elements, tag: string, bytes: Buffer, characterSet: string | null): string | null {
  const element = elements[tag]
  if (element === undefined || element.dataOffset + element.length > bytes.length) return null
  return decodeText(bytes.subarray(element.dataOffset, element.dataOffset + element.length), characterSet)
}

function valueOf(walked: Walked | null, tag: number, characterSet: string | null): string | null {
  const value = walked?.values.get(tag)
  return value === undefined ? null : decodeText(value, characterSet)
}
