import type { Destination, Requests, Upload } from '../../../pipeline/contract/destination.ts'
import { BackupError } from '../../../pipeline/contract/errors.ts'
import type { Transport } from '../../http/types.ts'
import { fieldOf, parseBody } from '../../http/answer.ts'
import { download } from '../download.ts'
import { Line } from '../line.ts'
import { driveApi } from './api.ts'
import { FILE_FIELDS } from './drive-file.ts'
import { driveError, unreadable } from './errors.ts'
import { deleteFile, filesIn, filesNamed, mustTakeFiles, newFileId } from './files.ts'
import { folderFinder, pathIn, type DriveFolder } from './folder.ts'
import { GOOGLE_DRIVE_TRAITS, type GoogleDriveConfig } from './settings.ts'
import { driveUpload } from './upload.ts'
import type { Session } from './upload.ts'

const UPLOAD_URL = `https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable&supportsAllDrives=true&fields=${FILE_FIELDS}`
/** Every request of a resumable upload but the last is a multiple of this. */
const UNIT_BYTES = 256 * 1024
const MIB = 1024 * 1024
/** Of these the line chooses. Half of the window: the other half is made while it is sent. */
const REQUEST_BYTES = [8 * MIB, 16 * MIB, 24 * MIB] as const

/**
 * A folder in Google Drive. `folder` is names with '/' between them below My Drive, made when missing, or starts with
 * `id:FOLDER_ID` for a folder that is shared with the account or lies in a shared drive. The destination owns
 * `transport` and closes it.
 */
export function googleDriveDestination(
  config: GoogleDriveConfig,
  { transport }: { transport: Transport },
): Destination {
  const { name } = config
  const closing = new AbortController()
  const line = new Line()
  const api = driveApi(config, line.over(transport))
  const folder = folderFinder(api, config.folder, closing.signal)
  const { chunkSize } = config
  const fixedBytes = chunkSize === null ? null : Math.max(1, Math.floor(chunkSize / UNIT_BYTES)) * UNIT_BYTES
  const requests: Requests = {
    multiple: UNIT_BYTES,
    inFlight: 1,
    bytes: () => fixedBytes ?? line.suits(REQUEST_BYTES),
  }

  const readAbout = async (signal: AbortSignal): Promise<{ readonly email: string; readonly quota: unknown }> => {
    const about = await api.metadata(
      (drive, options) => drive.about.get({ fields: 'storageQuota,user' }, options),
      signal,
    )
    const email = fieldOf(fieldOf(about, 'user'), 'emailAddress')
    if (typeof email !== 'string') throw unreadable('metadata', api.caller)
    return { email, quota: fieldOf(about, 'storageQuota') }
  }

  const beginIn = async (parent: DriveFolder, object: string, fileId: string, signal: AbortSignal): Promise<Upload> => {
    const answer = await api.send('metadata', UPLOAD_URL, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=UTF-8', 'x-upload-content-type': 'application/zip' },
      body: JSON.stringify({ id: fileId, name: object, mimeType: 'application/zip', parents: [parent.id] }),
      signal,
    })
    if (answer.status === 404 || answer.status === 409) {
      // The folder is gone, or the id is taken: the next try finds both anew.
      folder.forget()
      throw new BackupError('E_DESTINATION', `${name}: Google Drive could not start the upload (${answer.status}).`, {
        remedy: 'retry',
        advice: 'Check that the folder still exists.',
      })
    }
    if (answer.status !== 200) throw driveError(answer, 'metadata', api.caller)
    const uri = answer.headers.get('location')
    if (uri === null || !URL.canParse(uri)) throw unreadable('metadata', api.caller)
    return driveUpload(api, { uri, fileId, folder: config.folder, path: pathIn(parent, object) }, requests)
  }

  const uploadOf = (token: string): Upload => {
    const session = readToken(token)
    if (session?.folder === config.folder) return driveUpload(api, session, requests)
    throw new BackupError('E_SESSION', `${name}: the interrupted upload belongs to a different configuration.`, {
      remedy: 'restart',
    })
  }

  return {
    name,
    type: 'google-drive',
    traits: GOOGLE_DRIVE_TRAITS,

    async signIn(signal) {
      const { email, quota } = await readAbout(signal)
      const limit = fieldOf(quota, 'limit')
      const free = Number(limit) - Number(fieldOf(quota, 'usage'))
      // The account's quota says nothing about a shared drive.
      const { driveId } = await folder.start(signal)
      const isLimited = typeof limit === 'string' && driveId === null && Number.isFinite(free)
      return { label: email, freeBytes: isLimited ? Math.max(0, free) : null }
    },

    async probe(signal) {
      const { folder: parent, missing } = await folder.nearest(signal)
      await mustTakeFiles(api, parent, signal)
      const upload = await beginIn(parent, '.dicom-backup-probe', await newFileId(api, signal), signal)
      await upload.abort()
      if (missing.length === 0) for await (const _ of filesIn(api, parent, [], signal)) break
    },

    async place(signal) {
      const { folder: parent, missing } = await folder.nearest(signal)
      if (missing.length === 0) return `google-drive:${parent.id}`
      // Folders that are still to be made are one only where one sign-in sees what the other made.
      const { email } = await readAbout(signal)
      return `google-drive:${email}:${config.oauth?.clientId ?? ''}:${parent.id}/${missing.join('/')}`
    },

    async begin(object, signal) {
      // An id of our choosing: whatever is repeated after a lost answer, it stays one file, and it can be found again.
      const [parent, fileId] = await Promise.all([folder.ensure(signal), newFileId(api, signal)])
      return await beginIn(parent, object, fileId, signal)
    },

    async resume(token, _acknowledged, signal) {
      const upload = uploadOf(token)
      return { upload, held: await upload.held(signal) }
    },

    cancel: (token) => Promise.resolve().then(() => uploadOf(token).abort()),

    async stat(object, signal) {
      const parent = await folder.find(signal)
      if (parent === null) return null
      const [newest] = await filesNamed(api, parent, object, 'file', signal)
      if (newest === undefined) return null
      return { id: newest.id, path: pathIn(parent, object), bytes: newest.bytes ?? 0, digest: newest.md5 }
    },

    async *list(signal) {
      const parent = await folder.find(signal)
      if (parent === null) return
      for await (const { id, name, isFolder, bytes, md5 } of filesIn(api, parent, [], signal)) {
        if (!isFolder) yield { id, path: pathIn(parent, name), name, bytes: bytes ?? 0, digest: md5 }
      }
    },

    read: (object, range, signal) => download(object, range, api.download(object.id), signal),

    remove: (object, signal) => deleteFile(api, object.id, signal),

    close() {
      closing.abort(new BackupError('E_ABORTED', `${name}: the destination was closed.`))
      transport.close()
      return Promise.resolve()
    },
  }
}

function readToken(token: string): Session | null {
  const value = parseBody(token)
  const [uri, fileId, folder, path] = ['uri', 'fileId', 'folder', 'path'].map((field) => fieldOf(value, field))
  if (typeof uri !== 'string' || typeof fileId !== 'string') return null
  if (typeof folder !== 'string' || typeof path !== 'string') return null
  return { uri, fileId, folder, path }
}
