import { BackupError } from '../../../pipeline/contract/errors.ts'
import type { BackupErrorOptions, ErrorCode } from '../../../pipeline/contract/errors.ts'
import { connectCommand } from '../sign-in-kind.ts'
import { isSessionOver, isUncertain } from './refusal.ts'
import type { Refusal } from './refusal.ts'
import { insteadOfAccessToken } from './sign-in.ts'

export interface Caller {
  /** The destination's name in the configuration. */
  readonly name: string
  readonly folder: string
  /** Whether a refresh token stands behind the access token. */
  readonly renewable: boolean
}

/**
 * What to do when it is not known whether a call was carried out: `resume` for an append, which must not be sent
 * blindly.
 */
export type AfterDoubt = 'retry' | 'resume'

type Verdict = readonly [code: ErrorCode, what: string, options: Omit<BackupErrorOptions, 'cause'>]

const BY_ITSELF = 'The backup continues by itself.'

/**
 * What a refusal of Dropbox's means for the engine and for the person: the one place where this destination's refusals
 * are judged, from their structured fields.
 * https://www.dropbox.com/developers/documentation/http/documentation#error-handling
 */
export function dropboxError(refusal: Refusal, caller: Caller, afterDoubt: AfterDoubt = 'retry'): BackupError {
  const [code, what, options] = verdict(refusal, caller, afterDoubt)
  const said = [String(refusal.status), refusal.tags.join('/')].filter((part) => part !== '').join(' ')
  return new BackupError(code, `${caller.name}: ${what} (${said}).`, options)
}

/** An answer with a good status that makes no sense: a proxy's page, half a JSON text. */
export function unreadable({ name }: Caller, afterDoubt: AfterDoubt): BackupError {
  return new BackupError('E_DESTINATION', `${name}: the response is not from Dropbox, or cannot be read.`, {
    remedy: afterDoubt,
    advice: 'Check that no proxy or firewall answers instead of the service.',
  })
}

function verdict(refusal: Refusal, caller: Caller, afterDoubt: AfterDoubt): Verdict {
  const { status, tags, retryAfterMs } = refusal
  const signInFault = signInVerdict(refusal, caller)
  if (signInFault !== null) return signInFault
  if (status === 409) return endpointVerdict(refusal, caller, afterDoubt)
  if (status === 429) {
    return ['E_DESTINATION', 'Dropbox asks to wait', { remedy: 'retry', retryAfterMs, advice: BY_ITSELF }]
  }
  if (isUncertain(refusal)) {
    const what = status < 400 ? 'what answers is not Dropbox' : 'Dropbox has a fault'
    return ['E_DESTINATION', what, { remedy: afterDoubt, retryAfterMs, advice: BY_ITSELF }]
  }
  if (status === 403) {
    const advice = "Check the account's kind and the rights that its team gives it."
    return ['E_AUTH', `Dropbox does not allow this account to do that`, { advice }]
  }
  const about = tags.length === 0 ? '' : `: ${tags.join('/')}`
  return ['E_DESTINATION', `Dropbox refuses the call${about}`, { advice: 'Please report it with the log file.' }]
}

/** Of the token endpoint, RFC 6749 section 5.2 and Dropbox's own. */
const APP_FAULTS = new Set(['invalid_client', 'invalid_client_id', 'unauthorized_client'])

function signInVerdict({ status, tags, ...refusal }: Refusal, { name, renewable }: Caller): Verdict | null {
  const connect = `Connect it again: ${connectCommand(name)}`
  if (refusal.missingScope !== null) {
    const advice = `Tick ${refusal.missingScope} under "Permissions" of the app in the Dropbox App Console. ${connect}`
    return ['E_AUTH', `the Dropbox app is missing the permission ${refusal.missingScope}`, { advice }]
  }
  if (tags[0] === 'invalid_grant') return ['E_AUTH', 'Dropbox no longer accepts the sign-in', { advice: connect }]
  if (tags[0] !== undefined && APP_FAULTS.has(tags[0])) {
    const advice = 'Check appKey and appSecret; both must be those of the app with which the refresh token was made.'
    return ['E_AUTH', 'Dropbox does not know the app', { advice }]
  }
  if (status !== 401 && !refusal.malformedToken) return null
  if (tags[0] === 'user_suspended') {
    return ['E_AUTH', 'the Dropbox account is suspended', { advice: "Ask the administrator of the account's team." }]
  }
  if (renewable) return ['E_AUTH', 'Dropbox refuses the sign-in', { advice: connect }]
  const what = tags[0] === 'expired_access_token' ? 'the access token has expired' : 'Dropbox refuses the access token'
  return ['E_AUTH', what, { advice: insteadOfAccessToken(name) }]
}

