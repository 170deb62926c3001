import { BackupError } from '../../pipeline/errors.ts'
import { isoLocal } from '../backup/archive-name.ts'
import type { Config } from '../config/types.ts'
import { TransportError } from '../http/transport-error.ts'
import { createTransport } from '../http/transport.ts'
import type { Finding } from './finding.ts'

/** Signing in fails, and due times are wrong, when the clock is off by more than this. ms. */
const TOLERANCE_MS = 2 * 60_000
const MINUTE = 60_000

/**
 * How far this machine's clock is ahead of a cloud service's, in ms (negative: behind), by the Date header of any answer
 * (RFC 9110 section 6.6.1). Null without a cloud destination, or when the service tells no time. Rejects with a
 * TransportError when it cannot be reached.
 */
export async function clockOffset(config: Config, signal: AbortSignal): Promise<number | null> {
  const address = serviceAddress(config)
  if (address === null) return null
  const transport = createTransport({ stallMs: 10_000, answerMs: 10_000 })
  try {
    const before = Date.now()
    const answer = await transport.fetch(address, { method: 'HEAD', signal })
    const there = Date.parse(answer.headers.get('date') ?? '')
    return Number.isNaN(there) ? null : (before + Date.now()) / 2 - there
  } finally {
    transport.close()
  }
}

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

function serviceAddress({ destinations, endpoints }: Config): string | null {
  const kinds = destinations.map(({ type }) => type)
  if (kinds.includes('google-drive')) return endpoints.googleDrive ?? 'https://www.googleapis.com'
  if (kinds.includes('dropbox')) return endpoints.dropbox ?? 'https://api.dropboxapi.com'
  return null
}
