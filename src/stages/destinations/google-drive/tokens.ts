import type { OAuth2Client } from 'google-auth-library'
import type { GoogleDriveConfig } from './settings.ts'
import type { RequestBody, Transport } from '../../http/types.ts'
import { fieldOf, readAnswer } from '../../http/answer.ts'
import { signInClient } from './credentials.ts'
import { driveError, thrownError, unreadable } from './errors.ts'
import type { Caller } from './errors.ts'
import { waitFor } from '../../../pipeline/flow/wait-for.ts'

/** Access tokens, renewed five minutes before they lapse. Calls that come at once share one renewal. */
export interface Tokens {
  /** Rejects with E_AUTH or E_CONFIG (`stop`), or E_DESTINATION (`retry`). */
  current(signal: AbortSignal): Promise<string>
  /** Another token than `refused`, with which a call was answered 401. */
  renewed(refused: string, signal: AbortSignal): Promise<string>
}

export function googleTokens(config: GoogleDriveConfig, caller: Caller, transport: Transport): Tokens {
  /** What Google's client is given: a token for certain, or a BackupError. */
  const tokenFetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { method = 'POST', headers = {}, body = null } = init
    const response = await transport.fetch(url as URL, {
      method,
      headers: new Headers(headers),
      body: body as RequestBody,
    })
    const answer = await readAnswer(response)
    if (!response.ok) throw driveError(answer, 'token', caller)
    if (typeof fieldOf(answer.body, 'access_token') !== 'string') throw unreadable('token', caller)
    return Response.json(answer.body)
  }

  let opening: Promise<OAuth2Client> | null = null
  const client = (): Promise<OAuth2Client> =>
    (opening ??= signInClient(config, tokenFetch).catch((error: unknown) => {
      opening = null
      throw error
    }))

  const current = async (signal: AbortSignal): Promise<string> => {
    try {
      const google = await waitFor(client(), signal)
      const { token } = await waitFor(google.getAccessToken(), signal)
      return token ?? ''
    } catch (error) {
      throw thrownError(error, 'token', caller, signal)
    }
  }

  return {
    current,
    async renewed(refused, signal) {
      const google = await waitFor(client(), signal)
      // Only the first of several that were refused with it puts it away; expired, the client has to ask for another.
      if (google.credentials.access_token === refused) {
        google.setCredentials({ ...google.credentials, access_token: null, expiry_date: 1 })
      }
      return await current(signal)
    },
  }
}
