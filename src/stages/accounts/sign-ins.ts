/** Sign-ins that `accounts connect` made: a file each in the state folder, which only its owner may read. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { asBackupError, BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import { NewerFormatError, readVersionedJson, withVersion, type Format } from '../../pipeline/files/format-version.ts'
import { renameOver } from '../../pipeline/files/rename.ts'
import { syncFolder, syncName } from '../../pipeline/files/state-file.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { DestinationConfig } from '../config/types.ts'
import { addSecrets } from '../text/redact.ts'
import { makePrivateFolder } from '../windows/private-path.ts'
import { kindOf } from '../destinations/kinds.ts'
import { connectCommand, type Connected, type OAuthKind } from '../destinations/sign-in-kind.ts'

export interface SignIn {
  /** The destination's name. */
  readonly name: string
  readonly type: string
  readonly refreshToken: string
  /** Of the app that signed in; a secret of its own stays in the configuration. */
  readonly clientId: string
  /** Who signed in, for people. */
  readonly account: string
  /** ISO 8601. */
  readonly connectedAt: string
  /** ISO 8601; null when the service named no end. */
  readonly lapsesAt: string | null
  /** SHA-256 of the token in the configuration that it goes before, until that one is changed; null: there was none. */
  readonly replaces: string | null
}

export const SIGN_IN_FORMAT: Format = { name: 'a sign-in', version: 1 }

const folderOf = (stateFolder: string): string => path.join(stateFolder, 'sign-ins')
const fileOf = (stateFolder: string, name: string): string =>
  path.join(folderOf(stateFolder), `${hash(name.toLowerCase()).slice(0, 16)}.json`)
const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/**
 * The sign-in of a destination's name; null when there is none. Throws E_AUTH when it is there and cannot be used, and
 * NewerFormatError.
 */
function readSignIn(stateFolder: string, name: string): SignIn | null {
  const file = fileOf(stateFolder, name)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new BackupError('E_AUTH', `${name}: its sign-in, the file ${file}, cannot be read (${code}).`, {
      advice: `Let the account that this runs as read it; or connect it again as that account: ${connectCommand(name)}`,
    })
  }
  const signIn = parsed(text, `The sign-in of ${name}, the file ${file},`)
  if (signIn === null) {
    throw new BackupError('E_AUTH', `${name}: its sign-in, the file ${file}, is damaged.`, {
      advice: `Connect it again: ${connectCommand(name)}`,
    })
  }
  addSecrets([signIn.refreshToken])
  return signIn
}

/** Throws NewerFormatError when a newer version of this program has written any of the sign-ins. Changes nothing. */
export function refuseNewerSignIns(stateFolder: string): void {
  const folder = folderOf(stateFolder)
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name)
    const text = textOf(file)
    if (text !== null) parsed(text, `The sign-in in the file ${file}`)
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** Null when it is none. The parser's own words would quote the file, which is a secret. */
function parsed(text: string, where: string): SignIn | null {
  const value = readVersionedJson(SIGN_IN_FORMAT, text, where)
  return value !== null && isSignIn(value) ? value : null
}

