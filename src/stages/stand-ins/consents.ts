/** The person at the consent page, and the codes that come of it (RFC 6749, 4.1; PKCE, RFC 7636). */

import { createHash, randomBytes } from 'node:crypto'

interface Consent {
  readonly redirectUri: string | null
  readonly challenge: string | null
}

export class Consents {
  readonly #open = new Map<string, Consent>()

  /**
   * Consents to what the page at `address` asks for. Returns where the browser is sent then; without a redirect_uri,
   * the code that the page shows. Throws when the page would show an error instead.
   */
  give(address: URL, clientId: string, offline: readonly [string, string]): string {
    const wanted = address.searchParams
    if (wanted.get('response_type') !== 'code') throw new Error('The page wants response_type=code.')
    if (wanted.get('client_id') !== clientId) throw new Error('The page does not know this client_id.')
    if (wanted.get(offline[0]) !== offline[1])
      throw new Error(`Without ${offline.join('=')} there is no refresh token.`)
    const challenge = wanted.get('code_challenge')
    if (challenge !== null && wanted.get('code_challenge_method') !== 'S256') throw new Error('The page wants S256.')
    const redirectUri = wanted.get('redirect_uri')
    const code = randomBytes(24).toString('base64url')
    this.#open.set(code, { redirectUri, challenge })
    if (redirectUri === null) return code
    const target = new URL(redirectUri)
    target.searchParams.set('code', code)
    const state = wanted.get('state')
    if (state !== null) target.searchParams.set('state', state)
    return target.href
  }

  /** Whether a token request's code is good: known, not used before, and asked for by the same client. */
  redeem(fields: URLSearchParams): boolean {
    const code = fields.get('code') ?? ''
    const consent = this.#open.get(code)
    this.#open.delete(code)
    if (consent === undefined || fields.get('redirect_uri') !== consent.redirectUri) return false
    const verifier = fields.get('code_verifier')
    if (consent.challenge === null) return verifier === null
    return verifier !== null && createHash('sha256').update(verifier).digest('base64url') === consent.challenge
  }
}
