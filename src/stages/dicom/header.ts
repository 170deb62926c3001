import { dataSetBytes, encodingAt, readElements, readMeta, recogniseDataSet } from './layout.ts'
import type { Elements } from './layout.ts'
import { decodeText } from './text.ts'
import type { DicomHeader } from './types.ts'

/**
 * How many of a file's first bytes `readDicomHeader` should be given, and looks at. Of 118 real files 4 KiB do for all
 * but one, whose study and series come after a large private group, and this does for all.
 */
export const DICOM_PREFIX_BYTES = 64 * 1024

/** Elements stand in ascending order; these are the last of what can be asked for. */
const LAST_TAGS = { modality: 'x00080060', all: 'x0020000e' }

/**
 * The header of a DICOM file, from its first bytes; null when it is not one. Takes files without preamble or meta
 * information (PS3.10 7.1 asks for both) and all encodings of PS3.5 Annex A. Never throws; looks at no more than
 * DICOM_PREFIX_BYTES, so a damaged or hostile file costs no more than a good one of many elements.
 *
 * With `wanted` 'modality' reading ends there, in half the time; patient, study and series are null then.
 */
export function readDicomHeader(prefix: Uint8Array, wanted: 'modality' | 'all' = 'all'): DicomHeader | null {
  const bytes = Buffer.from(prefix.buffer, prefix.byteOffset, Math.min(prefix.length, DICOM_PREFIX_BYTES))
  const meta = readMeta(bytes)
  const bare = meta === null ? recogniseDataSet(bytes) : null
  if (meta === null && bare === null) return null

  const metaText = (tag: string): string | null => textOf(meta?.elements ?? {}, tag, bytes, null)
  const named = metaText('x00020010')
  const dataSet = dataSetBytes(bytes, meta?.end ?? 0, named).subarray(0, DICOM_PREFIX_BYTES)
  const encoding = bare ?? encodingAt(dataSet, 0)
  const elements = encoding === null ? {} : readElements(dataSet, encoding, LAST_TAGS[wanted])
  const characterSet = textOf(elements, 'x00080005', dataSet, null)
  const text = (tag: string): string | null => textOf(elements, tag, dataSet, characterSet)
  return {
    transferSyntax: named ?? encoding,
    modality: text('x00080060'),
    patientId: text('x00100020'),
    studyUid: text('x0020000d'),
    seriesUid: text('x0020000e'),
    sopUid: text('x00080018') ?? metaText('x00020003'),
  }
}

/** Null also when the value goes on beyond the bytes that are there: half a UID is none. */
function textOf(elements: Elements, tag: string, bytes: Buffer, characterSet: string | null): string | null {
  const element = elements[tag]
  if (element === undefined || element.dataOffset + element.length > bytes.length) return null
  return decodeText(bytes.subarray(element.dataOffset, element.dataOffset + element.length), characterSet)
}
