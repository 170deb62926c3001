/** What the two services want for an OAuth sign-in: RFC 6749 section 4.1 with PKCE, RFC 7636. */
import { createHash, randomBytes } from 'node:crypto'

export interface Provider {
  readonly title: string
  readonly authorizeUrl: string
  readonly tokenUrl: string
  /** The redirect address, exactly as it has to be known to the service; `port` null: one that is free. */
  readonly redirect: { readonly host: string; readonly port: number | null }
  /** Whether the page shows a code to be pasted when there is no redirect address. */
  readonly showsCode: boolean
  /** Further parameters of the authorize address. */
  readonly parameters: Readonly<Record<string, string>>
}

/** https://developers.dropbox.com/oauth-guide; a redirect address has to be registered to the letter, port and all. */
const DROPBOX: Provider = {
  title: 'Dropbox',
  authorizeUrl: 'https://www.dropbox.com/oauth2/authorize',
  tokenUrl: 'https://api.dropboxapi.com/oauth2/token',
  redirect: { host: 'localhost', port: 53_682 },
  showsCode: true,
  parameters: { token_access_type: 'offline' },
}

/** https://developers.google.com/identity/protocols/oauth2/native-app; desktop clients may use any port. */
const GOOGLE: Provider = {
  title: 'Google',
  authorizeUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
  tokenUrl: 'https://oauth2.googleapis.com/token',
  redirect: { host: '127.0.0.1', port: null },
  showsCode: false,
  parameters: { access_type: 'offline', prompt: 'consent', scope: 'https://www.googleapis.com/auth/drive.file' },
}

export const PROVIDERS = { dropbox: DROPBOX, 'google-drive': GOOGLE } as const

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
