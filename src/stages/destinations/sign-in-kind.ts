import type { DestinationConfig } from './config.ts'

/** How a kind of destination is signed in to. */
export interface SignInKind<C extends DestinationConfig> {
  /** Whose account it is: 'Dropbox', 'Google'. */
  readonly title: string
  /** By what the configuration signs in, in words: 'refresh token'; '' when by nothing yet. */
  by(config: C): string
  /** Whether that ends by itself before long. */
  isShortLived(config: C): boolean
  /** What to do once it is refused, or is about to end at `lapsesAt` (ISO 8601; null: no end is known). A sentence. */
  renewal(config: C, lapsesAt: string | null): string
  /** How `accounts connect` signs in by a browser; null: it cannot. */
  readonly oauth: OAuthKind<C> | null
}

/** What a service wants for a sign-in by OAuth: RFC 6749 section 4.1 with PKCE, RFC 7636. */
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

export interface Client {
  readonly clientId: string
  /** Null where PKCE alone is enough. */
  readonly clientSecret: string | null
}

/** What `accounts connect` brings. */
export interface Connected {
  readonly refreshToken: string
  readonly clientId: string
}

export interface OAuthKind<C extends DestinationConfig> {
  readonly provider: Provider
  /** `given`: the id that the command names; null: the configuration's. Throws E_CONFIG when there is none, or another. */
  client(config: C, given: string | null): Client
  /** The token of the configuration, which a sign-in goes before; null when there is none. */
  token(config: C): string | null
  /** Whether a sign-in by this client is one for the destination as the configuration has it. */
  accepts(config: C, clientId: string): boolean
  /** The destination, signed in to by what came. */
  signedIn(config: C, connected: Connected): C
  /** Why a sign-in ends that was given an end, and what to do: after 'This sign-in expires at …, '. Null: nobody knows. */
  readonly whyItEnds: string | null
}

/** What a person types to sign in to a destination, for advice. */
export function connectCommand(name: string): string {
  return `dicom-backup accounts connect ${/^[\w.-]+$/.test(name) ? name : `"${name}"`}`
}
