import type { files } from 'dropbox'
import { lengthOf } from '../../../pipeline/flow/chunks.ts'
import type { StoredObject } from '../../../pipeline/contract/destination.ts'
import { fieldOf } from '../../http/answer.ts'
import type { DropboxApi } from './api.ts'
import { storedObject } from './files.ts'
import type { Refusal } from './refusal.ts'
import { requestHash } from './request-hash.ts'

/**
 * `sequential`: bytes come one request after the other, and the service knows how many it holds. `concurrent`: requests
 * of whole blocks come in any order, several at once, and nobody but the client knows which have come.
 */
export type SessionType = 'sequential' | 'concurrent'

/** An upload session and the path that its finish gives the object. */
export interface Session {
  readonly id: string
  readonly path: string
  readonly type: SessionType
}

/** Bytes of a request, and where in the object they start. */
export interface Piece {
  readonly offset: number
  readonly chunks: readonly Uint8Array[]
}

export function endOf({ offset, chunks }: Piece): number {
  return offset + lengthOf(chunks)
}

/** Starts a session that holds nothing, and gives its id. */
export async function startSession(api: DropboxApi, type: SessionType, signal: AbortSignal): Promise<string> {
  return await api.call<string>(
    {
      send: (client, options) =>
        client.filesUploadSessionStart({ close: false, session_type: { '.tag': type } }, options),
      read: (result) => {
        const id = fieldOf(result, 'session_id')
        return typeof id === 'string' ? id : null
      },
    },
    signal,
  )
}

/**
 * Appends a piece and gives where it ends; `close`: nothing can be appended after it. `recover` may make an answer of a refusal;
 * what is left rejects as `dropboxError` says, with `resume` where the bytes may have been taken.
 */
export async function appendPiece<T>(
  api: DropboxApi,
  session: Session,
  piece: Piece,
  recover: (refusal: Refusal) => T | undefined,
  signal: AbortSignal,
  close = false,
): Promise<number | T> {
  return await api.call<number | T>(
    {
      send: async (client, options) =>
        client.filesUploadSessionAppendV2({ ...(await argument(session, piece)), close }, options),
      // Only the literal null is Dropbox's yes.
      read: (result) => (result === null ? endOf(piece) : null),
      recover,
      afterDoubt: 'resume',
    },
    signal,
  )
}

/** Appends the last piece and makes the session's bytes the object. `recover` as in `appendPiece`. */
export async function finishSession<T>(
  api: DropboxApi,
  session: Session,
  piece: Piece,
  recover: (refusal: Refusal) => T | undefined,
  signal: AbortSignal,
): Promise<StoredObject | T> {
  const commit: files.CommitInfo = {
    path: session.path,
    mode: { '.tag': 'add' },
    autorename: false,
    mute: true,
    // Finishing again with the same bytes is no conflict then.
    strict_conflict: false,
  }
  return await api.call<StoredObject | T>(
    {
      send: async (client, options) =>
        client.filesUploadSessionFinish({ ...(await argument(session, piece)), commit }, options),
      read: (result) => {
        const stored = storedObject(result)
        return stored?.digest === null ? null : stored
      },
      recover,
    },
    signal,
  )
}

async function argument(session: Session, { offset, chunks }: Piece) {
  return { cursor: { session_id: session.id, offset }, content_hash: await requestHash(chunks), contents: chunks }
}
