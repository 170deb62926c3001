import { abortError, BackupError } from '../../../pipeline/contract/errors.ts'
import type { BackupErrorOptions, ErrorCode } from '../../../pipeline/contract/errors.ts'
import { connectCommand } from '../sign-in-kind.ts'
import { networkFailure } from '../../http/network-failure.ts'
import { reasonOf } from './answer.ts'
import { retryAfterOf } from '../../http/answer.ts'
import type { Answer } from '../../http/answer.ts'

/**
 * `token`: a call for an access token; `metadata`: one that may simply be made again; `upload`: one on an upload
 * session.
 */
export type CallKind = 'token' | 'metadata' | 'upload'

/** Whose call failed. */
export interface Caller {
  /** The destination's name. */
  readonly name: string
  /** As the configuration names it. */
  readonly folder: string
  readonly isServiceAccount: boolean
}

const RATE_REASONS = ['rateLimitExceeded', 'userRateLimitExceeded', 'dailyLimitExceeded']
const FULL_REASONS = ['storageQuotaExceeded', 'quotaExceeded']
/** Limits on the number of items: of a shared drive, of a folder, of an account. */
const ITEM_REASONS: Readonly<Record<string, string>> = {
  teamDriveFileLimitExceeded: 'the shared drive holds',
  numChildrenInNonRootLimitExceeded: 'the folder holds',
  activeItemCreationLimitExceeded: 'the account holds',
}
/** Google's scanner takes the file for malware or spam. */
export const FLAGGED = 'cannotDownloadAbusiveFile'
/** The words of the 503 to a request that starts beyond what is held; it has no structured form. */
const BEYOND_HELD = /exceeds already uploaded size/

/**
 * What an answer other than the expected one means: the one place where Google's errors are judged. Goes by status and
 * reason, https://developers.google.com/workspace/drive/api/guides/handle-errors. Google's own texts are left out: what
 * stands in them is not ours to vouch for.
 */
export function driveError(answer: Answer, kind: CallKind, caller: Caller): BackupError {
  const { status } = answer
  const reason = reasonOf(answer.body)
  const said = `(${status}${reason === '' ? '' : ` ${reason}`})`
  const fault = (code: ErrorCode, text: string, options: BackupErrorOptions = {}): BackupError =>
    new BackupError(code, `${caller.name}: ${text} ${said}.`, options)

  if (status === 429 || (status === 403 && RATE_REASONS.includes(reason))) {
    return fault('E_DESTINATION', 'Google Drive asks for a pause', {
      remedy: 'retry',
      retryAfterMs: retryAfterOf(answer.headers),
      advice: 'If this lasts for hours: Google takes 750 GB a day from one account.',
    })
  }
  if (status >= 500 || status === 408) {
    if (kind === 'upload' && typeof answer.body === 'string' && BEYOND_HELD.test(answer.body)) {
      return fault('E_OFFSET', 'Google Drive holds fewer bytes than were sent', { remedy: 'resume' })
    }
    return fault('E_DESTINATION', 'Google Drive has a temporary fault', {
      remedy: kind === 'upload' ? 'resume' : 'retry',
      retryAfterMs: retryAfterOf(answer.headers),
    })
  }
  if (kind === 'token' && status >= 400) return signInError(reason, caller, fault)
  if (status === 401) {
    return fault('E_AUTH', 'Google Drive refuses the sign-in', { advice: connectAgain(caller) })
  }
  if (status === 403 && FULL_REASONS.includes(reason)) {
    return fault('E_QUOTA', 'Google Drive has no room left', { advice: makeRoom(caller) })
  }
  const holder = Object.hasOwn(ITEM_REASONS, reason) ? ITEM_REASONS[reason] : undefined
  if (status === 403 && holder !== undefined) {
    return fault('E_QUOTA', `${holder} as many items as Google Drive allows`, {
      advice: `Delete items there, trash included, or choose another folder than ${caller.folder}.`,
    })
  }
  if (status === 403 && reason === FLAGGED) {
    return fault('E_DESTINATION', "Google's scanner has flagged this file, and only its owner may download it", {
      advice: 'Sign in as the owner of the file, or download it in the browser as the owner.',
    })
  }
  if (kind === 'upload' && status >= 400) {
    return fault('E_SESSION', 'Google Drive has ended the upload session', { remedy: 'restart' })
  }
  if (status === 404) {
    return fault('E_DESTINATION', 'the archive is no longer in Google Drive', { advice: 'Check its trash.' })
  }
  if (status === 403 && reason === 'downloadQuotaExceeded') {
    return fault('E_DESTINATION', 'Google Drive does not allow more downloads of this file for now', {
      advice: 'Google limits how often a file is downloaded in a day: try again tomorrow.',
    })
  }
  if (status === 403 && reason === 'insufficientPermissions') {
    return fault('E_AUTH', 'the sign-in is missing the permission to change files in Google Drive', {
      advice: caller.isServiceAccount
        ? `Give the service account the right to edit ${caller.folder}.`
        : `Allow the access to files of Google Drive when you connect it again: ${connectCommand(caller.name)}`,
    })
  }
  if (status === 403 && reason === 'insufficientFilePermissions') {
    return fault('E_AUTH', `this sign-in may only read the Google Drive folder ${caller.folder}`, {
      advice: `Share ${caller.folder} with this account as an editor, or choose another folder.`,
    })
  }
  if (status === 403) {
    return fault('E_AUTH', 'Google Drive refuses permission', {
      advice: `Check that this sign-in may write to ${caller.folder}, and that the Drive API is enabled in its Google Cloud project.`,
    })
  }
  if (status >= 400) return fault('E_DESTINATION', 'Google Drive refuses the request')
  return unreadable(kind, caller, said)
}

