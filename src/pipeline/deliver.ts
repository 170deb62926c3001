/**
 * The stage graph's right half: one source of bytes, cut into parts once, hashed once, and sent to every destination
 * from one bounded window. What a later process needs to go on is on the disk before a byte is sent that depends on it.
 *
 *   source ──► parts ──► digests ──► index, ring, record ──► window ─┬─► feed ─► sink ─► destination
 *                                                                    └─► feed ─► sink ─► destination
 */
import { Copies } from './copies.ts'
import type { Destination, StoredObject } from './destination.ts'
import type { DigestName } from './digests.ts'
import { abortError, asBackupError, BackupError } from './errors.ts'
import { Feed } from './feed.ts'
import { lateDigest } from './late-digest.ts'
import { makeParts } from './make-parts.ts'
import { PART_BYTES, PartPool } from './part.ts'
import type { PartIndex } from './part-index.ts'
import { PartReader } from './part-reader.ts'
import type { PartRing } from './part-ring.ts'
import type { ProgressReporter } from './progress.ts'
import type { RunRecord, WholeObject } from './run-record.ts'
import { sink } from './sink.ts'
import type { Source } from './source.ts'
import { PartWindow, type HoldUp } from './window.ts'

/** 48 MiB of archive: the largest request, of 32 MiB, and what is made while it is sent. */
export const WINDOW_PARTS = 12

/** How many of the last parts are kept on disk: the window's, and as much again for one that is being let go. */
export const RING_PARTS = 2 * WINDOW_PARTS

/**
 * The largest request a destination may ask for, in bytes: it may begin within a part, and one byte after it has to be
 * there.
 */
export const MAX_REQUEST_BYTES = (WINDOW_PARTS - 1) * PART_BYTES

/** What requests of one upload that are under way at once carry together, in bytes: as much as the largest one. */
const MOST_UNDER_WAY = 32 * 1024 * 1024

/** How long requests that are under way when the run is stopped may still take, ms. */
const FINISH_MS = 30_000

/** What outlives the process. */
export interface Keeping {
  readonly record: RunRecord
  readonly index: PartIndex
  readonly ring: PartRing
}

export interface DeliverInput {
  readonly source: Source
  readonly object: string
  readonly destinations: readonly Destination[]
  /** By which other destinations will prove themselves that are to have the archive later; none unless told. */
  readonly digests?: readonly DigestName[]
  readonly keeping: Keeping
  /** Its destinations are in the order of `destinations`. */
  readonly reporter: ProgressReporter
  /** Hears of each destination's end when it comes; not of those that end because the run does. */
  readonly onOutcome?: (outcome: Outcome) => void
  readonly holdUp?: HoldUp
  /** Begins nothing new once it is aborted; requests under way may end. */
  readonly signal: AbortSignal
}

export interface Outcome {
  readonly destination: Destination
  readonly stored: StoredObject | null
  /** Null exactly when `stored` is not. */
  readonly error: BackupError | null
}

export interface Delivery {
  /** Null when the source was not read to its end. */
  readonly whole: WholeObject | null
  /** Why it ended early: the source's error, or what `signal` was aborted with; null when it did not. */
  readonly failure: BackupError | null
  /** In the order of the destinations. */
  readonly outcomes: readonly Outcome[]
}

/**
 * Brings the archive to every destination under the name `object`, each from where `keeping` and the destination itself
 * say that it is. A destination that is slow or fails does not hold the others. Resolves when each has committed or
 * failed, however that came about. Uploads that did not get to their end are left open. The source is not read before
 * one destination is open.
 */
