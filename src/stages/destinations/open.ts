import type { Destination } from '../../pipeline/contract/destination.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import { DEFAULT_RETRY } from '../../pipeline/send/backoff.ts'
import { withRetry } from '../../pipeline/send/retry.ts'
import { createTransport } from '../http/transport.ts'
import type { Transport } from '../http/types.ts'
import type { DestinationConfig } from './config.ts'
import type { DestinationKind } from './kind.ts'
import { kindOf, traitsOf } from './kinds.ts'
import { lateDestination } from './late.ts'

/** Origins that stand in for services, by type; those that are not named are called themselves. */
export type Endpoints = Readonly<Partial<Record<string, string>>>

/**
 * A destination of the configuration, not signed in yet. Never throws: one that cannot be opened rejects every call with
 * the reason.
 */
export function openDestination(config: DestinationConfig, endpoints: Endpoints): Destination {
  const { name, type, fault } = config
  const kind = kindOf(config)
  return lateDestination({ name, type, traits: traitsOf(config) }, async () => {
    if (fault !== undefined) throw new BackupError(fault.code, fault.message, { advice: fault.advice })
    if (kind === null) throw new BackupError('E_CONFIG', `${name}: unknown type of destination.`)
    return await kind.open(config, { transport: () => transportTo(kind, endpoints, name) })
  })
}

/** A person waits: so long is tried again after the first failure of a call. ms. */
const BUDGET_MS = 8000

/** A destination that is only asked or tried, for a person who waits: one hiccup makes none unusable. */
export function openPatiently(
  config: DestinationConfig,
  endpoints: Endpoints,
  signal: AbortSignal,
  open: typeof openDestination = openDestination,
): Destination {
  const policy = { ...DEFAULT_RETRY, budgetMs: BUDGET_MS, openingBudgetMs: BUDGET_MS }
  return withRetry(open(config, endpoints), { policy, stop: signal })
}

/** A destination's way to its service, or to what stands in for it. The caller closes it. Throws E_CONFIG. */
export function transportTo(
  { type, origins }: Pick<DestinationKind, 'type' | 'origins'>,
  endpoints: Endpoints,
  destination: string,
): Transport {
  const endpoint = endpoints[type]
  return createTransport({
    destination,
    origins: endpoint === undefined ? {} : Object.fromEntries(origins.map((origin) => [origin, endpoint])),
  })
}
