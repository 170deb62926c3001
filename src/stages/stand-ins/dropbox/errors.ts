/** Dropbox's error answers, for its handlers and for fault scripts. */

import { json, Refusal, text } from '../answer.ts'
import type { Answer } from '../answer.ts'

/** `error_summary` ends with up to three dots, so that nobody compares it whole. */
function summary(tags: readonly string[]): string {
  return `${tags.join('/')}/${'.'.repeat(Math.floor(Math.random() * 4))}`
}

/** `union(['path', 'conflict', 'file'])` is `{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"file"}}}`. */
function union([tag = '', ...rest]: readonly string[], fields: object): object {
  return rest.length === 0 ? { '.tag': tag, ...fields } : { '.tag': tag, [tag]: union(rest, fields) }
}

/** A 409: the tags from the outermost union inwards, then the innermost one's fields. */
export function endpointError(tags: readonly string[], fields: object = {}): Answer {
  return json(409, { error_summary: summary(tags), error: union(tags, fields) })
}

export function unauthorized(tag: 'invalid_access_token' | 'expired_access_token'): Answer {
  return json(401, { error_summary: summary([tag]), error: { '.tag': tag } })
}

/** A call for which the app, or the access token that it was given, has no permission. */
export function missingScope(route: string, scope: string, lacks: 'app' | 'token'): Answer {
  if (lacks === 'token') {
    return json(401, {
      error_summary: summary(['missing_scope']),
      error: { '.tag': 'missing_scope', required_scope: scope },
    })
  }
  const what = `Your app (ID: 3141592) is not permitted to access this endpoint because it does not have the required scope '${scope}'. The owner of the app can enable the scope for the app using the Permissions tab on the App Console.`
  return badCall(route, what)
}

/** A 429. As `text/plain` it means too_many_requests, and only the header says how long to wait. */
export function rateLimited(
  form: 'json' | 'text',
  retryAfterSeconds: number,
  reason: 'too_many_requests' | 'too_many_write_operations' = 'too_many_requests',
): Answer {
  const headers = { 'retry-after': String(retryAfterSeconds) }
  if (form === 'text') return text(429, 'Too many requests.', headers)
  const error = { reason: { '.tag': reason }, retry_after: retryAfterSeconds }
  return json(429, { error_summary: summary([reason]), error }, headers)
}

/** Lock contention at a finish, as a 409: at the top of the error or below `path`. */
export function writeContention(where: 'top' | 'path'): Answer {
  return endpointError(where === 'top' ? ['too_many_write_operations'] : ['path', 'too_many_write_operations'])
}

/** A 400 about how the call was made. */
export function badCall(route: string, what: string): Answer {
  return text(400, `Error in call to API function "${route}": ${what}`)
}

export function refuse(...tags: readonly string[]): Refusal {
  return new Refusal(endpointError(tags))
}
