/**
 * What a sequential session holds. No call of Dropbox's tells it, but an append of nothing does: unless its offset is
 * right it is refused with the right one.
 */
import type { DropboxApi } from './api.ts'
import { isSessionOver } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import { appendPiece, endOf } from './session.ts'
import type { Session } from './session.ts'
import type { SessionBytes } from './session-bytes.ts'

export function sequentialBytes(api: DropboxApi, session: Session): SessionBytes {
  /** What the session was last known to hold. */
  let known = 0

  return {
    async standing(signal) {
      const answer = await appendPiece<number | { readonly over: Refusal; readonly held: null }>(
        api,
        session,
        { offset: known, chunks: [] },
        (refusal) => refusal.correctOffset ?? (isSessionOver(refusal) ? { over: refusal, held: null } : undefined),
        signal,
      )
      if (typeof answer !== 'number') return answer
      return { over: null, held: (known = answer) }
    },

    async append(piece, signal) {
      const taken = ({ correctOffset }: Refusal): number | undefined =>
        correctOffset !== null && correctOffset > piece.offset && correctOffset <= endOf(piece)
          ? correctOffset
          : undefined
      return (known = await appendPiece(api, session, piece, taken, signal))
    },

    /** The finish carries them. */
    beforeFinish: (piece) => Promise.resolve(piece),

    end: (signal) => closeSession(api, session, known, signal),
  }
}

/**
 * Ends a session so that it takes no bytes any more. `offset`: what it is thought to hold. Resolves with whether it had
 * ended before.
 */
async function closeSession(
  api: DropboxApi,
  { id }: Session,
  offset: number,
  signal: AbortSignal,
): Promise<{ readonly hadEnded: boolean }> {
  const close = (at: number): Promise<{ hadEnded: boolean } | { correctOffset: number }> =>
    api.call<{ hadEnded: boolean } | { correctOffset: number }>(
      {
        send: (client, options) =>
          client.filesUploadSessionAppendV2(
            { cursor: { session_id: id, offset: at }, close: true, contents: [] },
            options,
          ),
        read: (result) => (result === null ? { hadEnded: false } : null),
        recover: (refusal) => {
          const { correctOffset } = refusal
          if (isSessionOver(refusal)) return { hadEnded: true }
          return correctOffset === null ? undefined : { correctOffset }
        },
      },
      signal,
    )
  const first = await close(offset)
  const answer = 'correctOffset' in first ? await close(first.correctOffset) : first
  return { hadEnded: 'hadEnded' in answer && answer.hadEnded }
}
