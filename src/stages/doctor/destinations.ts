import { signInStatus } from '../accounts/sign-in-state.ts'
import { signInIn } from '../accounts/sign-ins.ts'
import type { SignInStatus } from '../backup/results.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { DestinationConfig } from '../config/types.ts'
import { openPatiently } from '../destinations/open.ts'
import { intervalMs } from '../schedule/grid.ts'
import { formatFree } from '../text/bytes.ts'
import type { Finding } from './finding.ts'

/** Signs in, begins an upload and gives it up, and lists the folder: what a run does. */
export async function destinationFinding(
  one: DestinationConfig,
  config: LoadedConfig,
  signal: AbortSignal,
): Promise<Finding> {
  const destination = openPatiently(one, config.endpoints, signal)
  try {
    const { label, freeBytes } = await destination.signIn(signal)
    const detail =
      one.type === 'local'
        ? `${one.folder}, writable, ${formatFree(freeBytes)}`
        : `${label}, may write to ${one.folder === '' ? 'its root folder' : one.folder}, ${formatFree(freeBytes)}`
    if (freeBytes === 0) {
      return { ok: false, detail: `${label}, ${formatFree(0)}`, remedy: `Free space ${placeOf(one, label)}.` }
    }
    await destination.probe(signal)
    const lapsing = lapsingSignIn(one, config)
    if (lapsing === null) return { ok: true, detail }
    const when = lapsing.lapsesAt === null ? 'soon' : `at ${lapsing.lapsesAt}`
    return { ok: false, detail: `${detail}; the sign-in expires ${when}`, remedy: lapsing.advice }
  } finally {
    await destination.close()
  }
}

function placeOf({ type, folder }: DestinationConfig, label: string): string {
  if (type === 'local') return `on the disk of ${folder}`
  return `in the ${type === 'dropbox' ? 'Dropbox' : 'Google'} account ${label}`
}

/** Of a destination that was signed in to just now; null when its sign-in stays. */
function lapsingSignIn(destination: DestinationConfig, { state, schedule }: LoadedConfig): SignInStatus | null {
  const status = signInStatus({
    destination,
    signIn: signInIn(destination, state.dir),
    lastError: null,
    now: new Date(),
    intervalMs: intervalMs(schedule.every),
  })
  return status === null || status.state === 'ok' ? null : status
}
