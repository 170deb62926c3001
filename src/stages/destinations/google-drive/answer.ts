/** What the fields of Google's answers say. Nothing in an answer is trusted before it is checked. */

import { fieldOf } from '../../http/answer.ts'

/**
 * Google's short word for what went wrong ('storageQuotaExceeded', 'invalid_grant'), or '' when there is none. API
 * errors have it in `error.errors[0].reason`, those of sign-in in `error` itself (RFC 6749 section 5.2).
 */
export function reasonOf(body: unknown): string {
  const error = fieldOf(body, 'error')
  const errors = fieldOf(error, 'errors')
  const words = [error, fieldOf(Array.isArray(errors) ? errors[0] : null, 'reason'), fieldOf(error, 'status')]
  const word = words.find((value) => typeof value === 'string')
  // Only what looks like one of Google's words: it goes into messages.
  return typeof word === 'string' && /^\w{1,60}$/.test(word) ? word : ''
}

/**
 * Bytes held according to the answer to an unfinished upload: `Range: bytes=0-N`, or no such header for none. Null:
 * unreadable.
 */
export function heldOf(headers: Headers): number | null {
  const range = headers.get('range')
  if (range === null) return 0
  const last = /^bytes=0-(\d{1,15})$/.exec(range)?.[1]
  return last === undefined ? null : Number(last) + 1
}
