/** What a row of backup_accounts has to sign in with. */
import { createPrivateKey } from 'node:crypto'
import type { GoogleDriveConfig } from '../../config/types.ts'
import { fieldOf } from '../../http/answer.ts'

/** Longer ones are no credentials. Bytes. */
export const MOST_CREDENTIALS_BYTES = 256 * 1024

export type GoogleSignIn =
  | { readonly oauth: NonNullable<GoogleDriveConfig['oauth']> }
  | { readonly serviceAccount: NonNullable<GoogleDriveConfig['serviceAccount']> }

/** What is wrong, as the end of a sentence about the account. */
export interface Problem {
  readonly problem: string
}

const WANTED = "expected a service account's key, or an OAuth client with its refresh_token"

/**
 * Reads credentials_json: a service account's key, or {"installed"|"web": {client_id, client_secret}, "refresh_token"};
 * also flat, and with the refresh token inside the client or a "token", as Google's own libraries write it. Null when it is
 * empty. The parser's words are not told on, since they quote the text.
 */
export function readGoogleCredentials(text: string | null): GoogleSignIn | Problem | null {
  if (text === null || text.trim() === '') return null
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return { problem: `has a credentials_json that is not JSON; ${WANTED}` }
  }
  const email = textOf(content, 'client_email')
  const key = textOf(content, 'private_key')
  if (email !== null && key !== null) return serviceAccount(email, key)
  const client = [fieldOf(content, 'installed'), fieldOf(content, 'web'), content].find(
    (one) => textOf(one, 'client_id') !== null && textOf(one, 'client_secret') !== null,
  )
  if (client === undefined) return { problem: `has a credentials_json without a key or an OAuth client; ${WANTED}` }
  const refreshToken = [content, client, fieldOf(content, 'token')]
    .map((one) => textOf(one, 'refresh_token'))
    .find((one) => one !== null)
  return {
    oauth: {
      clientId: textOf(client, 'client_id') ?? '',
      clientSecret: textOf(client, 'client_secret') ?? '',
      // Empty: the client is there, and nobody has signed in by it yet.
      refreshToken: refreshToken ?? null,
    },
  }
}

/** A key that went through PHP once too often has its line ends written out. */
function serviceAccount(clientEmail: string, written: string): GoogleSignIn | Problem {
  const privateKey = written.replaceAll('\\n', '\n').trim()
  try {
    createPrivateKey(privateKey)
    return { serviceAccount: { clientEmail, privateKey } }
  } catch {
    return { problem: `has a credentials_json whose private_key is invalid; ${WANTED}` }
  }
}

/** A token as it can stand in a request's header; null when there is none. */
export function readDropboxToken(text: string | null): string | Problem | null {
  const token = text?.trim() ?? ''
  if (token === '') return null
  return /^[\x21-\x7e]{1,8192}$/.test(token) ? token : { problem: 'has an invalid dropbox_access_token' }
}

export function secretsIn(found: GoogleSignIn | string | Problem | null): string[] {
  if (typeof found === 'string') return [found]
  if (found === null || 'problem' in found) return []
  if ('oauth' in found) {
    const { clientSecret, refreshToken } = found.oauth
    return [clientSecret, refreshToken ?? ''].filter((one) => one !== '')
  }
  return [found.serviceAccount.privateKey]
}

function textOf(value: unknown, field: string): string | null {
  const found = fieldOf(value, field)
  return typeof found === 'string' && found.trim() !== '' ? found.trim() : null
}
