/** What a Google Drive stand-in knows: its files, upload sessions, tokens and limits. Routes change it. */

import type { KeyObject } from 'node:crypto'
import { Refusal } from '../answer.ts'
import type { Consents } from '../consents.ts'
import type { Exchange } from '../exchange.ts'
import { bearer } from '../tokens.ts'
import type { AccessTokens, TokenHolder } from '../tokens.ts'
import { insufficientScopes, unauthorized } from './errors.ts'
import { ROOT } from './files.ts'
import type { DriveFile, Files } from './files.ts'
import type { Sessions } from './sessions.ts'

export interface Holder extends TokenHolder {
  readonly email: string
  /** Sees only what this app made. */
  readonly ownFilesOnly: boolean
  /** Its scope lets it read only. */
  readonly mayOnlyRead: boolean
  /** The service account's own quota in bytes; null: the user's quota counts. */
  readonly serviceAccountQuota: number | null
}

/** What a sign-in may do: this app's own files, all files, or all files to read only. */
export type Scope = 'drive.file' | 'drive' | 'drive.readonly'

export interface ServiceAccount {
  readonly email: string
  readonly publicKey: KeyObject
  readonly quotaBytes: number
}

export interface Account {
  readonly files: Files
  readonly sessions: Sessions
  readonly tokens: AccessTokens<Holder>
  readonly oauth: { readonly clientId: string; readonly clientSecret: string }
  readonly refreshTokens: Set<string>
  /** When those refresh tokens end that do, by the clock. */
  readonly grantEnds: Map<string, number>
  /** Of a refresh token that is given for a code; null: it lasts. */
  readonly grantLifetimeSeconds: number | null
  readonly consents: Consents
  readonly serviceAccounts: ReadonlyMap<string, ServiceAccount>
  readonly scope: Scope
  /** When a full account is told; at the last chunk always. */
  readonly quotaChecks: ReadonlySet<'begin' | 'chunk'>
  /** What a request for a session that is gone meets. */
  readonly goneStatus: 404 | 410
  readonly clock: () => number
  quotaBytes: number | null
  /** Files that a page of a list has at most. */
  readonly pageEntries: number
}

/** Who calls. Refuses a call without a token that is good now. */
export function caller(account: Account, exchange: Exchange): Holder {
  const token = bearer(exchange.header('authorization'))
  const holder = token === null ? 'unknown' : account.tokens.find(token)
  if (typeof holder === 'string') throw new Refusal(unauthorized())
  return holder
}

/** Who calls to change something. Refuses one whose scope lets it read only. */
export function writer(account: Account, exchange: Exchange): Holder {
  const holder = caller(account, exchange)
  if (holder.mayOnlyRead) throw new Refusal(insufficientScopes())
  return holder
}

/** A file that the caller may know of, else null. */
export function visible(account: Account, holder: Holder, id: string): DriveFile | null {
  const file = account.files.find(id)
  return file !== null && canSee(holder, file) ? file : null
}

export function canSee(holder: Holder, file: DriveFile): boolean {
  return file.own || file.id === ROOT || !holder.ownFilesOnly
}

export function quotaOf(account: Account, holder: Holder): number | null {
  return holder.serviceAccountQuota ?? account.quotaBytes
}
