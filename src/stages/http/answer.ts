/** A service's answer, read to its end, and what its fields say. Nothing in it is trusted before it is checked. */

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The JSON value, or the text when it is not JSON. */
  readonly body: unknown
}

export async function readAnswer(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, body: parseBody(await response.text()) }
}

/** JSON, or the text itself: empty, or a proxy's HTML. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** `value[name]` of something that may not be an object. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** The pause, in ms, that the answer asks for in Retry-After (RFC 9110 section 10.2.3), or null. */
export function retryAfterOf(headers: Headers, now = Date.now()): number | null {
  const value = headers.get('retry-after')?.trim() ?? ''
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
