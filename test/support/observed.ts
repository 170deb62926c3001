import { lengthOf } from '../../src/pipeline/flow/chunks.ts'
import type { Destination, Upload } from '../../src/pipeline/contract/destination.ts'

/** One call to a far side, before it is carried out or when it was answered. */
export interface Call {
  readonly destination: string
  readonly name:
    'signIn' | 'begin' | 'resume' | 'cancel' | 'stat' | 'remove' | 'read' | 'held' | 'append' | 'commit' | 'abort'
  readonly answered: boolean
  /** Of `append` and `commit`: the first byte they carry, and how many; else 0. */
  readonly offset: number
  readonly bytes: number
  readonly chunks: readonly Uint8Array[]
}

/**
 * A destination that tells of each call before it is carried out and once more when it was answered. What `pass` throws,
 * the call rejects with.
 */
export function observed(inner: Destination, pass: (call: Call) => void | Promise<void>): Destination {
  const around = async <T>(
    name: Call['name'],
    run: () => Promise<T>,
    carried: { readonly offset: number; readonly chunks: readonly Uint8Array[] } = { offset: 0, chunks: [] },
  ): Promise<T> => {
    const call = { destination: inner.name, name, ...carried, bytes: lengthOf(carried.chunks) }
    await pass({ ...call, answered: false })
    const answer = await run()
    await pass({ ...call, answered: true })
    return answer
  }
  const watched = (upload: Upload): Upload => ({
    get token() {
      return upload.token
    },
    requests: upload.requests,
    held: (signal) => around('held', () => upload.held(signal)),
    append: (offset, chunks, signal) =>
      around('append', () => upload.append(offset, chunks, signal), { offset, chunks }),
    commit: (commit, signal) =>
      around('commit', () => upload.commit(commit, signal), { offset: commit.offset, chunks: commit.tail }),
    abort: () => around('abort', () => upload.abort()),
  })
  return {
    ...inner,
    signIn: (signal) => around('signIn', () => inner.signIn(signal)),
    begin: async (object, signal) => watched(await around('begin', () => inner.begin(object, signal))),
    async resume(token, acknowledged, signal) {
      const { upload, held } = await around('resume', () => inner.resume(token, acknowledged, signal))
      return { upload: watched(upload), held }
    },
    cancel: (token, signal) => around('cancel', () => inner.cancel(token, signal)),
    stat: (object, signal) => around('stat', () => inner.stat(object, signal)),
    remove: (object, signal) => around('remove', () => inner.remove(object, signal)),
    async *read(object, range, signal) {
      await pass({ destination: inner.name, name: 'read', answered: false, offset: range.from, bytes: 0, chunks: [] })
      yield* inner.read(object, range, signal)
    },
  }
}
