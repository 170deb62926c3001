/** Which archive, and where: from the listings of the destinations alone, so that nothing else has to be left. */
import type { Copy, FoundArchive, Listing, Listings, PassedOver, SentOf } from './found.ts'
import type { Destination, StoredObject } from '../../pipeline/contract/destination.ts'
import { abortError, asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import { byAge, type ByAge } from './by-age.ts'
import { timeInManifest } from './manifest-time.ts'

/** How many names are reported when the one asked for is nowhere. */
const MOST_NAMES = 5

/**
 * Asks all `destinations` at once what they have. A folder's listing is asked, not its files' digests: those would have to
 * be read. Of several objects of one name it is the one that `sentOf` matches, else the destination's newest. Rejects with
 * E_ABORTED only.
 */
export async function askAll(
  destinations: readonly Destination[],
  signal: AbortSignal,
  sentOf: SentOf,
): Promise<Listings> {
  const all: Listing[] = []
  const passedOver: PassedOver[] = []
  const asked = await Promise.allSettled(destinations.map((destination) => objectsAt(destination, sentOf, signal)))
  if (signal.aborted) throw abortError(signal)
  for (const [index, answer] of asked.entries()) {
    const destination = destinations[index]
    if (destination === undefined) continue
    if (answer.status === 'fulfilled') all.push({ destination, ...answer.value })
    else passedOver.push({ destination, error: asBackupError(answer.reason, signal) })
  }
  return { all, passedOver }
}

export function copiesOf(name: string, { all }: Listings): Copy[] {
  return all.flatMap(({ destination, objects, several }) => {
    const stored = objects.get(name)
    const others = (several.get(name) ?? 1) - 1
    return stored === undefined ? [] : [{ destination, stored, ...(others === 0 ? {} : { others }) }]
  })
}

export function namesIn({ all }: Listings): string[] {
  return all.flatMap(({ objects }) => [...objects.keys()])
}

export interface AgeQuestion {
  readonly prefix: string
  /** When archives were begun by the record (`begunByRecord`); empty when it is lost. */
  readonly recorded: ReadonlyMap<string, number>
  readonly now: Date
  readonly signal: AbortSignal
}

/**
 * Orders the archives of the listings, and those of `more` names, by when they were begun. Manifests are read where the
 * record does not know, see `byAge`.
 */
export async function agesIn(
  listings: Listings,
  {
    signal,
    reading,
    more = [],
    ...question
  }: AgeQuestion & { readonly reading: 'newest' | 'all'; readonly more?: readonly string[] },
): Promise<ByAge> {
  const read = (name: string): Promise<number | null> => timeInManifest(copiesOf(name, listings), name, signal)
  return await byAge([...namesIn(listings), ...more], { ...question, read, reading })
}

/**
 * The archive called `name` (any file name), or for null the one that was begun last. Rejects with E_DESTINATION when none
 * of those that answered has it, saying what is there; with the destination's own error when it was the only one to ask.
 */
export async function findArchive(
  listings: Listings,
  { name, ...question }: AgeQuestion & { readonly name: string | null },
): Promise<FoundArchive> {
  const { all, passedOver } = listings
  const [only] = passedOver
  if (only !== undefined && passedOver.length === 1 && all.length === 0) throw only.error
  const named = name === null ? [] : copiesOf(name, listings)
  if (name !== null && named.length > 0) return { name, copies: named, passedOver, ahead: [] }
  const { newest, ahead } = await agesIn(listings, { ...question, reading: 'newest' })
  const [first] = newest
  if (name !== null || first === undefined) throw nowhere(name, listings, newest)
  return { name: first, copies: copiesOf(first, listings), passedOver, ahead: ahead.filter((one) => one !== first) }
}

/** What a person should know about archives that were passed over; null when there are none. */
export function aheadText(ahead: readonly string[], chosen: string): string | null {
  if (ahead.length === 0) return null
  const names = ahead.slice(0, MOST_NAMES).join(', ')
  const more = ahead.length > MOST_NAMES ? ` and ${ahead.length - MOST_NAMES} more` : ''
  return `Started in the future by a wrong clock, so not the newest: ${names}${more}. The newest is ${chosen}. Check the clock; name an archive to use another.`
}

async function objectsAt(
  destination: Destination,
  sentOf: SentOf,
  signal: AbortSignal,
): Promise<Omit<Listing, 'destination'>> {
  const objects = new Map<string, StoredObject>()
  const twins = new Map<string, StoredObject[]>()
  for await (const { name, ...stored } of destination.list(signal)) {
    const first = objects.get(name)
    if (first === undefined) objects.set(name, stored)
    else twins.set(name, [...(twins.get(name) ?? [first]), stored])
  }
  for (const [name, all] of twins) {
    const sent = await sentOf(name)
    const whole = sent === null ? undefined : all.find((one) => isSent(one, sent, destination))
    const chosen = whole ?? (await destination.stat(name, signal))
    if (chosen !== null) objects.set(name, chosen)
  }
  return { objects, several: new Map([...twins].map(([name, all]) => [name, all.length])) }
}

/** By size, and by hash where both sides know it. */
function isSent(
  { bytes, digest }: StoredObject,
  sent: NonNullable<Awaited<ReturnType<SentOf>>>,
  { traits }: Destination,
): boolean {
  return bytes === sent.bytes && (digest === null || sent.digests === null || digest === sent.digests[traits.digest])
}

function nowhere(wanted: string | null, { all, passedOver }: Listings, newest: readonly string[]): BackupError {
  const asked = all.map(({ destination }) => destination.name).join(', ')
  const what = wanted === null ? 'There is no archive' : `There is no ${wanted}`
  const where = all.length === 0 ? 'No destination could be reached.' : `${what} at ${asked}.`
  const failed = passedOver.map(({ error }) => error.message).join(' ')
  const there =
    newest.length === 0
      ? 'Check the names and folders of the destinations in the configuration.'
      : `The newest archives there: ${newest.slice(0, MOST_NAMES).join(', ')}.`
  const mend = passedOver.map(({ error }) => error.advice).filter((advice) => advice !== '')
  return new BackupError('E_DESTINATION', `${where} ${failed}`.trim(), {
    advice: [...(all.length === 0 ? [] : [there]), ...new Set(mend)].join(' '),
  })
}
