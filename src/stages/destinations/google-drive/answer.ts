/** An answer of Google's, read to its end, and what its fields say. Nothing in it is believed before it is looked at. */

/** One answer of the service. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The JSON value, or the text when it is not JSON. */
  readonly body: unknown
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  let body: unknown = text
  try {
    body = JSON.parse(text)
  } catch {
    // An empty 308, a proxy's HTML: the text stands for itself.
  }
  return { status: response.status, headers: response.headers, body }
}

/** `value[name]` of something that may not be an object. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/**
 * Google's short word for what went wrong ('storageQuotaExceeded', 'invalid_grant'), or '' when there is none. API errors
 * have it in `error.errors[0].reason`, those of sign-in in `error` itself (RFC 6749 section 5.2).
 */
export function reasonOf(body: unknown): string {
  const error = fieldOf(body, 'error')
  const errors = fieldOf(error, 'errors')
  const words = [error, fieldOf(Array.isArray(errors) ? errors[0] : null, 'reason'), fieldOf(error, 'status')]
  const word = words.find((value) => typeof value === 'string')
  // Only what looks like one of Google's words: it goes into messages.
  return typeof word === 'string' && /^\w{1,60}$/.test(word) ? word : ''
}

/** Bytes held according to the answer to an unfinished upload: `Range: bytes=0-N`, or no such header for none. Null: unreadable. */
export function heldOf(headers: Headers): number | null {
  const range = headers.get('range')
  if (range === null) return 0
  const last = /^bytes=0-(\d{1,15})$/.exec(range)?.[1]
  return last === undefined ? null : Number(last) + 1
}

/** The pause, in ms, that the answer asks for in Retry-After (RFC 9110 section 10.2.3), or null. */
export function retryAfterOf(headers: Headers, now = Date.now()): number | null {
  const value = headers.get('retry-after')?.trim() ?? ''
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