/** Unions that only say where the error below them arose. */
const AROUND = new Set(['lookup_failed', 'path', 'path_lookup', 'path_write'])

/** A 409. Tags as in https://github.com/dropbox/dropbox-api-spec, files.stone. */
function endpointVerdict(refusal: Refusal, { folder }: Caller, afterDoubt: AfterDoubt): Verdict {
  const { tags, retryAfterMs } = refusal
  if (isSessionOver(refusal)) return ['E_SESSION', 'the upload session has ended', { remedy: 'restart' }]
  switch (AROUND.has(tags[0] ?? '') ? tags[1] : tags[0]) {
    case 'incorrect_offset': {
      const held = refusal.correctOffset ?? 'another number of'
      return ['E_OFFSET', `the upload session holds ${held} bytes, not what was expected`, { remedy: 'resume' }]
    }
    case 'concurrent_session_missing_data':
    case 'concurrent_session_not_closed':
      return ['E_SESSION', 'the upload session is missing bytes that Dropbox had acknowledged', { remedy: 'restart' }]
    case 'concurrent_session_invalid_offset':
    case 'concurrent_session_invalid_data_size':
      return ['E_OFFSET', 'the upload session takes whole blocks of 4 MiB only', { remedy: 'resume' }]
    case 'content_hash_mismatch':
      return ['E_DESTINATION', 'bytes arrived damaged at Dropbox', { remedy: 'resume', advice: BY_ITSELF }]
    case 'too_many_write_operations':
      return ['E_DESTINATION', 'Dropbox asks to wait', { remedy: 'retry', retryAfterMs, advice: BY_ITSELF }]
    case 'insufficient_space':
    case 'team_folder_insufficient_space':
    case 'member_folder_insufficient_space':
      return ['E_QUOTA', 'Dropbox has no room left', { advice: 'Free space there.' }]
    case 'upload_traffic_limit_reached':
      return [
        'E_QUOTA',
        "the account's limit on uploads is reached",
        { advice: 'Wait for the next month, or ask Dropbox.' },
      ]
    case 'no_write_permission':
    case 'access_restricted':
    case 'team_folder':
      return [
        'E_AUTH',
        `Dropbox does not let this account write to ${folder}`,
        { advice: 'Give it the right, or choose another folder.' },
      ]
    case 'conflict':
      return ['E_DESTINATION', `another file has the archive's name in ${folder}`, { advice: 'Rename or move it.' }]
    case 'not_found':
      return ['E_DESTINATION', 'the archive is no longer in Dropbox', { advice: 'Check its deleted files.' }]
    case 'not_folder':
      return ['E_DESTINATION', `${folder} is a file in Dropbox, not a folder`, { advice: 'Choose another folder.' }]
    case 'reset':
      return ['E_DESTINATION', 'Dropbox stopped listing the folder', { remedy: 'retry', advice: BY_ITSELF }]
    case 'malformed_path':
    case 'disallowed_name':
      return [
        'E_DESTINATION',
        `Dropbox does not accept the folder name ${folder}`,
        { advice: 'Choose another folder.' },
      ]
    case 'too_large':
      return [
        'E_DESTINATION',
        'the archive is larger than Dropbox takes',
        { advice: 'Exclude folders from it (dicom.exclude).' },
      ]
    case 'payload_too_large':
      return ['E_DESTINATION', 'a request was larger than Dropbox takes', { advice: 'Make chunkSize smaller.' }]
    case 'other':
      return ['E_DESTINATION', 'Dropbox has a fault', { remedy: afterDoubt, advice: BY_ITSELF }]
    default:
      return ['E_DESTINATION', 'Dropbox refuses the call', { advice: 'Please report it with the log file.' }]
  }
}
