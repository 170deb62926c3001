/** Sign-ins that `accounts connect` made: a file each in the state folder, which only its owner may read. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/errors.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { DestinationConfig } from '../config/types.ts'
import { addSecrets } from '../log/redact.ts'

export interface SignIn {
  /** The destination's name. */
  readonly name: string
  readonly type: 'dropbox' | 'google-drive'
  readonly refreshToken: string
  /** Dropbox: the App key. Google: the OAuth client's ID. */
  readonly clientId: string
  /** Google sends it for desktop clients too; null for Dropbox, which signs in with PKCE alone. */
  readonly clientSecret: string | null
  /** Who signed in, for people. */
  readonly account: string
  /** ISO 8601. */
  readonly connectedAt: string
  /** ISO 8601; null when the service named no end. */
  readonly lapsesAt: string | null
  /** SHA-256 of the credential in the configuration that it goes before, until that one is changed. */
  readonly replaces: string
}

const folderOf = (stateFolder: string): string => path.join(stateFolder, 'sign-ins')
const fileOf = (stateFolder: string, name: string): string =>
  path.join(folderOf(stateFolder), `${hash(name.toLowerCase()).slice(0, 16)}.json`)
const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** All sign-ins of a state folder, by the destination's name. Throws E_STATE when one cannot be read. */
export function readSignIns(stateFolder: string): Map<string, SignIn> {
  const signIns = new Map<string, SignIn>()
  for (const file of namesIn(stateFolder)) {
    const signIn = read(path.join(folderOf(stateFolder), file))
    addSecrets([signIn.refreshToken, ...(signIn.clientSecret === null ? [] : [signIn.clientSecret])])
    signIns.set(signIn.name, signIn)
  }
  return signIns
}

function namesIn(stateFolder: string): string[] {
  try {
    return readdirSync(folderOf(stateFolder)).filter((name) => name.endsWith('.json'))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw unusable(folderOf(stateFolder), error)
  }
}

function read(file: string): SignIn {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<keyof SignIn, unknown>>
    const texts = [value.name, value.refreshToken, value.clientId, value.account, value.connectedAt, value.replaces]
    const known = value.type === 'dropbox' || value.type === 'google-drive'
    if (known && texts.every((text) => typeof text === 'string')) return value as SignIn
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw unusable(file, error)
  }
  // The parser's own words quote the file, which is a secret.
  throw unusable(file, null)
}

/** Keeps a sign-in; the file is replaced at once or not at all, and nobody else may ever read it. Rejects with E_STATE. */
export async function saveSignIn(stateFolder: string, signIn: SignIn): Promise<void> {
  const file = fileOf(stateFolder, signIn.name)
  const fresh = `${file}.${randomUUID()}`
  addSecrets([signIn.refreshToken])
  try {
    mkdirSync(folderOf(stateFolder), { recursive: true, mode: 0o700 })
    const handle = await open(fresh, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(signIn, null, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw unusable(file, error)
  }
}

/** Forgets a sign-in. False when there is none. Rejects with E_STATE. */
export async function forgetSignIn(stateFolder: string, name: string): Promise<boolean> {
  try {
    await rm(fileOf(stateFolder, name))
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw unusable(fileOf(stateFolder, name), error)
  }
}

function unusable(file: string, cause: unknown): BackupError {
  const why = systemCode(cause) === '' ? 'is damaged' : `cannot be used (${systemCode(cause)})`
  return new BackupError('E_STATE', `The file ${file}, which holds a sign-in, ${why}.`, {
    advice: 'Check the rights on it; or delete it, and connect the account again: dicom-backup accounts connect NAME.',
  })
}

/** What stands for a destination's credential in the configuration: changed there, it goes before a sign-in again. */
export function credentialMark(one: DestinationConfig): string {
  if (one.type === 'dropbox') return hash(one.accessToken ?? one.refreshToken ?? '')
  if (one.type === 'google-drive')
    return hash(one.oauth?.refreshToken ?? one.credentialsFile ?? one.serviceAccount?.clientEmail ?? '')
  return hash('')
}

/** The sign-in that holds for a destination as the configuration has it; null: what stands there does. */
function signInOf(one: DestinationConfig, signIns: ReadonlyMap<string, SignIn>): SignIn | null {
  const signIn = signIns.get(one.name)
  return signIn?.type === one.type && signIn.replaces === credentialMark(one) ? signIn : null
}

/** The sign-in that a destination has been given by `withSignIns`; null: it has that of the configuration. */
export function signInIn(one: DestinationConfig, signIns: ReadonlyMap<string, SignIn>): SignIn | null {
  const signIn = signIns.get(one.name) ?? null
  const token = one.type === 'dropbox' ? one.refreshToken : one.type === 'google-drive' ? one.oauth?.refreshToken : null
  return signIn?.refreshToken === token ? signIn : null
}

/** The configuration with the sign-ins of its state folder in the place of the credentials they go before. */
export function withSignIns(config: LoadedConfig): LoadedConfig {
  const signIns = readSignIns(config.state.dir)
  if (signIns.size === 0) return config
  const secrets = [...signIns.values()].flatMap(({ refreshToken, clientSecret }) =>
    clientSecret === null ? [refreshToken] : [refreshToken, clientSecret],
  )
  const destinations = config.destinations.map((one) => signedIn(one, signInOf(one, signIns)))
  return { ...config, destinations, secrets: [...config.secrets, ...secrets] }
}

/** What was wrong with the sign-in that it goes before is wrong no more. */
function signedIn(one: DestinationConfig, signIn: SignIn | null): DestinationConfig {
  if (signIn === null) return one
  const { refreshToken, clientId, clientSecret } = signIn
  const { fault, ...rest } = one
  const kept = fault === undefined || fault.code === 'E_AUTH' ? {} : { fault }
  if (rest.type === 'dropbox') {
    return { ...rest, ...kept, accessToken: null, refreshToken, appKey: clientId, appSecret: null }
  }
  if (rest.type !== 'google-drive') return one
  const { serviceAccount: _replaced, ...drive } = rest
  return {
    ...drive,
    ...kept,
    oauth: { clientId, clientSecret: clientSecret ?? '', refreshToken },
    credentialsFile: null,
  }
}
