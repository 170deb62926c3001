import type { ErrorReport, SignInStatus } from '../contract/results.ts'
import type { DestinationConfig } from '../config/types.ts'
import { connectCommand } from '../destinations/sign-in-kind.ts'
import { kindOf } from '../destinations/kinds.ts'
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
  const kind = kindOf(destination)?.signIn ?? null
  if (kind === null) return null
  const lapsesAt = signIn?.lapsesAt ?? null
  const status = (state: SignInStatus['state'], advice = ''): SignInStatus => ({ state, lapsesAt, advice })
  const { fault } = destination
  if (fault?.code === 'E_AUTH') return status('lapsed', `${fault.message} ${fault.advice}`.trimEnd())
  if (kind.by(destination) === '') return status('none', `Connect it: ${connectCommand(destination.name)}`)
  const again = kind.renewal(destination, lapsesAt)
  const left = lapsesAt === null ? Infinity : Date.parse(lapsesAt) - now.getTime()
  if (left <= 0 || lastError?.code === 'E_AUTH') return status('lapsed', again)
  if (left < Math.max(SOON_MS, 2 * intervalMs)) return status('lapsing', again)
  if (kind.isShortLived(destination)) return status('lapsing', again)
  return status('ok')
}