export async function deliver(input: DeliverInput): Promise<Delivery> {
  const { destinations, reporter, keeping } = input
  const { record } = keeping
  const ended = new AbortController()
  const stop = AbortSignal.any([input.signal, ended.signal])
  const { halt, clear } = haltAfter(stop)
  const pool = new PartPool()
  const open = destinations.filter((one) => record.state.upload(one.name).stored === null)
  const window = new PartWindow({
    capacity: WINDOW_PARTS,
    begin: record.state.made.bytes,
    readers: open.length,
    onFree: (part) => {
      pool.giveBack(part)
    },
    ...(input.holdUp === undefined ? {} : { holdUp: input.holdUp }),
  })
  const copies = new Copies(open.length)
  const sources = { ...keeping, source: input.source, copies, pool }
  const whole = Promise.withResolvers<WholeObject>()
  whole.promise.catch(() => undefined)
  const begun = Promise.withResolvers<undefined>()

  const outcomes = destinations.map(async (destination, index): Promise<Outcome> => {
    const own = reporter.destinations[index]
    if (own === undefined) throw new RangeError('the reporter does not fit the destinations')
    const before = record.state.upload(destination.name).stored
    if (before !== null) {
      copies.all.push({ destination, stored: before })
      own.completed(before.bytes)
      return { destination, stored: before, error: null }
    }
    const outcome = await sink({
      destination,
      object: input.object,
      feed: new Feed(window, new PartReader(sources)),
      record,
      mostUnderWay: MOST_UNDER_WAY,
      published: () => window.published,
      whole: whole.promise,
      digestOf: async (made) => await digestOf(made, destination.traits.digest, record, new PartReader(sources), stop),
      reporter: own,
      onBegun: () => {
        begun.resolve(undefined)
      },
      stop,
      halt,
    }).then(
      (stored): Outcome => ({ destination, stored, error: null }),
      (error: unknown): Outcome => ({ destination, stored: null, error: asBackupError(error) }),
    )
    if (outcome.stored !== null) copies.add({ destination, stored: outcome.stored })
    copies.ended()
    if (!stop.aborted) input.onOutcome?.(outcome)
    return outcome
  })
  // With none left to open there is nothing to wait for.
  const settled = Promise.all(outcomes).finally(() => {
    begun.resolve(undefined)
  })

  let failure: BackupError | null = null
  try {
    await begun.promise
    if (window.isDeserted && open.length > 0) throw deserted()
    if (open.length > 0)
      whole.resolve(
        await makeParts({
          ...input,
          digests: digestsFor(input),
          window,
          pool,
          reader: new PartReader(sources),
          stop,
        }),
      )
  } catch (error) {
    const cause = asBackupError(error, stop)
    if (!(cause.code === 'E_DESTINATION' && window.isDeserted)) {
      failure = cause
      window.fail(cause)
      ended.abort(cause)
    }
    whole.reject(cause)
  }
  const all = await settled
  clear()
  if (failure === null) noteHopeless(record, all)
  // A stop that came when all was stored already has stopped nothing.
  if (input.signal.aborted && all.some(({ error }) => error !== null)) failure ??= abortError(input.signal)
  return { whole: record.state.whole, failure, outcomes: all }
}

/** The content hash needs next to no time, and names an archive wherever it lies. */
function digestsFor({ destinations, digests = [] }: DeliverInput): DigestName[] {
  return [...new Set<DigestName>(['contentHash', ...destinations.map(({ traits }) => traits.digest), ...digests])]
}

/** Made now, and noted, where the archive was made for destinations that did not need it. */
async function digestOf(
  whole: WholeObject,
  name: DigestName,
  record: RunRecord,
  reader: PartReader,
  signal: AbortSignal,
): Promise<string> {
  const known = record.state.whole?.digests[name] ?? whole.digests[name]
  if (known !== undefined) return known
  const made = await lateDigest(name, whole.bytes, reader, signal)
  const { made: frontier, whole: now } = record.state
  record.made(frontier, { ...(now ?? whole), digests: { ...(now ?? whole).digests, [name]: made } })
  await record.sync()
  return made
}

/**
 * What only a copy of the archive could have brought no later run will bring, unless another destination may still come
 * to have one.
 */
function noteHopeless(record: RunRecord, outcomes: readonly Outcome[]): void {
  const here = outcomes.map(({ destination }) => destination.name)
  const lost = outcomes.filter(({ error }) => error?.code === 'E_SOURCE').map(({ destination }) => destination.name)
  const others = [...record.state.uploads].filter(([name]) => !lost.includes(name))
  if (others.some(([name, { stored, hopeless }]) => !hopeless && (stored === null || !here.includes(name)))) return
  for (const name of lost) record.upload(name, { hopeless: true })
}

const deserted = (): BackupError => new BackupError('E_DESTINATION', 'No destination could be opened.')

/** A signal that follows `stop` after the time that requests under way are given. */
function haltAfter(stop: AbortSignal): { readonly halt: AbortSignal; readonly clear: () => void } {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const begin = (): void => {
    timer = setTimeout(() => {
      controller.abort(abortError(stop))
    }, FINISH_MS)
  }
  stop.addEventListener('abort', begin, { once: true })
  if (stop.aborted) begin()
  return {
    halt: controller.signal,
    clear: () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', begin)
    },
  }
}
