/** Where a run tells what it does. Never given a secret, a patient's name or id, or a DICOM path. */
export interface RunLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}
