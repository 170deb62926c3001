import type { Format } from '../../pipeline/files/format-version.ts'
import type { DicomHeader } from '../dicom/types.ts'

/** Name of the archive's last entry: one line of JSON about the run, then one for each entry and each file left out. */
export const MANIFEST_NAME = 'backup-manifest.ndjson'

/** Of the whole archive, in the manifest's first line. Version 0 has no `format` there, and is else the same. */
export const ARCHIVE_FORMAT: Format = { name: 'its manifest', version: 1 }

/** The manifest's first line, which also has the archive's `format`. Times are ISO 8601 in UTC, sizes bytes. */
export interface ManifestHead {
  readonly tool: 'dicom-backup'
  readonly version: string
  readonly runId: string
  readonly startedAt: string
  /** When the manifest was written: after the last file. */
  readonly writtenAt: string
  readonly database: ManifestDatabase | null
  /** `deadBytes`: of entries that were begun and could not be gone on with; no directory record names them. */
  readonly counts: {
    readonly files: number
    readonly bytes: number
    readonly skipped: number
    readonly deadBytes: number
  }
}

/** A view that the server could not show, so that the dump does not have it. */
export interface LeftOutView {
  readonly view: string
  /** The server's own words. */
  readonly reason: string
  /** The statement that makes it; null when it is not known. */
  readonly definition: string | null
}

/** What the manifest says of the database and its dump. */
export interface ManifestDatabase {
  readonly name: string
  readonly tables: number
  readonly bytes: number
  /** The dump program. */
  readonly client: string
  /** Absent when there are none. */
  readonly leftOut?: readonly LeftOutView[]
  /** The database's defaults; null: not known. Absent in archives of earlier versions. */
  readonly charset?: string | null
  readonly collation?: string | null
  /** What the run knew to be missing in the dump, as its warnings. Absent in archives of earlier versions. */
  readonly lacks?: readonly { readonly code: string; readonly message: string }[]
}

/**
 * Whose a file was: `mode` in four octal digits ("0640"), user and group as numbers. Absent for the dump, for files that
 * were backed up on Windows, and in archives of earlier versions.
 */
export interface FileOwner {
  readonly mode?: string
  readonly uid?: number
  readonly gid?: number
}

/** What is the same for every entry. `mtime` is ISO 8601 in UTC with ms. */
export interface StoredLine extends FileOwner {
  readonly path: string
  readonly size: number
  readonly mtime: string
  readonly sha256: string
}

/** The line of a file that was planned but is not in the archive. */
export interface SkippedLine {
  readonly path: string
  readonly skipped: string
}

/** The line of an entry; for a DICOM instance with what its header has, and nothing where it has nothing. */
export function storedLine(line: StoredLine, header: DicomHeader | null): Record<string, string | number> {
  const entries = Object.entries({ ...line, ...header }).filter(([, value]) => value !== null)
  return Object.fromEntries(entries) as Record<string, string | number>
}

/** A line as it stands in the manifest. */
export const manifestLine = (line: object): string => `${JSON.stringify(line)}\n`
