/** Google Drive's error answers, for its handlers and for fault scripts. */

import { json, Refusal, text } from '../answer.ts'
import type { Answer } from '../answer.ts'

export interface ErrorDetail {
  readonly domain?: string
  readonly location?: string
  readonly locationType?: string
}

export function apiError(code: number, reason: string, message: string, detail: ErrorDetail = {}): Answer {
  const { domain = 'global', ...where } = detail
  const body = { error: { errors: [{ domain, reason, message, ...where }], code, message } }
  return json(code, body, { 'content-type': 'application/json; charset=UTF-8' })
}

export function unauthorized(): Answer {
  return apiError(401, 'authError', 'Invalid Credentials', { location: 'Authorization', locationType: 'header' })
}

/** A call that the scopes of the access token do not allow. */
export function insufficientScopes(): Answer {
  return apiError(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.')
}

/** A change to a file or folder that is shared with the account to read only. */
export function insufficientFilePermissions(fileId: string): Answer {
  return apiError(
    403,
    'insufficientFilePermissions',
    `The user does not have sufficient permissions for file ${fileId}.`,
  )
}

/** A download of a file that Google's scanner has flagged, by another than its owner or without acknowledgeAbuse. */
export function flaggedFile(): Answer {
  return apiError(
    403,
    'cannotDownloadAbusiveFile',
    'This file has been identified as malware or spam and cannot be downloaded.',
  )
}

export function notFound(fileId: string): Answer {
  return apiError(404, 'notFound', `File not found: ${fileId}.`, { location: 'fileId', locationType: 'parameter' })
}

export function storageQuotaExceeded(message = "The user's Drive storage quota has been exceeded."): Answer {
  return apiError(403, 'storageQuotaExceeded', message)
}

/** What an upload by a service account meets, which has no storage of its own. */
export function noServiceAccountQuota(): Answer {
  return storageQuotaExceeded(
    'Service Accounts do not have storage quota. Leverage shared drives (https://developers.google.com/workspace/drive/api/guides/about-shareddrives), or use OAuth delegation (http://support.google.com/a/answer/7281227) instead.',
  )
}

/**
 * A rate limit. `daily` is the upload cap of a day, which only its message tells from the rest.
 * `retryAfterSeconds` null: no Retry-After header.
 */
export function rateLimited(
  form: '403 user' | '403' | '429' | 'daily',
  retryAfterSeconds: number | null = null,
): Answer {
  const user = form === '403 user' || form === 'daily'
  const reason = user ? 'userRateLimitExceeded' : 'rateLimitExceeded'
  const message =
    form === 'daily' ? 'User rate limit exceeded.' : user ? 'User Rate Limit Exceeded' : 'Rate Limit Exceeded'
  const answer = apiError(form === '429' ? 429 : 403, reason, message, { domain: 'usageLimits' })
  if (retryAfterSeconds === null) return answer
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterSeconds) } }
}

/** A chunk that starts past what is held. Looks like an outage, but repeating it never helps. */
export function offsetTooFar(offset: number, held: number): Answer {
  return text(
    503,
    `Invalid request.  According to the Content-Range header, the upload offset is ${offset} byte(s), which exceeds already uploaded size of ${held} byte(s).`,
    { server: 'UploadServer' },
  )
}

export function invalid(message: string, location: string | null = null): Refusal {
  return new Refusal(
    apiError(400, 'invalid', message, location === null ? {} : { location, locationType: 'parameter' }),
  )
}
