import type { DicomHeader } from './types.ts'

/** Of files that are DICOM, and of those that name no study (0020,000D). */
export interface DicomCounts {
  readonly files: number
  readonly withoutStudy: number
}

/** Whether a file is DICOM and, if so, names its study. */
export type DicomKind = 'none' | 'without-study' | 'with-study'

/** `header`: null when the file is not DICOM. */
export const dicomKind = (header: DicomHeader | null): DicomKind =>
  header === null ? 'none' : header.studyUid === null ? 'without-study' : 'with-study'

/** The counts with one file more. */
export const countDicom = ({ files, withoutStudy }: DicomCounts, kind: DicomKind): DicomCounts => ({
  files: files + (kind === 'none' ? 0 : 1),
  withoutStudy: withoutStudy + (kind === 'without-study' ? 1 : 0),
})