function isSignIn(value: Record<string, unknown>): value is Record<string, unknown> & SignIn {
  const { name, refreshToken, clientId, account, connectedAt, lapsesAt, replaces, type } = value
  return (
    typeof type === 'string' &&
    oauthOf({ type }) !== null &&
    [name, refreshToken, clientId, account].every((one) => typeof one === 'string' && one !== '') &&
    isTime(connectedAt) &&
    (lapsesAt === null || isTime(lapsesAt)) &&
    (replaces === null || typeof replaces === 'string')
  )
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

/** Keeps a sign-in; the file is replaced at once or not at all, and nobody else may ever read it. Rejects with E_STATE. */
export async function saveSignIn(stateFolder: string, signIn: SignIn): Promise<void> {
  const file = fileOf(stateFolder, signIn.name)
  const fresh = `${file}.${randomUUID()}`
  addSecrets([signIn.refreshToken])
  try {
    makePrivateFolder(stateFolder)
    mkdirSync(folderOf(stateFolder), { recursive: true, mode: 0o700 })
    try {
      const handle = await open(fresh, 'wx', 0o600)
      try {
        await handle.writeFile(`${JSON.stringify(withVersion(SIGN_IN_FORMAT, signIn), null, 2)}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await renameOver(fresh, file)
      await syncName(file)
      await syncFolder(stateFolder)
    } catch (error) {
      await rm(fresh, { force: true })
      throw error
    }
  } catch (error) {
    throw new BackupError(
      'E_STATE',
      `The sign-in of ${signIn.name} could not be saved in ${file} (${systemCode(error)}).`,
      {
        advice: 'Let the account that this runs as write to the state folder (state.dir), then connect it again.',
        cause: error,
      },
    )
  }
}

/** Forgets a sign-in, a damaged one too. False when there is none. Rejects with E_STATE. */
export async function forgetSignIn(stateFolder: string, name: string): Promise<boolean> {
  const file = fileOf(stateFolder, name)
  try {
    await rm(file)
    return true
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw new BackupError('E_STATE', `The sign-in of ${name}, the file ${file}, could not be deleted (${code}).`, {
      advice: 'Check the rights on it and on its folder.',
      cause: error,
    })
  }
}

/** What stands for the token in the configuration; null when there is none. */
export function tokenMark(one: DestinationConfig): string | null {
  const token = tokenOf(one)
  return token === null ? null : hash(token)
}

function tokenOf(one: DestinationConfig): string | null {
  return oauthOf(one)?.token(one) ?? null
}

function oauthOf(one: Pick<DestinationConfig, 'type'>): OAuthKind<DestinationConfig> | null {
  return kindOf(one)?.signIn?.oauth ?? null
}

/**
 * Whether a sign-in holds for a destination as the configuration has it. Another app there, or another token than the
 * one that it replaced, goes before it; a token that was only taken out does not.
 */
function holds(signIn: SignIn, one: DestinationConfig): boolean {
  if (signIn.type !== one.type || oauthOf(one)?.accepts(one, signIn.clientId) !== true) return false
  const mark = tokenMark(one)
  return mark === null || mark === signIn.replaces
}

/** The sign-in that a destination has been given by `withSignIns`; null: it has that of the configuration. */
export function signInIn(one: DestinationConfig, stateFolder: string): SignIn | null {
  if (one.fault !== undefined || tokenOf(one) === null) return null
  const signIn = readSignIn(stateFolder, one.name)
  return signIn?.type === one.type && signIn.refreshToken === tokenOf(one) ? signIn : null
}

/**
 * The configuration with the sign-ins of its state folder in the place of the tokens they go before. One that is there
 * and cannot be used is its destination's fault, and no other's; but for one of a newer version: NewerFormatError.
 */
export function withSignIns(config: LoadedConfig): LoadedConfig {
  const secrets: string[] = []
  const destinations = config.destinations.map((one): DestinationConfig => {
    if (oauthOf(one) === null) return one
    try {
      const signIn = readSignIn(config.state.dir, one.name)
      if (signIn === null || !holds(signIn, one)) return one
      secrets.push(signIn.refreshToken)
      return signedIn(one, signIn)
    } catch (error) {
      if (error instanceof NewerFormatError) throw error
      const { message, advice } = asBackupError(error)
      return { ...one, fault: one.fault ?? { code: 'E_AUTH', message, advice } }
    }
  })
  return { ...config, destinations, secrets: [...config.secrets, ...secrets] }
}

/** What was wrong with the token that it goes before is wrong no more. */
export function signedIn(one: DestinationConfig, { refreshToken, clientId }: Connected): DestinationConfig {
  const { fault, ...rest } = one
  const kept = fault === undefined || fault.code === 'E_AUTH' ? {} : { fault }
  return { ...(oauthOf(rest)?.signedIn(rest, { refreshToken, clientId }) ?? rest), ...kept }
}
