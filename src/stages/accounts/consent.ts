import { createHash, randomBytes } from 'node:crypto'
import type { Provider } from '../destinations/sign-in-kind.ts'

/** A request for consent: where the person goes, and what its answer is known by. */
export interface Consent {
  readonly address: string
  /** Null: the page shows the code. */
  readonly redirectUri: string | null
  readonly state: string
  readonly verifier: string
}

export function consentOf(provider: Provider, clientId: string, redirectUri: string | null): Consent {
  const verifier = randomBytes(48).toString('base64url')
  const state = randomBytes(24).toString('base64url')
  const address = new URL(provider.authorizeUrl)
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    ...(redirectUri === null ? {} : { redirect_uri: redirectUri, state }),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...provider.parameters,
  }
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
  return { address: address.href, redirectUri, state, verifier }
}
