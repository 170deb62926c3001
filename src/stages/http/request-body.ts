import type { RequestBody } from './types.ts'

/** A body ready to send: its chunks, their total length, and the content type that fetch would give it. */
export interface PreparedBody {
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
  /** Null when the caller has to name it. */
  readonly contentType: string | null
}

export function prepareBody(body: RequestBody | undefined): PreparedBody {
  if (body === null || body === undefined) return { chunks: [], bytes: 0, contentType: null }
  if (typeof body === 'string') return text(body, 'text/plain;charset=UTF-8')
  if (body instanceof URLSearchParams) {
    return text(body.toString(), 'application/x-www-form-urlencoded;charset=UTF-8')
  }
  const chunks = body instanceof Uint8Array ? [body] : body
  // Callers without types reach this through an SDK, with streams and blobs that could not be sent again.
  if (!Array.isArray(chunks) || !chunks.every((chunk) => chunk instanceof Uint8Array)) {
    throw new TypeError('A request body is text, bytes, an array of bytes, URLSearchParams or null.')
  }
  return { chunks, bytes: chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0), contentType: null }
}

function text(value: string, contentType: string): PreparedBody {
  const bytes = Buffer.from(value)
  return { chunks: [bytes], bytes: bytes.byteLength, contentType }
}

/**
 * The chunks in views of at most `size` bytes, without copying. Small writes let the watchdog see that a slow line
 * moves: a write tells only that all of it has left.
 */
export function* slices(chunks: readonly Uint8Array[], size: number): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += size) yield chunk.subarray(at, at + size)
  }
}
