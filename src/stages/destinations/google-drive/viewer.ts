import { createPrivateKey } from 'node:crypto'
import { fieldOf } from '../../http/answer.ts'
import type { ViewerAccounts } from '../viewer-accounts.ts'
import type { GoogleDriveConfig } from './settings.ts'

type SignIn = Pick<GoogleDriveConfig, 'oauth' | 'serviceAccount'>

const NONE: SignIn = { oauth: null }

export const googleDriveViewer: ViewerAccounts<GoogleDriveConfig> = {
  names: ['google_drive', 'google-drive', 'googledrive', 'google drive', 'gdrive', 'google'],
  rootIsFolder: false,
  read({ credentials_json: text }, common, folder) {
    const found = text === null ? TOO_LONG : credentialsIn(text)
    const signIn = 'problem' in found ? NONE : found
    const { oauth, serviceAccount } = signIn
    return {
      config: { ...common, type: 'google-drive', folder, credentialsFile: null, ...signIn },
      secrets: [oauth?.clientSecret ?? '', oauth?.refreshToken ?? '', serviceAccount?.privateKey ?? ''].filter(
        (one) => one !== '',
      ),
      problem: 'problem' in found ? { code: 'E_CONFIG', problem: found.problem } : null,
    }
  },
}

/** What is wrong, as the end of a sentence about the account. */
interface Problem {
  readonly problem: string
}

const TOO_LONG: Problem = { problem: 'has a credentials_json of far more bytes than a key or a sign-in has' }
const WANTED = "expected a service account's key, or an OAuth client with its refresh_token"

/**
 * Reads credentials_json: a service account's key, or {"installed"|"web": {client_id, client_secret}, "refresh_token"};
 * also flat, and with the refresh token inside the client or a "token", as Google's own libraries write it. The parser's
 * words are not told on, since they quote the text.
 */
function credentialsIn(text: string): SignIn | Problem {
  if (text.trim() === '') return NONE
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
function serviceAccount(clientEmail: string, written: string): SignIn | Problem {
  const privateKey = written.replaceAll('\\n', '\n').trim()
  try {
    createPrivateKey(privateKey)
    return { oauth: null, serviceAccount: { clientEmail, privateKey } }
  } catch {
    return { problem: `has a credentials_json whose private_key is invalid; ${WANTED}` }
  }
}

function textOf(value: unknown, field: string): string | null {
  const found = fieldOf(value, field)
  return typeof found === 'string' && found.trim() !== '' ? found.trim() : null
}
