/** What a Dropbox stand-in knows: its files, upload sessions and tokens. Routes change it. */

import type { Exchange } from '../exchange.ts'
import type { Consents } from '../consents.ts'
import type { AccessTokens, TokenHolder } from '../tokens.ts'
import type { Sessions } from './sessions.ts'
import type { Tree } from './tree.ts'

export interface Account {
  readonly tree: Tree
  readonly sessions: Sessions
  readonly tokens: AccessTokens<TokenHolder>
  readonly refreshTokens: Set<string>
  readonly consents: Consents
  readonly appKey: string
  readonly appSecret: string | null
  readonly limits: { readonly requestBytes: number; readonly fileBytes: number }
  /** What a finish of a session says that was finished before; the real service's word is not known. */
  readonly finishedSession: 'closed' | 'not_found'
  /** Whether space is told as a team's. */
  readonly team: boolean
  readonly clock: () => number
  /** Permissions that are missing, and whether the app lacks them or only what was signed in to before it got them. */
  readonly missingScopes: Map<string, 'app' | 'token'>
  quotaBytes: number | null
  /** Cursors of an older generation are dead. */
  cursorGeneration: number
  /** Entries that a page of a listing has at most. */
  readonly pageEntries: number
}

/** A handler of one route: `argument` is what the call's schema made of its argument. */
export interface Call<T> {
  readonly account: Account
  readonly exchange: Exchange
  readonly argument: T
}
