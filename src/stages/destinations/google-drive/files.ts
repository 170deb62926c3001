import { abortError, BackupError } from '../../../pipeline/contract/errors.ts'
import type { DriveApi } from './api.ts'
import { fieldOf } from '../../http/answer.ts'
import { FILE_FIELDS, FOLDER_TYPE, toDriveFile } from './drive-file.ts'
import type { DriveFile } from './drive-file.ts'
import { unreadable } from './errors.ts'
import type { Caller } from './errors.ts'

/** Where to look: a folder, or the root of My Drive as 'root'. */
export interface Parent {
  readonly id: string
  /** The shared drive it is in; null in somebody's My Drive. */
  readonly driveId: string | null
}

/**
 * A text in single quotes for the `q` of files.list.
 * https://developers.google.com/workspace/drive/api/guides/search-files
 */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/**
 * What lies directly in `parent` under exactly this name and is not in the trash, newest first; names are not unique in
 * Drive.
 */
export async function filesNamed(
  api: DriveApi,
  parent: Parent,
  name: string,
  kind: 'file' | 'folder',
  signal: AbortSignal,
): Promise<DriveFile[]> {
  const conditions = [`name = ${quoted(name)}`]
  if (kind === 'folder') conditions.push(`mimeType = ${quoted(FOLDER_TYPE)}`)
  const found: DriveFile[] = []
  for await (const file of filesIn(api, parent, conditions, signal)) {
    if (file.name === name && file.isFolder === (kind === 'folder')) found.push(file)
  }
  return found.sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1))
}

/**
 * What lies directly in `parent`, files and folders, is not in the trash and meets the `conditions`, terms of a query;
 * page by page, in any order. Nothing when the parent itself is gone.
 */
export async function* filesIn(
  api: DriveApi,
  parent: Parent,
  conditions: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<DriveFile> {
  let pageToken: string | undefined
  do {
    const params = {
      q: [...conditions, `${quoted(parent.id)} in parents`, 'trashed = false'].join(' and '),
      fields: `nextPageToken,files(${FILE_FIELDS})`,
      spaces: 'drive',
      pageSize: 1000,
      supportsAllDrives: true,
      includeItemsFromAllDrives: true,
      ...(parent.driveId === null ? {} : { corpora: 'drive', driveId: parent.driveId }),
      ...(pageToken === undefined ? {} : { pageToken }),
    }
    const page = await api
      .metadata((drive, options) => drive.files.list(params, options), signal)
      .catch((error: unknown) => {
        throw pageToken === undefined ? error : refusedPage(error, api.caller)
      })
    if (page === null && pageToken !== undefined) throw refusedPage(null, api.caller)
    if (page === null) return
    const files = fieldOf(page, 'files')
    if (!Array.isArray(files)) throw unreadable('metadata', api.caller)
    for (const file of files.map(toDriveFile)) {
      if (signal.aborted) throw abortError(signal)
      if (file === null) throw unreadable('metadata', api.caller)
      yield file
    }
    pageToken = page.nextPageToken ?? undefined
  } while (pageToken !== undefined)
}

/**
 * A page token that is refused for any reason is to be dropped and the list started anew,
 * https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list
 */
function refusedPage(error: unknown, { name }: Caller): unknown {
  const isRefusal = error instanceof BackupError && error.code === 'E_DESTINATION' && error.remedy === 'stop'
  if (error !== null && !isRefusal) return error
  return new BackupError('E_DESTINATION', `${name}: Google Drive stopped listing the folder.`, {
    remedy: 'retry',
    cause: error,
  })
}

/** The file with this id, or null when there is none or it is in the trash. */
export async function fileById(api: DriveApi, fileId: string, signal: AbortSignal): Promise<DriveFile | null> {
  const params = { fileId, fields: FILE_FIELDS, supportsAllDrives: true }
  const answer = await api.metadata((drive, options) => drive.files.get(params, options), signal)
  if (answer === null) return null
  const file = toDriveFile(answer)
  if (file === null) throw unreadable('metadata', api.caller)
  return file.isTrashed ? null : file
}

/** An id that no file has yet, for a file to be made with it. */
export async function newFileId(api: DriveApi, signal: AbortSignal): Promise<string> {
  const params = { count: 1, space: 'drive', type: 'files' }
  const answer = await api.metadata((drive, options) => drive.files.generateIds(params, options), signal)
  const ids = fieldOf(answer, 'ids')
  const id: unknown = Array.isArray(ids) ? ids[0] : null
  if (typeof id !== 'string') throw unreadable('metadata', api.caller)
  return id
}

/**
 * Rejects with E_AUTH when the sign-in may not add files to this folder. My Drive itself always takes them.
 * https://developers.google.com/workspace/drive/api/reference/rest/v3/files#File.FIELDS.capabilities
 */
export async function mustTakeFiles(
  api: DriveApi,
  parent: Parent & { path: string },
  signal: AbortSignal,
): Promise<void> {
  if (parent.id === 'root') return
  const params = { fileId: parent.id, fields: 'capabilities/canAddChildren', supportsAllDrives: true }
  const answer = await api.metadata((drive, options) => drive.files.get(params, options), signal)
  if (fieldOf(fieldOf(answer, 'capabilities'), 'canAddChildren') !== false) return
  throw new BackupError(
    'E_AUTH',
    `${api.caller.name}: this sign-in may only read the Google Drive folder ${parent.path}.`,
    {
      advice: `Share ${parent.path} with this account as an editor (in a shared drive: as a contributor), or choose another folder.`,
    },
  )
}

/** Makes an empty folder. */
export async function createFolder(
  api: DriveApi,
  parent: Parent,
  name: string,
  signal: AbortSignal,
): Promise<DriveFile> {
  const requestBody = { name, mimeType: FOLDER_TYPE, parents: [parent.id] }
  const params = { requestBody, fields: FILE_FIELDS, supportsAllDrives: true }
  const answer = await api.metadata((drive, options) => drive.files.create(params, options), signal)
  const folder = toDriveFile(answer)
  if (folder === null) throw unreadable('metadata', api.caller)
  return folder
}

/**
 * Deletes a file past the trash. Where only organizers may do that, in shared drives, it goes to the trash, which
 * Google empties after 30 days. A file that is gone already is no error.
 */
export async function deleteFile(api: DriveApi, fileId: string, signal: AbortSignal): Promise<void> {
  try {
    await api.metadata((drive, options) => drive.files.delete({ fileId, supportsAllDrives: true }, options), signal)
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'E_AUTH') throw error
    const params = { fileId, requestBody: { trashed: true }, fields: 'id', supportsAllDrives: true }
    await api.metadata((drive, options) => drive.files.update(params, options), signal)
  }
}
