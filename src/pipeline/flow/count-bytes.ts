import { lengthOf } from './chunks.ts'
import type { Destination, Upload } from '../contract/destination.ts'

/**
 * A destination that tells how many bytes each request carries, under the same contract. It goes inside `withRetry`, so
 * that what is sent again is counted again.
 */
export function countBytes(inner: Destination, onSend: (bytes: number) => void): Destination {
  const countedUpload = (upload: Upload): Upload => ({
    get token() {
      return upload.token
    },
    requests: upload.requests,
    held: (signal) => upload.held(signal),
    append(offset, chunks, signal) {
      onSend(lengthOf(chunks))
      return upload.append(offset, chunks, signal)
    },
    commit(commit, signal) {
      onSend(lengthOf(commit.tail))
      return upload.commit(commit, signal)
    },
    abort: () => upload.abort(),
  })
  return {
    ...inner,
    begin: async (object, signal) => countedUpload(await inner.begin(object, signal)),
    async resume(token, acknowledged, signal) {
      const { upload, held } = await inner.resume(token, acknowledged, signal)
      return { upload: countedUpload(upload), held }
    },
  }
}
