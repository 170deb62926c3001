/** `accounts connect`: a person's consent in the browser, exchanged for a sign-in that lasts. */
import { abortError, BackupError } from '../../pipeline/errors.ts'
import { isoLocal } from '../contract/time.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { openDestination, transportTo } from '../destinations/open.ts'
import { exchangeCode } from './exchange-code.ts'
import { codeIn, listen, type Loopback } from './loopback.ts'
import { consentOf, PROVIDERS, type Consent, type Provider } from './providers.ts'
import { saveSignIn, signedIn, tokenMark, type SignIn } from './sign-ins.ts'

/** How long a person may take at the service's page. ms. */
const CONSENT_MS = 15 * 60_000

export interface ConnectOptions {
  /** The app's key or client ID where the configuration has none; null: the configuration's. */
  readonly clientId: string | null
  /** The port of the redirect address; null: the provider's own, or a free one. */
  readonly port: number | null
  /** False: nothing listens on this machine; the person pastes the code, or the address that the browser ended at. */
  readonly loopback: boolean
  /** Shows the person where to go. `pasted`: what to paste, when something is to be. */
  readonly onAddress: (shown: {
    readonly title: string
    readonly address: string
    readonly pasted: 'code' | 'address' | null
  }) => void
  /** What the person pastes: the next line. */
  readonly paste: (signal: AbortSignal) => Promise<string>
  readonly signal: AbortSignal
  /** How long the person may take; default: 15 minutes. ms. */
  readonly consentMs?: number
}

/**
 * Connects a destination and keeps its sign-in in the state folder. Rejects with E_CONFIG when it is not one that can be
 * connected, with E_AUTH when consent was refused or the service does not take the sign-in, with E_DESTINATION,
 * E_STATE, E_ABORTED.
 */
export async function connectAccount(config: Config, one: DestinationConfig, options: ConnectOptions): Promise<SignIn> {
  mustBeConnectable(one)
  const client = clientOf(one, options.clientId)
  const provider = PROVIDERS[one.type]
  const consentMs = options.consentMs ?? CONSENT_MS
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(consentMs)])
  const app = { name: one.name, provider, ...client }
  const transport = transportTo(one.type, config.endpoints)
  try {
    const { consent, code } = await consented(provider, client.clientId, { ...options, signal })
    const { refreshToken, lapsesInMs } = await exchangeCode(app, consent, code, { transport, signal })
    const now = new Date()
    const { clientId } = client
    const signIn: SignIn = {
      name: one.name,
      type: one.type,
      refreshToken,
      clientId,
      account: await accountOf(config, signedIn(one, { refreshToken, clientId }), signal),
      connectedAt: isoLocal(now),
      lapsesAt: lapsesInMs === null ? null : isoLocal(new Date(now.getTime() + lapsesInMs)),
      replaces: tokenMark(one),
    }
    await saveSignIn(config.state.dir, signIn)
    return signIn
  } catch (error) {
    if (options.signal.aborted) throw abortError(options.signal)
    if (signal.aborted) {
      throw new BackupError('E_AUTH', `${one.name}: no consent within ${consentMs / 60_000} minutes.`, {
        advice: 'Start again.',
      })
    }
    throw error
  } finally {
    transport.close()
  }
}

type Connectable = Extract<DestinationConfig, { type: 'dropbox' | 'google-drive' }>

function mustBeConnectable(one: DestinationConfig): asserts one is Connectable {
  const { name, type, fault } = one
  // A missing or bad token is what connecting mends.
  if (fault !== undefined && fault.code !== 'E_AUTH') {
    throw new BackupError(fault.code, fault.message, { advice: fault.advice })
  }
  if (type === 'dropbox' || type === 'google-drive') return
  throw new BackupError('E_CONFIG', `${name} is a folder; only Dropbox and Google Drive need a sign-in.`)
}

interface Client {
  readonly clientId: string
  /** Google wants it of desktop clients too; null for Dropbox, which is signed in to with PKCE alone. */
  readonly clientSecret: string | null
}

function clientOf(one: Connectable, appKey: string | null): Client {
  if (one.type === 'dropbox') {
    if (appKey !== null && one.appKey !== null && appKey !== one.appKey) {
      throw new BackupError('E_CONFIG', `--app-key: ${one.name} has another appKey in the configuration.`, {
        advice: 'Leave --app-key out, or change the one in the configuration.',
      })
    }
    const clientId = appKey ?? one.appKey
    if (clientId !== null) return { clientId, clientSecret: null }
    throw new BackupError('E_CONFIG', `${one.name} has no appKey.`, {
      advice: 'Add the App key of your Dropbox app to the configuration as appKey, or pass --app-key.',
    })
  }
  if (appKey !== null) {
    throw new BackupError('E_CONFIG', `--app-key: ${one.name} is Google Drive; only Dropbox has App keys.`, {
      advice: 'Leave it out; Google knows your client by oauth.clientId and oauth.clientSecret in the configuration.',
    })
  }
  if (one.oauth !== null) return { clientId: one.oauth.clientId, clientSecret: one.oauth.clientSecret }
  throw new BackupError('E_CONFIG', `${one.name} has no oauth.clientId and oauth.clientSecret.`, {
    advice: 'Add those of your OAuth client (a desktop app) to the configuration. A service account needs no connect.',
  })
}

async function consented(
  provider: Provider,
  clientId: string,
  options: ConnectOptions,
): Promise<{ readonly consent: Consent; readonly code: string }> {
  const { loopback, port, signal } = options
  if (!loopback && provider.showsCode) {
    const consent = consentOf(provider, clientId, null)
    options.onAddress({ title: provider.title, address: consent.address, pasted: 'code' })
    const code = (await options.paste(signal)).trim()
    if (code === '') throw new BackupError('E_AUTH', 'No code was given.', { advice: 'Start again.' })
    return { consent, code }
  }
  if (!loopback) {
    const { host } = provider.redirect
    const consent = consentOf(provider, clientId, `http://${host}:${port ?? provider.redirect.port ?? 53_682}/`)
    options.onAddress({ title: provider.title, address: consent.address, pasted: 'address' })
    return { consent, code: pastedCode(await options.paste(signal), consent) }
  }
  let consent: Consent | null = null
  const listening = await listen(provider.redirect.host, port ?? provider.redirect.port, () => consent?.state ?? '')
  try {
    consent = consentOf(provider, clientId, listening.uri)
    options.onAddress({ title: provider.title, address: consent.address, pasted: null })
    return { consent, code: await browsed(listening, signal) }
  } finally {
    listening.close()
  }
}

async function browsed({ code }: Loopback, signal: AbortSignal): Promise<string> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => {
    reject(abortError(signal))
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) stop()
    return await Promise.race([code, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** The code in the address that the browser ended at, where this machine's loopback is not the browser's. */
function pastedCode(pasted: string, { state }: Consent): string {
  const url = URL.parse(pasted.trim())
  const answer = url === null ? { wrong: '' } : codeIn(url.searchParams, state)
  if ('code' in answer) return answer.code
  if ('refused' in answer) throw answer.refused
  throw new BackupError('E_AUTH', 'That is not the address that the browser showed after the consent.', {
    advice:
      'Start again, and copy the whole address from the browser, beginning with http://. It is normal that the browser cannot show that page.',
  })
}

/** Signs in with what came, so that a sign-in which is kept is one that works. */
async function accountOf({ endpoints }: Config, signed: DestinationConfig, signal: AbortSignal): Promise<string> {
  const destination = openDestination(signed, endpoints)
  try {
    return (await destination.signIn(signal)).label
  } finally {
    await destination.close()
  }
}