function signInError(
  reason: string,
  caller: Caller,
  fault: (code: ErrorCode, text: string, options: BackupErrorOptions) => BackupError,
): BackupError {
  if (reason === 'invalid_grant') {
    return fault('E_AUTH', 'Google no longer accepts the sign-in', { advice: connectAgain(caller) })
  }
  return fault('E_AUTH', 'Google issues no access token', {
    advice: caller.isServiceAccount
      ? 'Check that the service account and its key still exist.'
      : 'Check oauth.clientId and oauth.clientSecret; both must be those with which the refresh token was made.',
  })
}

function connectAgain({ name, isServiceAccount }: Caller): string {
  if (isServiceAccount)
    return "Check that the service account's key still exists and that this machine's clock is right."
  return (
    'A sign-in that ends every 7 days means that the consent screen is still in "Testing": publish the app in the ' +
    `Google Cloud console. Connect it again: ${connectCommand(name)}`
  )
}

function makeRoom({ isServiceAccount }: Caller): string {
  if (!isServiceAccount) return 'Free space in the account; empty its trash too.'
  return (
    'A service account has no storage of its own: sign in as a user (oauth), or name a folder in a shared drive ' +
    '(folder: id:FOLDER_ID).'
  )
}

/** An answer that makes no sense: a proxy's page, half a JSON text. */
export function unreadable(kind: CallKind, { name }: Caller, said = ''): BackupError {
  const text = `${name}: the response is not from Google Drive, or cannot be read${said === '' ? '' : ` ${said}`}.`
  return new BackupError('E_DESTINATION', text, {
    remedy: kind === 'upload' ? 'resume' : 'retry',
    advice: 'Check that no proxy or firewall answers instead of the service.',
  })
}

/**
 * Whatever a call threw as a BackupError. Google's client wraps what its fetch threw, in an error that holds the
 * request with its Authorization header: only its `cause` goes on, never the wrapping.
 */
export function thrownError(error: unknown, kind: CallKind, { name }: Caller, signal: AbortSignal): BackupError {
  if (error instanceof BackupError) return error
  if (error instanceof Error && error.cause instanceof BackupError) return error.cause
  if (signal.aborted) return abortError(signal)
  const failure = networkFailure(name, error, { remedy: kind === 'upload' ? 'resume' : 'retry', signal })
  if (failure !== null) return failure
  const what = error instanceof Error ? error.name : typeof error
  return new BackupError('E_INTERNAL', `${name}: an unexpected fault in a call to Google Drive (${what}).`, {
    advice: 'Please report it with the log file.',
  })
}
