import { fieldOf } from '../../http/answer.ts'

export const FOLDER_TYPE = 'application/vnd.google-apps.folder'

/** The fields that make a DriveFile, for the `fields` parameter of a call. */
export const FILE_FIELDS = 'id,name,mimeType,size,md5Checksum,createdTime,trashed,driveId'

/** A file or folder of Drive's, https://developers.google.com/workspace/drive/api/reference/rest/v3/files */
export interface DriveFile {
  readonly id: string
  readonly name: string
  readonly isFolder: boolean
  readonly isTrashed: boolean
  /** Null for a folder, and when the answer does not say. */
  readonly bytes: number | null
  /** Lower-case hex; null for a folder, and when the answer does not say. */
  readonly md5: string | null
  /** Milliseconds since 1970; 0 when the answer does not say. */
  readonly createdMs: number
  /** The shared drive it is in; null in somebody's My Drive. */
  readonly driveId: string | null
}

/** Null when the value is no file of Drive's. */
export function toDriveFile(value: unknown): DriveFile | null {
  const id = textOf(value, 'id')
  if (id === null) return null
  const size = textOf(value, 'size')
  const created = Date.parse(textOf(value, 'createdTime') ?? '')
  return {
    id,
    name: textOf(value, 'name') ?? '',
    isFolder: fieldOf(value, 'mimeType') === FOLDER_TYPE,
    isTrashed: fieldOf(value, 'trashed') === true,
    bytes: size !== null && /^\d{1,15}$/.test(size) ? Number(size) : null,
    md5: textOf(value, 'md5Checksum')?.toLowerCase() ?? null,
    createdMs: Number.isNaN(created) ? 0 : created,
    driveId: textOf(value, 'driveId'),
  }
}

function textOf(value: unknown, name: string): string | null {
  const field = fieldOf(value, name)
  return typeof field === 'string' && field !== '' ? field : null
}
