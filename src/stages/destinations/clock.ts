import type { Config } from '../config/types.ts'
import { createTransport } from '../http/transport.ts'

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

/** A service of the configuration whose clock may be asked; null when there is none. */
export function serviceAddress({ destinations, endpoints }: Config): string | null {
  const kinds = destinations.map(({ type }) => type)
  if (kinds.includes('google-drive')) return endpoints.googleDrive ?? 'https://www.googleapis.com'
  if (kinds.includes('dropbox')) return endpoints.dropbox ?? 'https://api.dropboxapi.com'
  return null
}
