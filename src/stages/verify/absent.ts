import { traitsOf } from '../destinations/kinds.ts'
import type { Copy, Listings } from '../find/found.ts'
import type { VerifyCheck } from '../contract/results.ts'
import { couldNot, failed, unchecked } from './finding.ts'
import type { Finding, Found, Method, VerifyOptions } from './types.ts'

/** What is to be said of destinations that have no copy, by the method that it would have been checked by. */
export function absentFrom(
  { all, passedOver }: Listings,
  { name, sent }: Found,
  { from }: VerifyOptions,
): (method: Method | null) => VerifyCheck[] {
  const shouldHave = (one: string): boolean => from !== null || sent === null || sent.destinations.includes(one)
  const missing = sent === null && from === null ? unchecked : failed
  const why = sent === null && from === null ? `; whether it should be there is unknown here` : ''
  return (method) => [
    ...all
      .filter(({ destination, objects }) => !objects.has(name) && shouldHave(destination.name))
      .map(({ destination }) => check(destination, method, missing(`the archive is not there${why}`))),
    ...passedOver
      .filter(({ destination }) => shouldHave(destination.name))
      .map(({ destination, error }) => check(destination, method, couldNot(destination.name, error))),
  ]
}

function check(destination: Copy['destination'], method: Method | null, finding: Finding): VerifyCheck {
  return { destination: destination.name, method: method ?? traitsOf(destination).proof, ...finding }
}
