import { fieldOf, retryAfterOf } from '../../http/answer.ts'
import type { Answer } from '../../http/answer.ts'

/**
 * What a refusal of Dropbox's says, in its structured fields. The body itself goes no further: a 400 about the
 * Authorization header repeats the token.
 */
export interface Refusal {
  readonly status: number
  /**
   * The tags of the error's unions from the outermost inwards: 'lookup_failed', 'incorrect_offset'. Empty when the body
   * is no error of the API (text, HTML, nothing).
   */
  readonly tags: readonly string[]
  /** What the session holds in fact, in bytes; null unless an offset was wrong. */
  readonly correctOffset: number | null
  readonly retryAfterMs: number | null
  /** The permission that the app lacks ('files.content.write'); null when it is not about that. */
  readonly missingScope: string | null
  /** A 400 that is about the access token itself. */
  readonly malformedToken: boolean
}

/** As deep as Dropbox nests its unions, and some. */
const DEEPEST = 6
/** What tags and scopes look like; they go into messages. */
const WORD = /^[\w.]{1,60}$/

export function refusalOf({ status, headers, body }: Answer): Refusal {
  const error = fieldOf(body, 'error')
  const reason = fieldOf(error, 'reason')
  const { tags, innermost } = unwrap(status === 429 ? reason : error)
  const correctOffset = fieldOf(innermost, 'correct_offset')
  const text = typeof body === 'string' ? body : ''
  return {
    status,
    tags,
    correctOffset: Number.isSafeInteger(correctOffset) ? (correctOffset as number) : null,
    retryAfterMs: longer(retryAfterOf(headers), fieldOf(error, 'retry_after')),
    missingScope: scopeOf(fieldOf(innermost, 'required_scope') ?? /required scope '([\w.]+)'/.exec(text)?.[1]),
    malformedToken: status === 400 && /authorization/i.test(text),
  }
}

/**
 * `{".tag":"path","path":{".tag":"conflict"}}` is path, conflict. OAuth's errors are bare strings (RFC 6749 section
 * 5.2).
 */
function unwrap(error: unknown): { tags: string[]; innermost: unknown } {
  const tags: string[] = []
  let innermost = error
  for (let next = error; tags.length < DEEPEST;) {
    const tag = typeof next === 'string' ? next : fieldOf(next, '.tag')
    if (typeof tag !== 'string' || !WORD.test(tag)) break
    tags.push(tag)
    innermost = next
    next = fieldOf(next, tag)
  }
  return { tags, innermost }
}

function longer(headerMs: number | null, bodySeconds: unknown): number | null {
  if (typeof bodySeconds !== 'number' || !(bodySeconds >= 0)) return headerMs
  return Math.max(headerMs ?? 0, bodySeconds * 1000)
}

function scopeOf(value: unknown): string | null {
  return typeof value === 'string' && WORD.test(value) ? value : null
}

/** The upload session does not exist, has ended, or was committed before. */
export function isSessionOver({ status, tags }: Refusal): boolean {
  const tag = tags[0] === 'lookup_failed' ? tags[1] : tags[0]
  return status === 409 && (tag === 'not_found' || tag === 'closed')
}

/** The upload session takes no appends any more; it was closed, or finished. */
export function isClosed({ status, tags }: Refusal): boolean {
  return status === 409 && (tags[0] === 'lookup_failed' ? tags[1] : tags[0]) === 'closed'
}

/** An append to a concurrent session that starts or ends where none may: so the session is there, and open. */
export function isOpen({ status, tags }: Refusal): boolean {
  const [tag = ''] = tags
  const about = ['concurrent_session_invalid_offset', 'concurrent_session_invalid_data_size']
  return status === 409 && about.includes(tag)
}

/** Something else stands under the object's name. */
export function isConflict({ status, tags }: Refusal): boolean {
  return status === 409 && tags[0] === 'path' && tags[1] === 'conflict'
}

/** There is nothing under the path of a get_metadata, list_folder or delete_v2. */
export function isMissing({ status, tags }: Refusal): boolean {
  return status === 409 && (tags[0] === 'path' || tags[0] === 'path_lookup') && tags[1] === 'not_found'
}

/** The cursor of a listing is worth nothing any more: it has to start anew. */
export function isReset({ status, tags }: Refusal): boolean {
  return status === 409 && tags[0] === 'reset'
}

/** An access token that another one can take the place of. */
export function isStaleToken({ status, tags }: Refusal): boolean {
  return status === 401 && (tags[0] === 'expired_access_token' || tags[0] === 'invalid_access_token')
}

/** Dropbox, or what stands before it, could not say whether the call was carried out. */
export function isUncertain({ status }: Refusal): boolean {
  return status < 400 || status === 408 || status >= 500
}
