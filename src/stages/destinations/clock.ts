import { createTransport } from '../http/transport.ts'
import type { DestinationConfig } from './config.ts'
import { kinds } from './kinds.ts'
import type { Endpoints } from './open.ts'

/** What of the configuration matters here. */
interface Services {
  readonly destinations: readonly DestinationConfig[]
  readonly endpoints: Endpoints
}

/**
 * How far this machine's clock is ahead of a cloud service's, in ms (negative: behind), by the Date header of any answer
 * (RFC 9110 section 6.6.1). Null without a cloud destination, or when the service tells no time. Rejects with a
 * TransportError when it cannot be reached.
 */
export async function clockOffset(config: Services, signal: AbortSignal): Promise<number | null> {
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
export function serviceAddress({ destinations, endpoints }: Services): string | null {
  // Of several any would do.
  const kind = kinds().findLast(
    ({ type, origins }) => origins.length > 0 && destinations.some((one) => one.type === type),
  )
  return kind === undefined ? null : (endpoints[kind.type] ?? kind.origins[0] ?? null)
}
