import type { ArchiveReader } from '../../archive/archive-reader.ts'
import type { Selection } from '../selection.ts'

export interface RestoreFilesOptions {
  readonly reader: ArchiveReader
  /** The target folder. */
  readonly to: string
  /** Allows a target that has other files in it; those that the archive has as well are replaced. */
  readonly overwrite: boolean
  readonly selection: Selection
  /** Files get their owner, group and mode, as far as this account may. */
  readonly owner: boolean
  /** Called once, with counters that go on counting. */
  readonly onProgress: (progress: RestoreProgress) => void
  readonly signal: AbortSignal
}

export interface RestoreProgress {
  /** `reading` the directory and the manifest, `restoring` files. */
  phase: 'reading' | 'restoring'
  /** What is to be restored; null while that is read. */
  filesTotal: number | null
  bytesTotal: number | null
  /** Files restored, found right or given up, and their bytes. */
  filesDone: number
  bytesDone: number
}

/** Paths are names of entries: they may hold patients' names and belong into results, not into messages or logs. */
export interface RestoredFiles {
  /** The target folder. */
  readonly to: string
  /** Written by this call; of the archive folder, the database dump and the manifest. */
  readonly files: number
  readonly bytes: number
  /** Files that were there already, proved to be right. */
  readonly skipped: number
  /** Files that the backup had left out. Not counted when something is selected: nobody knows whose they are. */
  readonly leftOut: number
  /** With `owner`: files of which the archive does not have it, and files that could not get it. */
  readonly ownerUnknown: number
  readonly notOwned: number
  /**
   * What each file was proved by: the manifest's SHA-256, or, where there is no manifest to be read, the ZIP's CRC-32,
   * which finds accidents but not intent.
   */
  readonly provedBy: 'sha256' | 'crc32'
  /** How many are not restored; the first 1,000 with the reason. */
  readonly damagedFiles: number
  readonly damaged: readonly { readonly path: string; readonly reason: string }[]
  /** Files whose names had to be written in another way: the first 1,000. */
  readonly renamed: readonly { readonly path: string; readonly to: string; readonly reason: string }[]
  /** What was selected and is nowhere in the archive. */
  readonly notFound: Selection
}
