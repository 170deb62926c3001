/**
 * The upload of one object through a session of unknown length
 * (https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-start). A session that was
 * finished takes no append any more, so whoever lost the answer to a finish looks for the file.
 */

import type { Commit, Requests, StoredObject, Upload } from '../../../pipeline/contract/destination.ts'
import { BackupError } from '../../../pipeline/contract/errors.ts'
import type { DropboxApi } from './api.ts'
import { concurrentBytes } from './concurrent-bytes.ts'
import { dropboxError } from './errors.ts'
import { deleteFile, fileAt } from './files.ts'
import { isConflict, isSessionOver, isUncertain } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import { sequentialBytes } from './sequential-bytes.ts'
import { endOf, finishSession } from './session.ts'
import type { Piece, Session } from './session.ts'
import { writeToken } from './token.ts'

/** Giving up is a courtesy; it does not hold up the end of a run. ms. */
const ABORT_MS = 10_000
/** Nothing that is damaged may stay under the archive's name. ms. */
const REMOVE_MS = 30_000

/** `acknowledged`: as in `Destination.resume`; 0 for a session that was just started. */
export function dropboxUpload(api: DropboxApi, session: Session, acknowledged: number, requests: Requests): Upload {
  const { name } = api.caller
  const bytes =
    session.type === 'concurrent' ? concurrentBytes(api, session, acknowledged) : sequentialBytes(api, session)
  /** The last of the finishes that went out, while nobody knows what became of it. */
  let inDoubt: Commit | null = null
  /** The object under our name that is not what was sent. */
  let damaged: StoredObject | null = null
  let isOver = false

  const finish = async (
    piece: Piece,
    commit: Commit,
    signal: AbortSignal,
  ): Promise<StoredObject | { readonly refusal: Refusal }> => {
    const doubtedBefore = inDoubt
    inDoubt = commit
    const recover = (refusal: Refusal): { refusal: Refusal } | undefined => {
      if (!isUncertain(refusal)) inDoubt = doubtedBefore
      const isAnswer = refusal.correctOffset !== null || isSessionOver(refusal) || isConflict(refusal)
      return isAnswer ? { refusal } : undefined
    }
    const answer = await finishSession(api, session, piece, recover, signal)
    if (!('refusal' in answer)) inDoubt = null
    return answer
  }

  const check = async (stored: StoredObject, commit: Commit, signal: AbortSignal): Promise<StoredObject> => {
    if (isWhole(stored, commit)) {
      isOver = true
      return stored
    }
    damaged = stored
    return await removeDamaged(stored, signal)
  }

  const removeDamaged = async (stored: StoredObject, signal: AbortSignal): Promise<never> => {
    try {
      await deleteFile(api, stored, signal)
    } catch (error) {
      if (!(error instanceof BackupError) || error.remedy !== 'stop' || signal.aborted) throw error
      throw new BackupError('E_INTEGRITY', `${name}: ${stored.path} is not what was sent, and could not be deleted.`, {
        advice: 'Delete it by hand: it is damaged.',
        cause: error,
      })
    }
    damaged = null
    throw new BackupError('E_INTEGRITY', `${name}: what Dropbox stored is not what was sent.`, {
      advice: 'The damaged archive was deleted. Run the backup again.',
    })
  }

  /** Resolves with what a finish of this upload made that is not what was sent; null when there is no such thing. */
  const endSession = async (signal: AbortSignal): Promise<StoredObject | null> => {
    const { hadEnded } = await bytes.end(signal)
    if (!hadEnded || inDoubt === null) return null
    const there = await fileAt(api, session.path, signal)
    return there?.bytes === inDoubt.bytes && !isWhole(there, inDoubt) ? there : null
  }

  return {
    token: writeToken(session),
    requests,

    async held(signal) {
      if (damaged !== null) return damaged.bytes
      const standing = await bytes.standing(signal)
      if (standing.over === null) return standing.held
      const stored = await fileAt(api, session.path, signal)
      if (stored !== null) return stored.bytes
      if (standing.held === null) throw dropboxError(standing.over, api.caller)
      return standing.held
    },

    append: (offset, chunks, signal) => bytes.append({ offset, chunks }, signal),

    async commit(commit, signal) {
      const piece = { offset: commit.offset, chunks: commit.tail }
      if (endOf(piece) !== commit.bytes) {
        throw new BackupError('E_INTEGRITY', `${name}: the archive has ${endOf(piece)} bytes, not ${commit.bytes}.`, {
          advice: 'Please report it with the log file.',
        })
      }
      if (damaged !== null) return await removeDamaged(damaged, signal)
      const last = await bytes.beforeFinish(piece, signal)
      let answer = 'refusal' in last ? last : await finish(last, commit, signal)
      if ('refusal' in answer && answer.refusal.correctOffset === commit.bytes && piece.offset < commit.bytes) {
        // An earlier finish took the tail and went no further.
        answer = await finish({ offset: commit.bytes, chunks: [] }, commit, signal)
      }
      if (!('refusal' in answer)) return await check(answer, commit, signal)
      const { refusal } = answer
      if (refusal.correctOffset !== null) throw dropboxError(refusal, api.caller)
      const there = await fileAt(api, session.path, signal)
      // Unless it is whole, it is ours for certain only when a finish of this upload ended the session.
      const isOurs = there?.bytes === commit.bytes && inDoubt !== null && isSessionOver(refusal)
      if (there !== null && (isOurs || isWhole(there, commit))) return await check(there, commit, signal)
      throw dropboxError(refusal, api.caller)
    },

    /** What a session holds shows nowhere and is gone after 7 days; once closed, nobody adds to it. */
    async abort() {
      if (isOver) return
      isOver = true
      try {
        if (damaged === null) damaged = await endSession(AbortSignal.timeout(ABORT_MS))
        if (damaged !== null) await deleteFile(api, damaged, AbortSignal.timeout(REMOVE_MS))
      } catch {
        // What stays shows nowhere, or is reported by the commit that failed.
      }
    },
  }
}

function isWhole(stored: StoredObject, { bytes, digests }: Commit): boolean {
  return stored.bytes === bytes && stored.digest === digests.contentHash
}
