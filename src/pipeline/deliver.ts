/**
 * The stage graph's right half: one source of bytes, cut into parts once, hashed once, and sent to every destination
 * from one bounded window. What a later process needs to resume is on the disk before a byte is sent that depends on it.
 *
 *   source ──► parts ──► digests ──► index, ring, record ──► window ─┬─► feed ─► sink ─► destination
 *                                                                    └─► feed ─► sink ─► destination
 */
import { Copies } from './parts/copies.ts'
import type { Destination, StoredObject } from './contract/destination.ts'
import { type DigestName, PART_BYTES } from './contract/digests.ts'
import { abortError, asBackupError, BackupError } from './contract/errors.ts'
import { Feed } from './window/feed.ts'
import { lateDigest } from './parts/late-digest.ts'
import { makeParts } from './make-parts.ts'
import { PartPool } from './parts/part.ts'
import type { PartIndex } from './parts/part-index.ts'
import { PartReader, type PartSources } from './parts/part-reader.ts'
import type { PartRing } from './parts/part-ring.ts'
import type { ProgressReporter } from './contract/progress.ts'
import type { RunRecord, WholeObject } from './journal/run-record.ts'
import { sink } from './send/sink.ts'
import type { Source } from './contract/source.ts'
import { PartWindow, type StallPolicy } from './window/window.ts'

/** 48 MiB of archive: the largest request, of 32 MiB, and what is made while it is sent. */
export const WINDOW_PARTS = 12

/** How many of the last parts are kept on disk: the window's, and as much again for one that is being let go. */
export const RING_PARTS = 2 * WINDOW_PARTS

/**
 * The largest request a destination may ask for, in bytes: it may begin within a part, and one byte after it has to be
 * there.
 */
export const MAX_REQUEST_BYTES = (WINDOW_PARTS - 1) * PART_BYTES

/** What requests of one upload that are in flight at once carry together, in bytes: as much as the largest one. */
const MOST_IN_FLIGHT = 32 * 1024 * 1024

/** How long requests that are in flight when the run is stopped may still take, ms. */
const FINISH_MS = 30_000

/** What outlives the process. */
export interface RunStore {
  readonly record: RunRecord
  readonly index: PartIndex
  readonly ring: PartRing
}

export interface UploadsInput {
  readonly object: string
  readonly destinations: readonly Destination[]
  /** By which other destinations will prove themselves that are to have the archive later; none unless given. */
  readonly digests?: readonly DigestName[]
  readonly runStore: RunStore
  /** Its destinations are in the order of `destinations`. */
  readonly reporter: ProgressReporter
  /** Hears of each destination's end when it comes; not of those that end because the run does. */
  readonly onOutcome?: (outcome: Outcome) => void
  readonly stallPolicy?: StallPolicy
  /** Starts nothing new once it is aborted; requests in flight may end. */
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
 * The uploads of one archive to every destination under the name `object`, each from where `runStore` and the destination
 * itself say that it is. One that is slow or fails does not hold the others up. In this order: `begun`, then `send` if it
 * is wanted, or `fail`, then `committed`. Uploads that did not get to their end are left open, for a later process to resume.
 */
export class Uploads {
  readonly #input: UploadsInput
  readonly #window: PartWindow
  readonly #pool = new PartPool()
  readonly #parts: PartSources
  readonly #source = Promise.withResolvers<Source>()
  readonly #whole = Promise.withResolvers<WholeObject>()
  readonly #firstBegun = Promise.withResolvers<undefined>()
  /** Destinations that did not hold the archive when the uploads began. */
  readonly #lacking: number
  readonly #outcomes: Promise<readonly Outcome[]>
  readonly #failed = new AbortController()
  readonly #stop: AbortSignal
  readonly #halt: Halt
  #failure: BackupError | null = null

