import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { OAuth2Client } from 'google-auth-library'
import { BackupError, systemCode } from '../../../pipeline/contract/errors.ts'
import { connectCommand } from '../sign-in-kind.ts'
import type { GoogleDriveConfig } from './settings.ts'
import { fieldOf } from '../../http/answer.ts'

/**
 * A service account reaches only what was shared with it, and could not see a folder shared by hand with the narrower
 * `drive.file`. https://developers.google.com/workspace/drive/api/guides/api-specific-auth
 */
const SERVICE_ACCOUNT_SCOPE = 'https://www.googleapis.com/auth/drive'

type GoogleFetch = (...args: Parameters<typeof fetch>) => Promise<Response>

/**
 * Google's own sign-in client for what the configuration names; it makes no call yet. Rejects with E_AUTH when there
 * is nothing to sign in with, with E_CONFIG when the key file is not one.
 */
export async function signInClient(config: GoogleDriveConfig, fetchImplementation: GoogleFetch): Promise<OAuth2Client> {
  // Trying again is the engine's work; the redactor walks over every byte of a failed request's body.
  const transporterOptions = { fetchImplementation, errorRedactor: false, retryConfig: { retry: 0 } } as const
  const { OAuth2Client, JWT } = await import('google-auth-library')
  if (config.oauth !== null) {
    const { clientId, clientSecret, refreshToken } = config.oauth
    if (refreshToken === null) throw notConnected(config.name)
    const client = new OAuth2Client({ clientId, clientSecret, transporterOptions })
    client.setCredentials({ refresh_token: refreshToken })
    return client
  }
  const key = await serviceAccountKey(config)
  return new JWT({ ...key, scopes: [SERVICE_ACCOUNT_SCOPE], transporterOptions })
}

async function serviceAccountKey({
  name,
  serviceAccount,
  credentialsFile,
}: GoogleDriveConfig): Promise<{ email: string; key: string }> {
  if (serviceAccount !== undefined) return { email: serviceAccount.clientEmail, key: serviceAccount.privateKey }
  if (credentialsFile === null) throw notConnected(name)
  return await readKeyFile(name, credentialsFile)
}

function notConnected(name: string): BackupError {
  return new BackupError('E_AUTH', `${name}: there is no sign-in to Google Drive yet.`, {
    advice: `Connect it: ${connectCommand(name)}`,
  })
}

/** No `cause` here: a JSON error quotes the text it fails on, which is a private key. */
async function readKeyFile(name: string, file: string): Promise<{ email: string; key: string }> {
  const wrong = (text: string): BackupError =>
    new BackupError('E_CONFIG', `${name}: ${text}`, {
      advice: 'credentialsFile names the JSON key file of a service account, from the Google Cloud console.',
    })
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw wrong(`${file} cannot be read (${systemCode(error)}).`)
  }
  try {
    const content: unknown = JSON.parse(text)
    const email = fieldOf(content, 'client_email')
    const key = fieldOf(content, 'private_key')
    if (typeof email === 'string' && typeof key === 'string') {
      createPrivateKey(key)
      return { email, key }
    }
  } catch {
    // Told below.
  }
  throw wrong(`${file} is not the key file of a service account.`)
}
