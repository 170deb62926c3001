import { signInStatus } from '../accounts/sign-in-state.ts'
import { signInIn } from '../accounts/sign-ins.ts'
import type { SignInStatus } from '../contract/results.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { DestinationConfig } from '../config/types.ts'
import { kindOf, traitsOf } from '../destinations/kinds.ts'
import { openPatiently } from '../destinations/open.ts'
import { intervalMs } from '../contract/grid.ts'
import { formatBytes, formatFree } from '../text/bytes.ts'
import type { Finding } from './finding.ts'
import type { LastBackup } from './last-backup.ts'

export interface DestinationCheck {
  readonly config: LoadedConfig
  /** The last archive, which the next one will be about as large as; null: none is known. */
  readonly archive: LastBackup['archive']
  readonly signal: AbortSignal
}

/** Signs in, begins an upload and gives it up, and lists the folder: what a run does. Then, whether the space will do. */
export async function destinationFinding(
  one: DestinationConfig,
  { config, archive, signal }: DestinationCheck,
): Promise<Finding> {
  const destination = openPatiently(one, config.endpoints, signal)
  try {
    const { label, freeBytes } = await destination.signIn(signal)
    const detail = traitsOf(one).isLocal
      ? `${one.folder}, writable, ${formatFree(freeBytes)}`
      : `${label}, may write to ${one.folder === '' ? 'its root folder' : one.folder}, ${formatFree(freeBytes)}`
    if (freeBytes === 0) {
      return { ok: false, detail: `${label}, ${formatFree(0)}`, remedy: `Free space ${placeOf(one, label)}.` }
    }
    await destination.probe(signal)
    const tooLittle = lessThan(archive, freeBytes)
    const space = tooLittle === null ? '' : `; ${tooLittle}`
    const room = tooLittle === null ? '' : `Free space ${placeOf(one, label)}, else the next backup may not fit.`
    const lapsing = lapsingSignIn(one, config)
    if (lapsing !== null) {
      const when = lapsing.lapsesAt === null ? 'soon' : `at ${lapsing.lapsesAt}`
      const remedy = `${lapsing.advice} ${room}`.trim()
      return { ok: false, detail: `${detail}; the sign-in expires ${when}${space}`, remedy }
    }
    if (tooLittle === null) return { ok: true, detail }
    return { ok: true, warning: true, detail: `${detail}${space}`, remedy: room }
  } finally {
    await destination.close()
  }
}

/** Null when there is room for another archive like the last one, or it is not known. */
function lessThan(archive: DestinationCheck['archive'], freeBytes: number | null): string | null {
  if (archive === null || freeBytes === null || freeBytes >= archive.bytes) return null
  return `the last archive, ${archive.name}, has ${formatBytes(archive.bytes)}`
}

function placeOf(one: DestinationConfig, label: string): string {
  const kind = kindOf(one)
  if (kind?.traits.isLocal === true) return `on the disk of ${one.folder}`
  return `in the ${kind?.signIn?.title ?? kind?.title ?? ''} account ${label}`
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
