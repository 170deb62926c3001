import { entryName } from '../plan/file-name.ts'
import type { PlannedFile } from '../plan/types.ts'
import type { ZippedEntry } from './entry-records.ts'
import type { FileLeftOut } from './read-file.ts'

/** Folder in the archive that holds the archive folder's files. */
export const FILES_FOLDER = 'dicom_files'

/** An item of the plan on its way into the archive. */
export type PreparedFile = { readonly file: PlannedFile } & (
  | {
      readonly kind: 'whole'
      readonly entry: ZippedEntry
      readonly size: number
      /** To be called when the entry has gone out: until then it refers to what the file was read into. */
      readonly release: () => void
      readonly line: Record<string, string | number>
    }
  | { readonly kind: 'large' }
  | { readonly kind: 'left-out'; readonly reason: string; readonly lost: boolean }
)

/** The name in the archive of what lies at a path below the archive folder. */
export const entryPath = (file: { readonly path: string }): string => `${FILES_FOLDER}/${entryName(file.path)}`

/** A planned file that could not be stored. */
export const leftOut = (file: PlannedFile, { reason }: Pick<FileLeftOut, 'reason'>): LeftOutFile => ({
  file,
  kind: 'left-out',
  reason,
  lost: true,
})

export type LeftOutFile = Extract<PreparedFile, { kind: 'left-out' }>
