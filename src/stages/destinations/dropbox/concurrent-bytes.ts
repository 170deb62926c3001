/**
 * What a concurrent session holds: whole blocks of 4 MiB, appended in any order and several requests at once, until one
 * that closes it. https://github.com/dropbox/dropbox-api-spec files.stone, UploadSessionType.concurrent
 *
 * Dropbox does not tell which blocks it has. What counts is what it acknowledged, from 0 without a gap; all else is sent
 * again, which puts the same bytes in the same place. (That this is harmless is not written anywhere; Dropbox's own
 * command line does it after a lost answer.) A block that is missing in spite of that is reported by the finish, and the
 * upload begins anew; the content hash of the whole object is compared after it in any case.
 *
 * The session is closed by the last bytes, once all others are acknowledged. So one that is closed has all of them, and
 * what is appended to it is there already, unless it was given up: then it has a gap, and its finish is refused.
 */
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { PART_BYTES } from '../../../pipeline/contract/digests.ts'
import { AckTracker } from '../../../pipeline/send/ack-tracker.ts'
import type { DropboxApi } from './api.ts'
import { dropboxError } from './errors.ts'
import { fileAt } from './files.ts'
import { isClosed, isOpen, isSessionOver } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import { appendPiece, endOf } from './session.ts'
import type { Piece, Session } from './session.ts'
import type { SessionBytes, Standing } from './session-bytes.ts'

/** No append of a concurrent session begins here, so one that does is refused and changes nothing. */
const NOWHERE = 1

/** `acknowledged`: what is known to be held, from 0. */
export function concurrentBytes(api: DropboxApi, session: Session, acknowledged: number): SessionBytes {
  const pieces = new AckTracker(acknowledged - (acknowledged % PART_BYTES))
  /** Closed by the last bytes: whatever there is of it is there. */
  let closed = false
  /** It takes nothing any more, for whatever reason. */
  let isOver = false

  const mustFollow = ({ offset }: Piece, end: number): void => {
    if (offset <= end) return
    throw new BackupError('E_OFFSET', `${api.caller.name}: bytes from ${offset} on do not follow the first ${end}.`, {
      remedy: 'resume',
    })
  }

  /** A session that is closed and of which no file was made has all bytes. */
  const isComplete = async (refusal: Refusal, signal: AbortSignal): Promise<boolean> =>
    isClosed(refusal) && (await fileAt(api, session.path, signal)) === null

  const send = async (piece: Piece, signal: AbortSignal): Promise<void> => {
    const answer = await appendPiece<number | { readonly over: Refusal }>(
      api,
      session,
      piece,
      (refusal) => {
        if (refusal.correctOffset === endOf(piece)) return refusal.correctOffset
        return isClosed(refusal) ? { over: refusal } : undefined
      },
      signal,
    )
    if (typeof answer === 'number') return
    if (!(await isComplete(answer.over, signal))) throw dropboxError(answer.over, api.caller)
    closed = true
  }

  return {
    async standing(signal) {
      const answer = await appendPiece<Standing>(
        api,
        session,
        { offset: NOWHERE, chunks: [] },
        (refusal) => {
          if (isOpen(refusal)) return { over: null, held: pieces.held }
          return isSessionOver(refusal) ? { over: refusal, held: isClosed(refusal) ? pieces.held : null } : undefined
        },
        signal,
      )
      if (typeof answer === 'number') return { over: null, held: pieces.held }
      isOver = answer.over !== null
      if (answer.over !== null && answer.held !== null) closed = true
      return answer
    },

    async append(piece, signal) {
      mustFollow(piece, pieces.highWater)
      return await pieces.during(piece.offset, endOf(piece), async () => {
        if (!closed) await send(piece, signal)
      })
    },

    async beforeFinish(piece, signal) {
      const end = endOf(piece)
      const nothing: Piece = { offset: end, chunks: [] }
      if (closed || isOver) return nothing
      mustFollow(piece, pieces.held)
      const answer = await appendPiece<{ readonly refusal: Refusal }>(
        api,
        session,
        piece,
        (refusal) => (isSessionOver(refusal) ? { refusal } : undefined),
        signal,
        true,
      )
      // Closed before: by a request of ours of which the answer was lost.
      if (typeof answer !== 'number' && !isClosed(answer.refusal)) return answer
      closed = true
      return nothing
    },

    /** With a gap before it, which nobody can fill any more. */
    async end(signal) {
      const answer = await appendPiece<{ readonly hadEnded: true }>(
        api,
        session,
        { offset: gapAfter(pieces.highWater), chunks: [] },
        (refusal) => (isSessionOver(refusal) ? { hadEnded: true } : undefined),
        signal,
        true,
      )
      return typeof answer === 'number' ? { hadEnded: false } : answer
    },
  }
}

/** Where the next block but one begins. */
const gapAfter = (offset: number): number => (Math.floor(offset / PART_BYTES) + 2) * PART_BYTES
