import { BackupError } from '../../pipeline/contract/errors.ts'
import type { Client, Provider } from '../destinations/sign-in-kind.ts'
import { fieldOf, readAnswer } from '../http/answer.ts'
import { networkFailure } from '../http/network-failure.ts'
import type { Transport } from '../http/types.ts'
import type { Consent } from './consent.ts'

/** Further than any sign-in lasts. s. */
const CENTURY_S = 100 * 365 * 86_400

export interface Grant {
  readonly refreshToken: string
  /** ms from now until the refresh token ends; null when the service names no end. */
  readonly lapsesInMs: number | null
}

/** RFC 6749 section 4.1.3, 5.2 */
const WORDS = new Map<unknown, readonly [what: string, advice: string]>(
  Object.entries({
    invalid_grant: [
      'the code is not valid, or no longer valid',
      'Start again; a code works once, and only for a few minutes.',
    ],
    invalid_client: ['the app is not known there', 'Check the key, or ID and secret, of the app in the configuration.'],
    invalid_client_id: ['the app is not known there', 'Check the appKey in the configuration.'],
    redirect_uri_mismatch: [
      'the redirect address is not the one it knows',
      'Register http://localhost:53682/ at the service, or the one of your --port; or use --no-browser.',
    ],
  }),
)

/**
 * Exchanges the code of the consent page for a refresh token. Rejects with E_AUTH when it is refused or no refresh token
 * comes, with E_DESTINATION when the service does not answer.
 */
export async function exchangeCode(
  { name, provider, clientId, clientSecret }: Client & { readonly name: string; readonly provider: Provider },
  consent: Consent,
  code: string,
  { transport, signal }: { readonly transport: Transport; readonly signal: AbortSignal },
): Promise<Grant> {
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    client_id: clientId,
    code_verifier: consent.verifier,
  })
  if (consent.redirectUri !== null) form.set('redirect_uri', consent.redirectUri)
  if (clientSecret !== null) form.set('client_secret', clientSecret)
  const failed = (what: string, advice: string): BackupError =>
    new BackupError('E_AUTH', `${name}: ${provider.title} did not accept the sign-in: ${what}.`, { advice })
  const unreadable = (): BackupError =>
    new BackupError('E_DESTINATION', `${name}: the response is not from ${provider.title}, or cannot be read.`, {
      advice: 'Check that no proxy or firewall answers instead of the service, then start again.',
    })
  try {
    const answer = await readAnswer(await transport.fetch(provider.tokenUrl, { method: 'POST', body: form, signal }))
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) {
      throw new BackupError('E_DESTINATION', `${name}: ${provider.title} answered with an error (${answer.status}).`, {
        remedy: 'retry',
        advice: 'Start again in a few minutes.',
      })
    }
    if (answer.status !== 200) {
      const [what, advice] = WORDS.get(fieldOf(answer.body, 'error')) ?? [
        `it answered ${answer.status}`,
        'Start again.',
      ]
      throw failed(what, advice)
    }
    if (typeof fieldOf(answer.body, 'access_token') !== 'string') throw unreadable()
    const refreshToken = fieldOf(answer.body, 'refresh_token')
    if (typeof refreshToken !== 'string' || refreshToken === '') {
      throw failed('no refresh token was issued', 'Revoke the app in the account’s settings there, then start again.')
    }
    // Google names it for grants that end, as those of an app in testing do.
    const seconds = fieldOf(answer.body, 'refresh_token_expires_in')
    const isEnd = typeof seconds === 'number' && seconds > 0 && seconds < CENTURY_S
    return { refreshToken, lapsesInMs: isEnd ? seconds * 1000 : null }
  } catch (error) {
    if (error instanceof BackupError) throw error
    const known = networkFailure(name, error, { remedy: 'retry', signal })
    if (known !== null) throw known
    throw unreadable()
  }
}
