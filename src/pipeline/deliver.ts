/**
 * The stage graph's right half: one source of bytes, cut into parts once, hashed once, and sent to every destination
 * from one bounded window.
 *
 *   source ──► parts ──► digests ──► window ─┬─► sink ─► destination
 *                                            └─► sink ─► destination
 */
import type { Destination, StoredObject } from './destination.ts'
import { ObjectDigest } from './digest.ts'
import { abortError, asBackupError, BackupError } from './errors.ts'
import { cutParts, PART_BYTES, PartPool } from './part.ts'
import type { Progress } from './progress.ts'
import { sink, type WholeObject } from './sink.ts'
import { PartWindow } from './window.ts'

/** 48 MiB of archive: the largest request, of 32 MiB, and what is made while it is sent. */
export const WINDOW_PARTS = 12

/**
 * The largest request a destination may ask for, in bytes: it may begin within a part, and one byte after it has to be
 * there.
 */
export const MAX_REQUEST_BYTES = (WINDOW_PARTS - 1) * PART_BYTES

export interface DeliverInput {
  readonly source: AsyncIterable<Uint8Array>
  readonly object: string
  readonly destinations: readonly Destination[]
  /** `progress.destinations` are in the order of `destinations`. */
  readonly progress: Progress
  /** Hears of each destination's end when it comes; not of those that end because the run does. */
  readonly onOutcome?: (outcome: Outcome) => void
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
 * Sends `source` to every destination under the name `object`. A destination that fails does not hold the others.
 * Resolves when each has committed or failed, however that came about; when the source fails or `signal` is aborted,
 * every upload that had not committed is aborted. The source is not read before one destination is open.
 */
export async function deliver(input: DeliverInput): Promise<Delivery> {
  const { destinations, object, progress } = input
  const stop = new AbortController()
  const signal = AbortSignal.any([input.signal, stop.signal])
  const pool = new PartPool()
  const window = new PartWindow(WINDOW_PARTS, (part) => {
    pool.giveBack(part)
  })
  const whole = Promise.withResolvers<WholeObject>()
  whole.promise.catch(() => undefined)
  const begun = Promise.withResolvers<undefined>()

  const outcomes = destinations.map(async (destination, index): Promise<Outcome> => {
    const own = progress.destinations[index]
    if (own === undefined) throw new RangeError('progress does not fit the destinations')
    const onBegun = (): void => {
      begun.resolve(undefined)
    }
    const branch = window.open()
    const outcome = await sink({
      destination,
      object,
      branch,
      whole: whole.promise,
      progress: own,
      onBegun,
      signal,
    }).then(
      (stored): Outcome => ({ destination, stored, error: null }),
      (error: unknown): Outcome => ({ destination, stored: null, error: asBackupError(error) }),
    )
    if (!signal.aborted) input.onOutcome?.(outcome)
    return outcome
  })
  // With none left to open there is nothing to wait for.
  const settled = Promise.all(outcomes).finally(() => {
    begun.resolve(undefined)
  })

  let failure: BackupError | null = null
  try {
    await begun.promise
    if (window.isDeserted) throw new BackupError('E_DESTINATION', 'No destination could be opened.')
    whole.resolve(await fill(window, pool, input, signal))
    window.close()
  } catch (error) {
    const cause = asBackupError(error, signal)
    if (!(cause.code === 'E_DESTINATION' && window.isDeserted)) {
      failure = cause
      window.fail(cause)
      stop.abort(cause)
    }
    whole.reject(cause)
  }
  const ended = await settled
  // A stop that came when all was stored already has stopped nothing.
  if (input.signal.aborted && ended.some(({ error }) => error !== null)) failure ??= abortError(input.signal)
  return { whole: await whole.promise.catch(() => null), failure, outcomes: ended }
}

async function fill(
  window: PartWindow,
  pool: PartPool,
  { source, progress }: DeliverInput,
  signal: AbortSignal,
): Promise<WholeObject> {
  const digest = new ObjectDigest()
  let bytes = 0
  for await (const part of cutParts(whileWanted(source, window, signal), pool)) {
    digest.update(part.bytes)
    bytes += part.bytes.length
    progress.archiveBytes = bytes
    await window.put(part, signal)
  }
  return { bytes, digests: digest.digests() }
}

/** Ends between any two chunks: of data that packs well, gigabytes go by before a part is full. */
async function* whileWanted(
  source: AsyncIterable<Uint8Array>,
  window: PartWindow,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (signal.aborted) throw abortError(signal)
    if (window.isDeserted) throw new BackupError('E_DESTINATION', 'No destination is left to send to.')
    yield chunk
  }
}
