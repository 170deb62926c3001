import type { ErrorReport, SignInStatus } from '../contract/results.ts'
import type { DestinationConfig } from '../config/types.ts'
import { connectCommand, insteadOfAccessToken } from '../destinations/connect-command.ts'
import type { SignIn } from './sign-ins.ts'

const DAY_MS = 24 * 3_600_000
/** So long before its end a sign-in is about to lapse, at the least. ms. */
const SOON_MS = 2 * DAY_MS

export interface SignInFacts {
  /** With the sign-in that holds in its place. */
  readonly destination: DestinationConfig
  /** The one that `accounts connect` made and that holds; null: there is none. */
  readonly signIn: SignIn | null
  /** Of the last run there. */
  readonly lastError: ErrorReport | null
  readonly now: Date
  /** Between two backups. */
  readonly intervalMs: number
}

/** How a destination's sign-in stands, without asking the service; null where none is needed. */
export function signInStatus({ destination, signIn, lastError, now, intervalMs }: SignInFacts): SignInStatus | null {
  if (destination.type === 'local' || destination.type === 'unknown') return null
  const lapsesAt = signIn?.lapsesAt ?? null
  const status = (state: SignInStatus['state'], advice = ''): SignInStatus => ({ state, lapsesAt, advice })
  const { fault } = destination
  if (fault?.code === 'E_AUTH') return status('lapsed', `${fault.message} ${fault.advice}`.trimEnd())
  if (!hasCredential(destination)) return status('none', `Connect it: ${connectCommand(destination.name)}`)
  const again = whatToDo(destination, lapsesAt)
  const left = lapsesAt === null ? Infinity : Date.parse(lapsesAt) - now.getTime()
  if (left <= 0 || lastError?.code === 'E_AUTH') return status('lapsed', again)
  if (left < Math.max(SOON_MS, 2 * intervalMs)) return status('lapsing', again)
  if (destination.type === 'dropbox' && isShortLived(destination.accessToken)) return status('lapsing', again)
  return status('ok')
}

function whatToDo(one: DestinationConfig, lapsesAt: string | null): string {
  const connect = connectCommand(one.name)
  if (one.type === 'google-drive' && one.oauth === null) {
    return "Check that the service account's key still exists, and that the folder is shared with it."
  }
  if (one.type === 'dropbox' && one.accessToken !== null) return insteadOfAccessToken(one.name)
  if (lapsesAt === null) return `Connect it again: ${connect}`
  return `Google ends it after 7 days while the app's consent screen is in testing. Publish the app to keep it, then connect again: ${connect}`
}

/** Those that never lapse are of before 2021 and look otherwise. https://developers.dropbox.com/oauth-guide */
function isShortLived(accessToken: string | null): boolean {
  return accessToken?.startsWith('sl.') === true
}

function hasCredential(one: DestinationConfig): boolean {
  if (one.type === 'dropbox') return one.accessToken !== null || one.refreshToken !== null
  if (one.type !== 'google-drive') return true
  return (one.oauth?.refreshToken ?? one.credentialsFile ?? one.serviceAccount ?? null) !== null
}
