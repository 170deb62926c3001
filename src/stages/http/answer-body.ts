import type { IncomingMessage } from 'node:http'

/**
 * Bytes that are read ahead of whoever consumes the answer. A usual answer fits, so its connection is free again even
 * when nobody looks at the body.
 */
const READ_AHEAD_BYTES = 64 * 1024

export interface AnswerWatch {
  /** More is asked of the far side. */
  readonly waiting: () => void
  /** So many bytes came; nothing is asked until the next `waiting`. Throws when they are too many. */
  readonly arrived: (bytes: number) => void
  /** The answer is whole, or nobody wants the rest. */
  readonly ended: () => void
  /** Reading failed; gives the error that the reader of the body gets. */
  readonly failed: (error: unknown) => Error
}

/** The body of an answer as a stream for a Response. Reading past the read-ahead follows the consumer's pace. */
export function answerBody(message: IncomingMessage, watch: AnswerWatch): ReadableStream<Uint8Array> {
  const iterator = message[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        watch.waiting()
        try {
          const next = await iterator.next()
          watch.arrived(next.done === true ? 0 : next.value.byteLength)
          if (next.done !== true) {
            controller.enqueue(next.value)
            return
          }
          controller.close()
          watch.ended()
        } catch (error) {
          controller.error(watch.failed(error))
        }
      },
      cancel() {
        message.destroy()
        watch.ended()
      },
    },
    { highWaterMark: READ_AHEAD_BYTES, size: (chunk) => chunk.byteLength },
  )
}
