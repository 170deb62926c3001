import type { ErrorReport, SignInStatus } from '../backup/results.ts'
import type { DestinationConfig } from '../config/types.ts'
import type { SignIn } from './sign-ins.ts'

const DAY_MS = 24 * 3_600_000
/** So long before its end a sign-in is about to lapse, at the least. ms. */
const SOON_MS = 2 * DAY_MS

export interface SignInFacts {
  /** As the configuration has it, without the sign-in. */
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
  const again = `Connect it again: dicom-backup accounts connect ${destination.name}`
  const lapsesAt = signIn?.lapsesAt ?? null
  const status = (state: SignInStatus['state'], advice = ''): SignInStatus => ({ state, lapsesAt, advice })
  if (signIn === null && !hasCredential(destination)) {
    return status('none', `Connect it: dicom-backup accounts connect ${destination.name}`)
  }
  const left = lapsesAt === null ? Infinity : Date.parse(lapsesAt) - now.getTime()
  if (left <= 0 || lastError?.code === 'E_AUTH') return status('lapsed', again)
  if (left < Math.max(SOON_MS, 2 * intervalMs)) {
    return status(
      'lapsing',
      `${again}. Google lets it lapse after 7 days while the app's consent screen is in testing: publish the app, and it stays.`,
    )
  }
  if (signIn === null && destination.type === 'dropbox' && isShortLived(destination.accessToken)) {
    return status(
      'lapsing',
      `Dropbox lets an access token lapse 4 hours after it was made. Give the configuration the appKey in its place, then: dicom-backup accounts connect ${destination.name}`,
    )
  }
  return status('ok')
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
