import { z } from 'zod'
import type { DestinationKind } from '../destinations/kind.ts'
import { origin, section } from '../schema/parts.ts'

/** An entry of `destinations`, of any kind. */
export function destinationSchema(kinds: readonly DestinationKind[]) {
  const types = `one of ${kinds.map(({ type }) => type).join(', ')}`
  const [first, ...others] = kinds.map(({ schema }) => schema)
  if (first === undefined) throw new Error('There is no kind of destination.')
  return z.discriminatedUnion('type', [first, ...others], {
    error: (issue) => (issue.path?.at(-1) === 'type' ? types : 'a map with name, type and folder'),
  })
}

/** `endpoints`: an origin for each kind that calls a service. */
export function endpointsSchema(kinds: readonly DestinationKind[]) {
  const types = kinds.filter(({ origins }) => origins.length > 0).map(({ type }) => [type, origin.optional()] as const)
  return section('origins that stand in for the services', Object.fromEntries(types))
}
