import { clockOffset, serviceAddress } from '../destinations/clock.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import { isoLocal } from '../contract/time.ts'
import type { Config } from '../config/types.ts'
import { TransportError } from '../http/transport-error.ts'
import type { Finding } from './finding.ts'

/** Signing in fails, and due times are wrong, when the clock is off by more than this. ms. */
const TOLERANCE_MS = 2 * 60_000
const MINUTE = 60_000

/** Compares this machine's clock with that of a cloud service. */
export async function clockCheck(config: Config, signal: AbortSignal): Promise<Finding> {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const here = `${isoLocal(new Date())} (${zone})`
  if (serviceAddress(config) === null) return { ok: true, detail: `${here}; no cloud service to compare it with` }
  try {
    const off = await clockOffset(config, signal)
    if (off === null)
      return { ok: true, warning: true, detail: `${here}; the service sends no time to compare it with` }
    if (Math.abs(off) <= TOLERANCE_MS) return { ok: true, detail: here }
    const minutes = Math.round(Math.abs(off) / MINUTE)
    return {
      ok: false,
      detail: `${here} is ${minutes} minutes ${off > 0 ? 'ahead of' : 'behind'} the cloud service's clock`,
      remedy:
        "Set the clock and let the system keep it right (Windows: 'Set time automatically'; Linux: timedatectl set-ntp true).",
    }
  } catch (error) {
    // The check of the destination itself reports it.
    if (!(error instanceof TransportError || error instanceof BackupError) || signal.aborted) throw error
    return { ok: true, warning: true, detail: `${here}; not compared with the cloud service: ${error.message}` }
  }
}
