import type { DicomKind } from '../dicom/counts.ts'
import type { PlannedFile } from '../plan/types.ts'
import type { FileLeftOut } from './read-file.ts'

/** A small file as an entry of the archive. */
export interface WholeFile {
  readonly file: PlannedFile
  readonly kind: 'whole'
  /** Local record and data. Entries that were made together lie one behind the other in the same memory. */
  readonly entry: Uint8Array
  /** For `placeRecord`. */
  readonly record: Buffer
  /** Its line in the manifest, with the line feed. */
  readonly line: Buffer
  /** Of the file, bytes. */
  readonly size: number
  readonly dicom: DicomKind
  /** To be called when the entry has gone out and is noted: then the memory that all this lies in is used again. */
  readonly release: () => void
}

/** An item of the plan on its way into the archive. */
export type PreparedFile =
  | WholeFile
  | { readonly file: PlannedFile; readonly kind: 'large' }
  | { readonly file: PlannedFile; readonly kind: 'left-out'; readonly reason: string; readonly lost: boolean }

/** A planned file that could not be stored. */
export const leftOut = (file: PlannedFile, { reason }: Pick<FileLeftOut, 'reason'>): LeftOutFile => ({
  file,
  kind: 'left-out',
  reason,
  lost: true,
})

export type LeftOutFile = Extract<PreparedFile, { kind: 'left-out' }>
