/** `accounts connect`: a person's consent in the browser, exchanged for a sign-in that lasts. */
import { abortError, BackupError } from '../../pipeline/contract/errors.ts'
import { isoLocal } from '../contract/time.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import type { DestinationKind } from '../destinations/kind.ts'
import { kindOf, kinds } from '../destinations/kinds.ts'
import { openDestination, transportTo } from '../destinations/open.ts'
import type { OAuthKind, Provider } from '../destinations/sign-in-kind.ts'
import { consentOf, type Consent } from './consent.ts'
import { exchangeCode } from './exchange-code.ts'
import { codeIn, listen, type Loopback } from './loopback.ts'
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
  const { kind, oauth } = mustBeConnectable(one)
  const { provider } = oauth
  const client = oauth.client(one, options.clientId)
  const consentMs = options.consentMs ?? CONSENT_MS
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(consentMs)])
  const app = { name: one.name, provider, ...client }
  const transport = transportTo(kind, config.endpoints, one.name)
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

function mustBeConnectable(one: DestinationConfig): Connectable {
  const { name, fault } = one
  // A missing or bad token is what connecting mends.
  if (fault !== undefined && fault.code !== 'E_AUTH') {
    throw new BackupError(fault.code, fault.message, { advice: fault.advice })
  }
  const kind = kindOf(one)
  const oauth = kind?.signIn?.oauth ?? null
  if (kind !== null && oauth !== null) return { kind, oauth }
  const connectable = kinds().filter(({ signIn }) => (signIn?.oauth ?? null) !== null)
  const titles = connectable.map(({ title }) => title)
  const what = kind === null ? 'a destination of unknown type' : kind.title
  throw new BackupError('E_CONFIG', `${name} is ${what}; only ${titles.join(' and ')} need a sign-in.`)
}

interface Connectable {
  readonly kind: DestinationKind
  readonly oauth: OAuthKind<DestinationConfig>
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
