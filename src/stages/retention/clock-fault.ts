import type { Config } from '../config/types.ts'
import { clockOffset } from '../destinations/clock.ts'

/** A clock that is off by this makes archives look old that are not. ms. */
const TOO_FAR_MS = 12 * 3_600_000

export interface ClockAnswer {
  /** Why nothing may be deleted by this machine's clock: a cloud service's is another; null when that is not so. */
  readonly fault: string | null
  /** Whether a cloud service has the same time. */
  readonly confirmed: boolean
}

/** Holds this machine's clock against that of a cloud service, where one of these destinations is there to ask. */
export async function askClock(config: Config, signal: AbortSignal): Promise<ClockAnswer> {
  const off = await clockOffset(config, signal).catch(() => null)
  if (off === null) return { fault: null, confirmed: false }
  if (Math.abs(off) < TOO_FAR_MS) return { fault: null, confirmed: true }
  const hours = Math.round(Math.abs(off) / 3_600_000)
  const fault = `This machine's clock is ${hours} hours ${off > 0 ? 'ahead of' : 'behind'} that of the cloud service, so no archive was deleted. Set the clock.`
  return { fault, confirmed: false }
}
