import type { Config } from '../config/types.ts'
import { clockOffset } from '../doctor/clock.ts'

/** A clock that is off by this makes archives look old that are not. ms. */
const TOO_FAR_MS = 12 * 3_600_000

/**
 * Why nothing may be deleted by this machine's clock: a cloud service's is another. Null when they agree, or there is
 * none to ask.
 */
export async function clockFault(config: Config, signal: AbortSignal): Promise<string | null> {
  const off = await clockOffset(config, signal).catch(() => null)
  if (off === null || Math.abs(off) < TOO_FAR_MS) return null
  const hours = Math.round(Math.abs(off) / 3_600_000)
  return `This machine's clock is ${hours} hours ${off > 0 ? 'ahead of' : 'behind'} that of the cloud service, so no archive was deleted. Set the clock.`
}