  /** Starts all of them. */
  constructor(input: UploadsInput) {
    this.#input = input
    const { destinations, runStore, signal, stallPolicy } = input
    const { state } = runStore.record
    this.#stop = AbortSignal.any([signal, this.#failed.signal])
    this.#halt = haltAfter(this.#stop)
    this.#lacking = destinations.filter(({ name }) => state.upload(name).stored === null).length
    this.#window = new PartWindow({
      capacity: WINDOW_PARTS,
      begin: state.made.bytes,
      readers: this.#lacking,
      onFree: (part) => {
        this.#pool.recycle(part)
      },
      ...(stallPolicy === undefined ? {} : { stallPolicy }),
    })
    for (const { promise } of [this.#source, this.#whole]) promise.catch(() => undefined)
    // Who wants bytes to be made again before there is a source waits for it.
    this.#parts = { ...runStore, source: this.#source.promise, copies: new Copies(this.#lacking), pool: this.#pool }
    // With none left to open there is nothing to wait for.
    this.#outcomes = Promise.all(destinations.map((one, index) => this.#upload(one, index))).finally(() => {
      this.#firstBegun.resolve(undefined)
    })
  }

  /**
   * Resolves with true once a destination can be written to: an upload was begun or resumed. When an earlier process made
   * the whole archive, at once, as nothing is made then, and a destination may need bytes to find out whether it has it.
   * False: every destination holds the archive or has failed.
   */
  async begun(): Promise<boolean> {
    const { made, whole } = this.#input.runStore.record.state
    if (whole === null) await this.#firstBegun.promise
    this.#input.reporter.archived(made.bytes)
    return this.#lacking > 0 && !this.#window.isDeserted
  }

  /** Makes the archive, as far as an earlier process did not, and sends it. Rejects with the source's error. */
  async send(source: Source): Promise<void> {
    this.#source.resolve(source)
    const whole = await makeParts({
      ...this.#input,
      source,
      digests: digestsFor(this.#input),
      window: this.#window,
      pool: this.#pool,
      reader: new PartReader(this.#parts),
      stop: this.#stop,
    })
    this.#whole.resolve(whole)
  }

  /** There will be no more of the archive. It is not the run that failed when no destination was left to send to. */
  fail(error: unknown): void {
    const cause = asBackupError(error, this.#stop)
    if (!(cause.code === 'E_DESTINATION' && this.#window.isDeserted)) {
      this.#failure = cause
      this.#window.fail(cause)
      this.#failed.abort(cause)
    }
    this.#source.reject(cause)
    this.#whole.reject(cause)
  }

  /** Resolves when each destination has committed or failed, however that came about. */
  async committed(): Promise<Delivery> {
    const { runStore, signal } = this.#input
    const outcomes = await this.#outcomes
    this.#halt.clear()
    if (this.#failure === null) noteHopeless(runStore.record, outcomes)
    // A stop that came when all was stored already has stopped nothing.
    const isStopped = signal.aborted && outcomes.some(({ error }) => error !== null)
    const failure = this.#failure ?? (isStopped ? abortError(signal) : null)
    return { whole: runStore.record.state.whole, failure, outcomes }
  }

  /** Resolves however it ended. */
  async #upload(destination: Destination, index: number): Promise<Outcome> {
    const { object, runStore, reporter, onOutcome } = this.#input
    const { record } = runStore
    const { copies } = this.#parts
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
      object,
      feed: new Feed(this.#window, new PartReader(this.#parts)),
      record,
      mostInFlight: MOST_IN_FLIGHT,
      published: () => this.#window.published,
      whole: this.#whole.promise,
      digestOf: (whole) => this.#digestOf(whole, destination.traits.digest),
      reporter: own,
      onBegun: () => {
        this.#firstBegun.resolve(undefined)
      },
      stop: this.#stop,
      halt: this.#halt.signal,
    }).then(
      (stored): Outcome => ({ destination, stored, error: null }),
      (error: unknown): Outcome => ({ destination, stored: null, error: asBackupError(error) }),
    )
    if (outcome.stored !== null) copies.add({ destination, stored: outcome.stored })
    copies.ended()
    if (!this.#stop.aborted) onOutcome?.(outcome)
    return outcome
  }

  /** Made now, and noted, where the archive was made for destinations that did not need it. */
  async #digestOf(whole: WholeObject, name: DigestName): Promise<string> {
    const { record } = this.#input.runStore
    const known = record.state.whole?.digests[name] ?? whole.digests[name]
    if (known !== undefined) return known
    const made = await lateDigest(name, whole.bytes, new PartReader(this.#parts), this.#stop)
    const { made: frontier, whole: now } = record.state
    record.made(frontier, { ...(now ?? whole), digests: { ...(now ?? whole).digests, [name]: made } })
    await record.sync()
    return made
  }
}

/** The content hash needs next to no time, and names an archive wherever it lies. */
function digestsFor({ destinations, digests = [] }: UploadsInput): DigestName[] {
  return [...new Set<DigestName>(['contentHash', ...destinations.map(({ traits }) => traits.digest), ...digests])]
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

interface Halt {
  readonly signal: AbortSignal
  readonly clear: () => void
}

/** A signal that follows `stop` after the time that requests in flight are given. */
function haltAfter(stop: AbortSignal): Halt {
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
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', begin)
    },
  }
}
