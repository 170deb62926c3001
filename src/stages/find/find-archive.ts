/** Which archive, and where: from the listings of the destinations alone, so that nothing else has to be left. */
import type { Destination, StoredObject } from '../../pipeline/destination.ts'
import { abortError, asBackupError, BackupError } from '../../pipeline/errors.ts'
import { newestFirst } from './archive-names.ts'

export interface Copy {
  readonly destination: Destination
  readonly stored: StoredObject
}

/** A destination that could not be asked. */
export interface PassedOver {
  readonly destination: Destination
  readonly error: BackupError
}

export interface FoundArchive {
  readonly name: string
  /** At least one; in the order of the destinations. */
  readonly copies: readonly Copy[]
  /** What they may have is not known. */
  readonly passedOver: readonly PassedOver[]
}

interface Listing {
  readonly destination: Destination
  /** By name. */
  readonly objects: ReadonlyMap<string, StoredObject>
}

/** What several destinations say they have. */
export interface Listings {
  /** Of those that answered, in the order of the destinations. */
  readonly all: readonly Listing[]
  readonly passedOver: readonly PassedOver[]
}

/** How many names are told when the one asked for is nowhere. */
const MOST_NAMES = 5

/**
 * Asks all `destinations` at once what they have. A folder's listing is asked, not its files' digests: those would have to
 * be read. Rejects with E_ABORTED only.
 */
export async function askAll(destinations: readonly Destination[], signal: AbortSignal): Promise<Listings> {
  const all: Listing[] = []
  const passedOver: PassedOver[] = []
  const asked = await Promise.allSettled(destinations.map((destination) => objectsAt(destination, signal)))
  if (signal.aborted) throw abortError(signal)
  for (const [index, answer] of asked.entries()) {
    const destination = destinations[index]
    if (destination === undefined) continue
    if (answer.status === 'fulfilled') all.push({ destination, objects: answer.value })
    else passedOver.push({ destination, error: asBackupError(answer.reason, signal) })
  }
  return { all, passedOver }
}

export function copiesOf(name: string, { all }: Listings): Copy[] {
  return all.flatMap(({ destination, objects }) => {
    const stored = objects.get(name)
    return stored === undefined ? [] : [{ destination, stored }]
  })
}

export function namesIn({ all }: Listings): string[] {
  return all.flatMap(({ objects }) => [...objects.keys()])
}

/**
 * The archive called `name` (any file name), or for null the newest by the time in its name. Throws E_DESTINATION when none
 * of those that answered has it, saying what is there; the destination's own error when it was the only one to ask.
 */
export function findArchive(
  listings: Listings,
  { name, prefix }: { readonly name: string | null; readonly prefix: string },
): FoundArchive {
  const { all, passedOver } = listings
  const [only] = passedOver
  if (only !== undefined && passedOver.length === 1 && all.length === 0) throw only.error
  const newest = newestFirst(namesIn(listings), prefix)
  const wanted = name ?? newest[0] ?? null
  const copies = wanted === null ? [] : copiesOf(wanted, listings)
  if (wanted === null || copies.length === 0) throw nowhere(wanted, listings, newest)
  return { name: wanted, copies, passedOver }
}

async function objectsAt(destination: Destination, signal: AbortSignal): Promise<Map<string, StoredObject>> {
  const objects = new Map<string, StoredObject>()
  for await (const { name, ...stored } of destination.list(signal)) {
    // Names are not unique in Drive; which of several it is, its `stat` decides.
    if (objects.has(name)) {
      const one = await destination.stat(name, signal)
      if (one !== null) objects.set(name, one)
    } else {
      objects.set(name, stored)
    }
  }
  return objects
}

function nowhere(wanted: string | null, { all, passedOver }: Listings, newest: readonly string[]): BackupError {
  const asked = all.map(({ destination }) => destination.name).join(', ')
  const what = wanted === null ? 'There is no archive' : `There is no ${wanted}`
  const where = all.length === 0 ? 'No destination could be asked.' : `${what} at ${asked}.`
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
