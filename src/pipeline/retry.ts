/**
 * Trying again, for every destination alike. A destination says what an error means (its remedy); this wrapper waits,
 * asks the far side what it holds and goes on from the answer. The time allowed without progress starts with a call's
 * first failure, and anew whenever the offset has moved. What goes before does not count: on a slow line a request
 * takes long, and between two requests a destination waits for the source and for its siblings.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { dropBytes, lengthOf } from './chunks.ts'
import type { Commit, Destination, StoredObject, Upload } from './destination.ts'
import { abortError, asBackupError, BackupError } from './errors.ts'

export interface RetryPolicy {
  /** The first pause; it doubles with each try that follows. ms. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** Give an upload up this long after a failure without a byte more being held. ms. */
  readonly patienceMs: number
  /**
   * Give up this long after the first failure of any other call. ms. Short: while one is not open, the window holds the
   * others.
   */
  readonly openingPatienceMs: number
}

const DEFAULT_RETRY: RetryPolicy = {
  firstPauseMs: 500,
  longestPauseMs: 60_000,
  patienceMs: 30 * 60_000,
  openingPatienceMs: 2 * 60_000,
}

/** Called before each pause, for the progress display and the log. */
export type OnRetry = (error: BackupError, pauseMs: number) => void

/** Counts the tries since the last progress and sleeps between them. */
class Patience {
  readonly #policy: RetryPolicy
  readonly #onRetry: OnRetry
  /** When the first of the failures came that no progress followed. */
  #since: number | null = null
  #tries = 0

  constructor(policy: RetryPolicy, onRetry: OnRetry) {
    this.#policy = policy
    this.#onRetry = onRetry
  }

  progressed(): void {
    this.#since = null
    this.#tries = 0
  }

  /** Sleeps before the next try; throws the error when it is not to be retried or patience has ended. */
  async pause(thrown: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal)
    const error = asBackupError(thrown)
    if (error.remedy !== 'retry' && error.remedy !== 'resume') throw error
    const ceiling = Math.min(this.#policy.longestPauseMs, this.#policy.firstPauseMs * 2 ** this.#tries)
    const pauseMs = Math.max(error.retryAfterMs ?? 0, ceiling * (0.5 + Math.random() / 2))
    const now = performance.now()
    this.#since ??= now
    if (now + pauseMs - this.#since > this.#policy.patienceMs) throw error
    this.#tries += 1
    this.#onRetry(error, pauseMs)
    try {
      await sleep(pauseMs, undefined, { signal })
    } catch {
      throw abortError(signal)
    }
  }
}

const tookNothing = (name: string): BackupError =>
  new BackupError('E_DESTINATION', `${name} took none of the bytes it was sent.`, { remedy: 'resume' })

/**
 * A destination that tries again, under the same contract: here too, `append` may resolve with less than was sent.
 */
export function withRetry(
  inner: Destination,
  policy: RetryPolicy = DEFAULT_RETRY,
  onRetry: OnRetry = () => undefined,
): Destination {
  const again = async <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    const patience = new Patience({ ...policy, patienceMs: policy.openingPatienceMs }, onRetry)
    for (;;) {
      try {
        return await call()
      } catch (error) {
        await patience.pause(error, signal)
      }
    }
  }
  return {
    name: inner.name,
    type: inner.type,
    traits: inner.traits,
    signIn: (signal) => again(signal, () => inner.signIn(signal)),
    begin: async (object, signal) =>
      retryingUpload(inner, object, await again(signal, () => inner.begin(object, signal)), policy, onRetry),
    resume: async (token, signal) =>
      retryingUpload(inner, null, await again(signal, () => inner.resume(token, signal)), policy, onRetry),
    stat: (object, signal) => again(signal, () => inner.stat(object, signal)),
    remove: (object, signal) => again(signal, () => inner.remove(object, signal)),
    close: () => inner.close(),
  }
}

function retryingUpload(
  inner: Destination,
  object: string | null,
  upload: Upload,
  policy: RetryPolicy,
  onRetry: OnRetry,
): Upload {
  /** Pauses, then asks what is held until there is an answer. */
  const pauseAndAsk = async (patience: Patience, thrown: unknown, signal: AbortSignal): Promise<number> => {
    let error = thrown
    for (;;) {
      await patience.pause(error, signal)
      try {
        return await upload.held(signal)
      } catch (next) {
        error = next
      }
    }
  }

  const within = (held: number, from: number, to: number): number => {
    if (held >= from && held <= to) return held
    throw new BackupError(
      'E_OFFSET',
      `${inner.name} holds ${held} bytes of the upload where ${from} to ${to} were expected.`,
      {
        remedy: 'resume',
      },
    )
  }

  /** After a commit whose session is gone: the object may be there all the same, when only the answer was lost. */
  const committedAlready = async (commit: Commit, signal: AbortSignal): Promise<StoredObject | null> => {
    const stored = object === null ? null : await inner.stat(object, signal)
    if (stored?.bytes !== commit.bytes || stored.digest !== commit.digests[inner.traits.digest]) return null
    return stored
  }

  return {
    get token() {
      return upload.token
    },
    async held(signal) {
      const patience = new Patience(policy, onRetry)
      for (;;) {
        try {
          return await upload.held(signal)
        } catch (error) {
          await patience.pause(error, signal)
        }
      }
    },
    async append(offset, chunks, signal) {
      const end = offset + lengthOf(chunks)
      const patience = new Patience(policy, onRetry)
      for (;;) {
        let held: number
        try {
          held = within(await upload.append(offset, chunks, signal), offset, end)
          if (held === offset) throw tookNothing(inner.name)
        } catch (error) {
          held = within(await pauseAndAsk(patience, error, signal), offset, end)
        }
        if (held > offset) return held
      }
    },
    async commit(commit, signal) {
      let now = commit
      const patience = new Patience(policy, onRetry)
      for (;;) {
        try {
          return await upload.commit(now, signal)
        } catch (error) {
          try {
            const held = within(await pauseAndAsk(patience, error, signal), now.offset, commit.bytes)
            if (held > now.offset) patience.progressed()
            now = { ...commit, offset: held, tail: dropBytes(now.tail, held - now.offset) }
          } catch (lost) {
            if (!(lost instanceof BackupError) || lost.code !== 'E_SESSION') throw lost
            const stored = await committedAlready(commit, signal)
            if (stored === null) throw lost
            return stored
          }
        }
      }
    },
    abort: () => upload.abort(),
  }
}
