/**
 * Trying again, for every destination alike. A destination says what an error means (its remedy); this wrapper waits,
 * asks the far side what it holds and goes on from the answer. The time allowed without progress starts with a call's
 * first failure, and anew whenever the offset has moved. What goes before does not count: on a slow line a request
 * takes long, and between two requests a destination waits for the source and for its siblings.
 */
import { dropBytes, lengthOf } from './chunks.ts'
import type { Destination, Resumed, Upload } from './destination.ts'
import { BackupError } from './errors.ts'
import { DEFAULT_RETRY, Patience } from './patience.ts'
import type { OnRetry, RetryPolicy } from './patience.ts'

export type { OnRetry, RetryPolicy } from './patience.ts'

export interface RetryOptions {
  readonly policy?: RetryPolicy
  readonly onRetry?: OnRetry
  /**
   * The soft stop. Once it is aborted no pause begins and none is waited out: the call rejects with this signal's
   * reason, E_ABORTED by default. A request under way goes on; what ends it is the signal given to the call.
   */
  readonly stop?: AbortSignal
}

/**
 * A destination that tries again, under the same contract: here too, `append` may resolve with less than was sent.
 * `read` goes on behind the bytes it has given already; `list` starts anew and gives each object once, by its id: of a
 * listing it keeps the ids.
 */
export function withRetry(inner: Destination, options: RetryOptions = {}): Destination {
  const { policy = DEFAULT_RETRY, onRetry = () => undefined, stop = null } = options
  const opening = (): Patience => new Patience(policy.openingPatienceMs, { policy, onRetry, stop })
  const sending = (): Patience => new Patience(policy.patienceMs, { policy, onRetry, stop })

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
      const patience = opening()
      const given = new Set<string>()
      for (;;) {
        try {
          for await (const object of inner.list(signal)) {
            if (given.has(object.id)) continue
            given.add(object.id)
            patience.progressed()
            yield object
          }
          return
        } catch (error) {
          await patience.pause(error, signal)
        }
      }
    },
    async *read(object, { from, to }, signal) {
      const patience = sending()
      for (let at = from; ;) {
        try {
          for await (const chunk of inner.read(object, { from: at, to }, signal)) {
            at += chunk.length
            if (chunk.length > 0) patience.progressed()
            yield chunk
          }
          return
        } catch (error) {
          await patience.pause(error, signal)
        }
      }
    },
    remove: (object, signal) => again(opening(), signal, () => inner.remove(object, signal)),
    close: () => inner.close(),
  }
}

async function again<T>(patience: Patience, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      await patience.pause(error, signal)
    }
  }
}

function retryingUpload(name: string, upload: Upload, newPatience: () => Patience): Upload {
  /** Pauses, then asks what is held until there is an answer. */
  const pauseAndAsk = async (patience: Patience, thrown: unknown, signal: AbortSignal): Promise<number> => {
    await patience.pause(thrown, signal)
    return await again(patience, signal, () => upload.held(signal))
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
    patience: Patience,
    offset: number,
    chunks: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<number> => {
    for (;;) {
      try {
        return await upload.append(offset, chunks, signal)
      } catch (error) {
        if (error instanceof BackupError && error.code === 'E_OFFSET') throw error
        await patience.pause(error, signal)
      }
    }
  }

  return {
    get token() {
      return upload.token
    },
    requests: upload.requests,
    held: (signal) => again(newPatience(), signal, () => upload.held(signal)),
    async append(offset, chunks, signal) {
      const end = offset + lengthOf(chunks)
      const patience = newPatience()
      if (upload.requests.inFlight > 1) return await appendAgain(patience, offset, chunks, signal)
      for (;;) {
        let held: number
        try {
          held = within(await upload.append(offset, chunks, signal), offset, end)
          if (held === offset) throw tookNothing(name)
        } catch (error) {
          held = within(await pauseAndAsk(patience, error, signal), offset, end)
        }
        if (held > offset) return held
      }
    },
    async commit(commit, signal) {
      let now = commit
      const patience = newPatience()
      for (;;) {
        try {
          return await upload.commit(now, signal)
        } catch (error) {
          const held = within(await pauseAndAsk(patience, error, signal), now.offset, commit.bytes)
          if (held > now.offset) patience.progressed()
          now = { ...commit, offset: held, tail: dropBytes(now.tail, held - now.offset) }
        }
      }
    },
    abort: () => upload.abort(),
  }
}

const tookNothing = (name: string): BackupError =>
  new BackupError('E_DESTINATION', `${name} accepted none of the bytes that were sent.`, { remedy: 'resume' })
