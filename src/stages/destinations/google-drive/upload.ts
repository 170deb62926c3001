/**
 * One resumable upload session. Google takes requests in whole units of 256 KiB, may keep less of one than was sent,
 * and says after each how much it holds; the file does not exist before the last request, which names the whole size.
 * https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
 */

import { lengthOf } from '../../../pipeline/flow/chunks.ts'
import type { Commit, Requests, StoredObject, Upload } from '../../../pipeline/contract/destination.ts'
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { heldOf } from './answer.ts'
import type { Answer } from '../../http/answer.ts'
import type { DriveApi } from './api.ts'
import { toDriveFile } from './drive-file.ts'
import type { DriveFile } from './drive-file.ts'
import { driveError, unreadable } from './errors.ts'
import { deleteFile, fileById } from './files.ts'

/** What has to be known to go on with an upload, in this process or a later one. */
export interface Session {
  /** The session's address; whoever has it can write to the upload. */
  readonly uri: string
  /** The id that the file will have. */
  readonly fileId: string
  /** The folder as the configuration named it. */
  readonly folder: string
  /** Where a person will find the file. */
  readonly path: string
}

/** Giving up is a courtesy to Google; it does not hold up the end of a run. ms. */
const ABORT_MS = 10_000

type State = { readonly held: number } | { readonly file: DriveFile }

export function driveUpload(api: DriveApi, session: Session, requests: Requests): Upload {
  const { name } = api.caller
  const { fileId, path } = session
  let uri = session.uri
  /** What the last answer said is held; null when that is not certain. */
  let known: number | null = null
  /** `maybe`: the file may exist, and nobody has verified it. */
  let stored: 'no' | 'maybe' | 'verified' = 'no'

  const put = async (range: string, body: readonly Uint8Array[], signal: AbortSignal): Promise<State> => {
    known = null
    const headers = { 'content-range': `bytes ${range}` }
    return await stateOf(await api.send('upload', uri, { method: 'PUT', headers, body, signal }), signal)
  }

  const stateOf = async (answer: Answer, signal: AbortSignal): Promise<State> => {
    if (answer.status === 308) {
      const held = heldOf(answer.headers)
      if (held === null) throw unreadable('upload', api.caller, '(308)')
      uri = movedTo(answer.headers) ?? uri
      return { held: (known = held) }
    }
    const file =
      answer.status === 200 || answer.status === 201
        ? toDriveFile(answer.body)
        : await finishedBefore(answer.status, signal)
    if (file === null) throw driveError(answer, 'upload', api.caller)
    if (stored === 'no') stored = 'maybe'
    return { file }
  }

  /** A session that is gone, or a file that exists already, may be an upload of which only the last answer was lost. */
  const finishedBefore = async (status: number, signal: AbortSignal): Promise<DriveFile | null> =>
    status === 404 || status === 409 || status === 410 ? await fileById(api, fileId, signal) : null

  const expectHeld = (offset: number): void => {
    if (known !== null && known !== offset) throw offsetError(known, offset)
  }
  const offsetError = (held: number, expected: number): BackupError =>
    new BackupError('E_OFFSET', `${name}: Google Drive holds ${held} bytes where ${expected} were expected.`, {
      remedy: 'resume',
    })

  const sizeOf = async (file: DriveFile, signal: AbortSignal): Promise<number> => {
    const bytes = file.bytes ?? (await fileById(api, file.id, signal))?.bytes ?? null
    if (bytes === null) throw unreadable('upload', api.caller, '(no size)')
    return bytes
  }

  /** `isFresh`: the answer that tells of the file is the one to the request that made it. */
  const verified = async (
    file: DriveFile,
    isFresh: boolean,
    commit: Commit,
    signal: AbortSignal,
  ): Promise<StoredObject> => {
    let { bytes, md5 } = file
    const isTold = bytes === commit.bytes && md5 === commit.digests.md5
    if (md5 === null || (isTold && !isFresh)) {
      // A session goes on telling of its file when that was deleted since.
      const now = await fileById(api, file.id, signal)
      if (now === null && isFresh) throw unreadable('upload', api.caller, '(no md5Checksum)')
      if (now === null) throw new BackupError('E_SESSION', `${name}: the file was deleted.`, { remedy: 'restart' })
      bytes = now.bytes
      md5 = now.md5
    }
    if (md5 === null || bytes === null) throw unreadable('upload', api.caller, '(no md5Checksum)')
    if (bytes === commit.bytes && md5 === commit.digests.md5) {
      stored = 'verified'
      return { id: file.id, path, bytes, digest: md5 }
    }
    await deleteFile(api, file.id, signal)
    throw new BackupError('E_INTEGRITY', `${name}: what Google Drive stored is not what was sent.`, {
      advice: 'The damaged file was removed. Run the backup again.',
    })
  }

  return {
    get token() {
      return JSON.stringify({ ...session, uri } satisfies Session)
    },
    requests,
    async held(signal) {
      const state = await put('*/*', [], signal)
      return 'held' in state ? state.held : await sizeOf(state.file, signal)
    },
    async append(offset, chunks, signal) {
      expectHeld(offset)
      const end = offset + lengthOf(chunks)
      const state = await put(rangeOf(offset, end, '*'), chunks, signal)
      if ('file' in state) {
        throw new BackupError('E_SESSION', `${name}: the upload was finished before its end.`, { remedy: 'restart' })
      }
      if (state.held < offset || state.held > end) throw offsetError(state.held, offset)
      return state.held
    },
    async commit(commit, signal) {
      expectHeld(commit.offset)
      const end = commit.offset + lengthOf(commit.tail)
      const isFresh = stored === 'no'
      if (isFresh) stored = 'maybe'
      const state = await put(rangeOf(commit.offset, end, commit.bytes), commit.tail, signal)
      if ('held' in state) throw offsetError(state.held, commit.bytes)
      return await verified(state.file, isFresh, commit, signal)
    },
    async abort() {
      if (stored === 'verified') return
      const limit = (): AbortSignal => AbortSignal.timeout(ABORT_MS)
      // The session ends by itself within a week.
      await api.send('upload', uri, { method: 'DELETE', signal: limit() }).catch(() => undefined)
      if (stored === 'maybe') await deleteFile(api, fileId, limit()).catch(() => undefined)
    },
  }
}

/** `a-b/total` with b inclusive; no bytes at all are `*`. */
function rangeOf(start: number, end: number, total: number | '*'): string {
  return `${start === end ? '*' : `${start}-${end - 1}`}/${total}`
}

function movedTo(headers: Headers): string | null {
  const location = headers.get('location')
  return location !== null && URL.canParse(location) ? location : null
}
