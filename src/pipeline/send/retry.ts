/**
 * Retrying a request, for every destination alike (docs/design.md, *Retrying*, has the other places). A destination says
 * what an error means (its remedy); this wrapper waits, asks the far side what it holds and resumes there. The time allowed
 * without progress starts with a call's first failure, and anew whenever the offset has moved. What goes before does not
 * count: on a slow line a request takes long, and between two requests a destination waits for the source and for the
 * others.
 */
import { Backoff, DEFAULT_RETRY, type OnRetry, type RetryPolicy } from './backoff.ts'
import { dropBytes, lengthOf } from '../flow/chunks.ts'
import type { Destination, Resumed, Upload } from '../contract/destination.ts'
import { BackupError } from '../contract/errors.ts'

export type { OnRetry, RetryPolicy } from './backoff.ts'

export interface RetryOptions {
  readonly policy?: RetryPolicy
  readonly onRetry?: OnRetry
  /**
   * The soft stop. Once it is aborted no pause starts and none is waited out: the call rejects with this signal's reason,
   * E_ABORTED by default. A request in flight continues; what ends it is the signal given to the call.
   */
  readonly stop?: AbortSignal
}

/**
 * A destination that retries, under the same contract: here too, `append` may resolve with less than was sent. `read`
 * resumes after the bytes it has given already; `list` starts anew and gives each object once, by its id: of a listing it
 * keeps the ids.
 */
export function withRetry(inner: Destination, options: RetryOptions = {}): Destination {
  const { policy = DEFAULT_RETRY, onRetry = () => undefined, stop = null } = options
  const opening = (): Backoff => new Backoff(policy.openingBudgetMs, { policy, onRetry, stop })
  const sending = (): Backoff => new Backoff(policy.budgetMs, { policy, onRetry, stop })

  return {
    name: inner.name,
    type: inner.type,
    traits: inner.traits,
    signIn: (signal) => again(opening(), signal, () => inner.signIn(signal)),
    probe: (signal) => again(opening(), signal, () => inner.probe(signal)),
    place: (signal) => again(opening(), signal, () => inner.place(signal)),
    begin: async (object, signal) =>
      retryingUpload(inner.name, await again(opening(), signal, () => inner.begin(object, signal)), sending),
    async resume(token, acknowledged, signal) {
      const resume = (): Promise<Resumed> => inner.resume(token, acknowledged, signal)
      const { upload, held } = await again(opening(), signal, resume)
      return { upload: retryingUpload(inner.name, upload, sending), held }
    },
    cancel: (token, signal) => again(opening(), signal, () => inner.cancel(token, signal)),
    stat: (object, signal) => again(opening(), signal, () => inner.stat(object, signal)),
    async *list(signal) {
      const backoff = opening()
      const given = new Set<string>()
      for (;;) {
        try {
          for await (const object of inner.list(signal)) {
            if (given.has(object.id)) continue
            given.add(object.id)
            backoff.progressed()
            yield object
          }
          return
        } catch (error) {
          await backoff.pause(error, signal)
        }
      }
    },
    async *read(object, { from, to }, signal) {
      const backoff = sending()
      for (let at = from; ;) {
        try {
          for await (const chunk of inner.read(object, { from: at, to }, signal)) {
            at += chunk.length
            if (chunk.length > 0) backoff.progressed()
            yield chunk
          }
          return
        } catch (error) {
          await backoff.pause(error, signal)
        }
      }
    },
    remove: (object, signal) => again(opening(), signal, () => inner.remove(object, signal)),
    close: () => inner.close(),
  }
}

async function again<T>(backoff: Backoff, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      await backoff.pause(error, signal)
    }
  }
}

function retryingUpload(name: string, upload: Upload, newBackoff: () => Backoff): Upload {
  /** Pauses, then asks what is held until there is an answer. */
  const pauseAndAsk = async (backoff: Backoff, thrown: unknown, signal: AbortSignal): Promise<number> => {
    await backoff.pause(thrown, signal)
    return await again(backoff, signal, () => upload.held(signal))
  }

  const within = (held: number, from: number, to: number): number => {
    if (held >= from && held <= to) return held
    throw new BackupError(
      'E_OFFSET',
      `${name} holds ${held} bytes of the upload where ${from} to ${to} were expected.`,
      {
        remedy: 'resume',
      },
    )
  }

  /** One of several: what the far side holds in all says nothing about it, so it is sent as it was. */
  const appendAgain = async (
    backoff: Backoff,
    offset: number,
    chunks: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<number> => {
    for (;;) {
      try {
        return await upload.append(offset, chunks, signal)
      } catch (error) {
        if (error instanceof BackupError && error.code === 'E_OFFSET') throw error
        await backoff.pause(error, signal)
      }
    }
  }

  return {
    get token() {
      return upload.token
    },
    requests: upload.requests,
    held: (signal) => again(newBackoff(), signal, () => upload.held(signal)),
    async append(offset, chunks, signal) {
      const end = offset + lengthOf(chunks)
      const backoff = newBackoff()
      if (upload.requests.inFlight > 1) return await appendAgain(backoff, offset, chunks, signal)
      for (;;) {
        let held: number
        try {
          held = within(await upload.append(offset, chunks, signal), offset, end)
          if (held === offset) throw tookNothing(name)
        } catch (error) {
          held = within(await pauseAndAsk(backoff, error, signal), offset, end)
        }
        if (held > offset) return held
      }
    },
    async commit(commit, signal) {
      let now = commit
      const backoff = newBackoff()
      for (;;) {
        try {
          return await upload.commit(now, signal)
        } catch (error) {
          const held = within(await pauseAndAsk(backoff, error, signal), now.offset, commit.bytes)
          if (held > now.offset) backoff.progressed()
          now = { ...commit, offset: held, tail: dropBytes(now.tail, held - now.offset) }
        }
      }
    },
    abort: () => upload.abort(),
  }
}

const tookNothing = (name: string): BackupError =>
  new BackupError('E_DESTINATION', `${name} accepted none of the bytes that were sent.`, { remedy: 'resume' })
