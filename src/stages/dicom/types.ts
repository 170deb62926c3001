/**
 * What a backup wants to know of a DICOM instance. Each is null when the header does not have it or it lies beyond the
 * bytes that were read. Values are trimmed of padding (spaces, NUL).
 */
export interface DicomHeader {
  /** (0002,0010), or the syntax that was recognised in a file without meta information. */
  readonly transferSyntax: string | null
  /** (0008,0060) */
  readonly modality: string | null
  /** (0010,0020) */
  readonly patientId: string | null
  /** (0020,000D) */
  readonly studyUid: string | null
  /** (0020,000E) */
  readonly seriesUid: string | null
  /** (0008,0018), else (0002,0003) */
  readonly sopUid: string | null
  /** (0008,0020) as YYYY-MM-DD. */
  readonly studyDate: string | null
  /** (0008,1030) */
  readonly studyDescription: string | null
}
