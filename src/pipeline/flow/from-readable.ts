import { finished, type Readable } from 'node:stream'

/**
 * The one door by which a Node stream enters: its chunks one by one, as they are. (Iterating the stream itself joins
 * what is buffered into a new buffer.) The stream is held back while a chunk is being worked on, and destroyed when the
 * reader stops early. Rejects with the stream's own error, also when it is closed before its end.
 */
export async function* fromReadable(readable: Readable): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = []
  const end: { reached: boolean; error: Error | null } = { reached: false, error: null }
  let changed = Promise.withResolvers<undefined>()
  readable.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    readable.pause()
    changed.resolve(undefined)
  })
  // Its listeners stay after the end: an error that comes late must not go unheard, for that would end the process.
  finished(readable, { writable: false }, (error) => {
    end.reached = true
    end.error = error ?? null
    changed.resolve(undefined)
  })
  try {
    for (;;) {
      const chunk = chunks.shift()
      if (chunk !== undefined) {
        yield chunk
      } else if (end.error !== null) {
        throw end.error
      } else if (end.reached) {
        return
      } else {
        changed = Promise.withResolvers()
        readable.resume()
        await changed.promise
      }
    }
  } finally {
    readable.destroy()
  }
}
