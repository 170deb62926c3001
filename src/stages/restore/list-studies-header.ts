import { dataSetBytes, encodingAt, readElements, readMeta, recogniseDataSet, type Elements } from '../dicom/layout.ts'
import { decodeText } from '../dicom/text.ts'

/** What a person knows a study by. Null where the header does not have it. */
export interface StudyHeader {
  /** (0008,0020) as YYYY-MM-DD. */
  readonly date: string | null
  /** (0008,1030) */
  readonly description: string | null
}

/** From the first bytes of one of its instances; nothing is known of what is no DICOM file. Never throws. */
export function readStudyHeader(prefix: Buffer): StudyHeader {
  const meta = readMeta(prefix)
  const bare = meta === null ? recogniseDataSet(prefix) : null
  if (meta === null && bare === null) return { date: null, description: null }
  const syntax = textOf(meta?.elements ?? {}, 'x00020010', prefix, null)
  const dataSet = dataSetBytes(prefix, meta?.end ?? 0, syntax)
  const encoding = bare ?? encodingAt(dataSet, 0)
  const elements = encoding === null ? {} : readElements(dataSet, encoding, 'x00081030')
  const characterSet = textOf(elements, 'x00080005', dataSet, null)
  return {
    date: dateOf(textOf(elements, 'x00080020', dataSet, characterSet)),
    description: textOf(elements, 'x00081030', dataSet, characterSet),
  }
}

/** PS3.5 6.2: YYYYMMDD; before 1993 with dots between. */
function dateOf(text: string | null): string | null {
  const [, year, month, day] = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text ?? '') ?? []
  return day === undefined ? null : `${year ?? ''}-${month ?? ''}-${day}`
}

/** Null also when the value goes on beyond the bytes that are there. */
function textOf(elements: Elements, tag: string, bytes: Buffer, characterSet: string | null): string | null {
  const element = elements[tag]
  if (element === undefined || element.dataOffset + element.length > bytes.length) return null
  return decodeText(bytes.subarray(element.dataOffset, element.dataOffset + element.length), characterSet)
}
