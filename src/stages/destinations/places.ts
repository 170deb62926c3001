/**
 * Where destinations really are: two that are one place, and folders whose disk is not there. What is found becomes the
 * destination's own fault, so that nothing is written there and the others are not affected.
 */
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DestinationConfig, DestinationFault } from './config.ts'
import { traitsOf } from './kinds.ts'
import { keepMounts, keyOf, notedMounts } from './noted-mounts.ts'
import { openPatiently, type Endpoints, type openDestination } from './open.ts'

/** A network drive that hangs is not waited for: its own calls say so later. ms. */
const LOOK_MS = 10_000

export interface PlaceOptions {
  readonly signal: AbortSignal
  /** Keeps on which mount point each folder lies, to compare later runs with. Else nothing is written. */
  readonly note: boolean
  readonly open?: typeof openDestination
}

/** What of the configuration matters here. */
interface Placed {
  readonly destinations: readonly DestinationConfig[]
  readonly endpoints: Endpoints
  readonly state: { readonly dir: string }
}

/**
 * The configuration with a `fault` at each destination that is another's place, or whose disk is missing. Rejects only with
 * NewerFormatError.
 */
export async function withPlaceFaults<C extends Placed>(config: C, options: PlaceOptions): Promise<C> {
  const known = await notedMounts(config.state.dir)
  const mounts = new Map<string, string | null>()
  const present = await Promise.all(
    config.destinations.map(async (one) => {
      if (!traitsOf(one).isLocal || one.fault !== undefined) return one
      const mount = await soon(mountPointOf(one.folder))
      if (mount === undefined) return one
      const before = known.get(keyOf(one)) ?? null
      if (before !== null && isBelow(before, mount)) return { ...one, fault: diskMissing(one, before) }
      mounts.set(keyOf(one), mount)
      return one
    }),
  )
  const destinations = await withoutDoubles(present, config, options)
  if (options.note) await keepMounts(config.state.dir, known, mounts)
  return { ...config, destinations }
}

async function withoutDoubles(
  all: readonly DestinationConfig[],
  { endpoints }: Placed,
  { signal, open }: PlaceOptions,
): Promise<DestinationConfig[]> {
  const places = await Promise.all(
    all.map(async (one) => {
      // Only another of the same kind can be the same place.
      const isAlone = all.filter(({ type }) => type === one.type).length < 2
      if (isAlone || one.fault !== undefined) return undefined
      const destination = openPatiently(one, endpoints, signal, open)
      return await soon(destination.place(signal)).finally(() => destination.close())
    }),
  )
  return all.map((one, index) => {
    const place = places[index]
    const first = place === undefined ? index : places.indexOf(place)
    const other = all[first]
    return first === index || other === undefined ? one : { ...one, fault: samePlace(one, other) }
  })
}

function samePlace({ name, folder }: DestinationConfig, other: DestinationConfig): DestinationFault {
  return {
    code: 'E_CONFIG',
    message: `${name}: its folder ${folder} is the same place as ${other.folder} of ${other.name}.`,
    advice: `Give ${name} a folder of its own, or remove it from the configuration.`,
  }
}

function diskMissing({ name, folder }: DestinationConfig, mount: string): DestinationFault {
  return {
    code: 'E_DESTINATION',
    message: `${name}: the disk of ${folder} is not there: nothing is mounted at ${mount}, as it was at earlier runs.`,
    advice: `Connect the disk and mount it at ${mount}. If ${folder} is to be on this disk from now on, give the destination another name.`,
  }
}

/** The mount point that a folder lies on; null: that of the whole system. Rejects when the folder cannot be examined. */
export async function mountPointOf(folder: string): Promise<string | null> {
  let here = await realpath(folder)
  const { dev } = await stat(here)
  for (;;) {
    const above = path.dirname(here)
    if (above === here) return null
    if ((await stat(above)).dev !== dev) return here
    here = above
  }
}

/** Whether what was mounted at `before` is missing when the folder lies on `now`, a mount point further up. */
function isBelow(before: string, now: string | null): boolean {
  return now === null || (before !== now && before.startsWith(now.endsWith(path.sep) ? now : now + path.sep))
}

/** Undefined when it fails or takes too long. */
async function soon<T>(work: Promise<T>): Promise<T | undefined> {
  const late = new AbortController()
  try {
    return await Promise.race([work, sleep(LOOK_MS, undefined, { signal: late.signal })])
  } catch {
    return undefined
  } finally {
    late.abort()
  }
}
