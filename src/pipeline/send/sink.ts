import { lengthOf } from '../flow/chunks.ts'
import type { Destination, Resumed, StoredObject, Upload } from '../contract/destination.ts'
import { abortError, asBackupError, BackupError } from '../contract/errors.ts'
import type { Feed } from '../window/feed.ts'
import { InFlight } from './in-flight.ts'
import type { DestinationReporter } from '../contract/progress.ts'
import type { RunRecord, WholeObject } from '../journal/run-record.ts'
import type { ByteRange } from '../window/window.ts'

/** An upload that ends or loses bytes without getting any further is restarted so many times, then given up. */
const RESTARTS = 3

const FIRST_BYTES = 1024 * 1024

export interface SinkInput {
  readonly destination: Destination
  readonly object: string
  readonly feed: Feed
  /** Where it is noted how far the upload is. */
  readonly record: RunRecord
  /** Bytes that requests in flight at once may carry together: they have to be in the window. */
  readonly mostInFlight: number
  /** Bytes of the archive that may have been sent by anyone. */
  readonly published: () => number
  /** Resolves when the source has ended. */
  readonly whole: Promise<WholeObject>
  /** The archive's digest by which the destination proves itself. Rejects with E_SOURCE when it cannot be had. */
  readonly digestOf: (whole: WholeObject) => Promise<string>
  readonly reporter: DestinationReporter
  /** Called when the upload has been opened. */
  readonly onBegun: () => void
  /** Starts nothing new after it. */
  readonly stop: AbortSignal
  /** Aborts what is in flight. */
  readonly halt: AbortSignal
}

/**
 * Brings the archive to one destination: resumes its upload where the far side says that it is, or begins one, and sends
 * from there to the end. An upload that is gone starts again at byte 0, at this destination's own pace (docs/design.md,
 * *Retrying*). Resolves when the destination has proved by its own digest that it holds the object. When it rejects, the
 * upload is left as it is, for a later process to resume; nothing shows under the object's name.
 */
export async function sink(input: SinkInput): Promise<StoredObject> {
  const { destination, feed, record, reporter } = input
  try {
    const stored = await store(input)
    record.upload(destination.name, { stored, token: null, held: stored.bytes, error: null })
    // What is stored is stored: without the note a later process asks for it again.
    await record.sync().catch(() => undefined)
    reporter.completed(stored.bytes)
    return stored
  } catch (thrown) {
    const error = asBackupError(thrown)
    reporter.ended({ isStopped: error.code === 'E_ABORTED' })
    const { code, message } = error
    // What was damaged on its way is not resumed.
    const anew = code === 'E_INTEGRITY' ? { token: null, held: 0 } : {}
    if (code !== 'E_ABORTED') record.upload(destination.name, { ...anew, error: { code, message } })
    throw error
  } finally {
    await feed.leave()
  }
}

async function store(input: SinkInput): Promise<StoredObject> {
  const isResumed = input.record.state.made.parts > 0
  let restarts = 0
  let furthest = 0
  for (;;) {
    try {
      const opened = await open(input, isResumed)
      if ('stored' in opened) return opened.stored
      return await send(opened.upload, input, isResumed && opened.isNew)
    } catch (error) {
      const remedy = error instanceof BackupError ? error.remedy : 'stop'
      // It holds less than it had acknowledged: it is asked again, and sent what it lacks.
      const lacksMore = remedy === 'resume' && error instanceof BackupError && error.code === 'E_OFFSET'
      if (remedy !== 'restart' && !lacksMore) throw error
      if (input.feed.offset > furthest) restarts = 0
      furthest = Math.max(furthest, input.feed.offset)
      restarts += 1
      if (restarts > RESTARTS) throw error
      if (!lacksMore) await forget(input)
    }
  }
}

/** An upload that is open, with the feed at the first byte that it lacks; or the object, when it is there already. */
type Opened = { readonly upload: Upload; readonly isNew: boolean } | { readonly stored: StoredObject }

/** `isResumed`: an earlier process may have stored the object, though its journal lost what it knew of it. */
async function open(input: SinkInput, isResumed: boolean): Promise<Opened> {
  const { destination, object, feed, record, reporter, halt, stop } = input
  if (stop.aborted) throw abortError(stop)
  const { token, held } = record.state.upload(destination.name)
  if (token !== null) {
    const resumed = await resume(input, token, held)
    if (resumed !== null) return resumed
  } else if (isResumed) {
    const stored = await committedBefore(input)
    if (stored !== null) return { stored }
  }
  const upload = await destination.begin(object, halt)
  record.upload(destination.name, { token: upload.token, held: 0 })
  await record.sync()
  feed.seek(0)
  reporter.held(0)
  input.onBegun()
  return { upload, isNew: true }
}

/** The same for an upload that was begun before. Null when it is gone, and the object is not there either. */
async function resume(input: SinkInput, token: string, acknowledged: number): Promise<Opened | null> {
  const { destination, feed, record, reporter, halt } = input
  let resumed: Resumed
  try {
    resumed = await destination.resume(token, acknowledged, halt)
  } catch (error) {
    if (!(error instanceof BackupError) || error.remedy !== 'restart') throw error
    const stored = await committedBefore(input)
    if (stored !== null) return { stored }
    await forget(input)
    return null
  }
  const { upload, held } = resumed
  if (held > input.published()) {
    // Bytes of which nothing is known: only a journal that was damaged comes to this.
    await upload.abort()
    await forget(input)
    return null
  }
  if (held < acknowledged || upload.token !== token) {
    // What comes after `held` is not acknowledged yet, as a later process would take it to be.
    record.upload(destination.name, { token: upload.token, held: Math.min(held, acknowledged) })
    await record.sync()
  }
  feed.seek(held)
  reporter.held(held)
  input.onBegun()
  return { upload, isNew: false }
}

/** The object as the destination holds it, when a commit went through of which nobody heard the answer. */
async function committedBefore({
  destination,
  object,
  record,
  digestOf,
  halt,
}: SinkInput): Promise<StoredObject | null> {
  const { whole } = record.state
  if (whole === null) return null
  const stored = await destination.stat(object, halt)
  if (stored?.bytes !== whole.bytes) return null
  return stored.digest === (await digestOf(whole)) ? stored : null
}

async function forget({ destination, record }: SinkInput): Promise<void> {
  record.upload(destination.name, { token: null, held: 0 })
  await record.sync()
}

/** `mayBeStored`: by an upload before this one of which nothing is known any more. */
async function send(upload: Upload, input: SinkInput, mayBeStored: boolean): Promise<StoredObject> {
  const requests = new InFlight(() => input.feed.offset, input.halt)
  try {
    const { range, isTooLarge } = await sendAllButTheLast(upload, input, requests)
    await requests.all()
    if (isTooLarge) {
      await upload.abort()
      input.record.upload(input.destination.name, { token: null, held: 0, hopeless: true })
      throw tooLarge(input.destination)
    }
    return await commit(upload, range, input, mayBeStored)
  } finally {
    // They read from the feed's buffers, and what they bring counts.
    await requests.settled()
  }
}

/** Sends requests until it has come to the last one, or to one that would make the object too large. */
async function sendAllButTheLast(
  upload: Upload,
  input: SinkInput,
  requests: InFlight,
): Promise<{ readonly range: ByteRange; readonly isTooLarge: boolean }> {
  const { destination, feed, reporter, stop, mostInFlight } = input
  const { maxObjectBytes } = destination.traits
  const { multiple, inFlight } = upload.requests
  const notes = new AppendNotes(upload, input)
  const stopped = AbortSignal.any([stop, requests.broken])
  let next = feed.offset
  for (let isFirst = next > 0 && inFlight === 1; ; isFirst = false) {
    await requests.fewerThan(inFlight)
    // One at a time it may have kept less than it was sent.
    if (inFlight === 1) next = feed.offset
    const wanted = isFirst ? firstRequestBytes(multiple) : upload.requests.bytes(next)
    await requests.room(next + wanted, mostInFlight)
    const range = await feed.takeFrom(next, wanted, multiple, stopped).catch(async (error: unknown) => {
      if (requests.broken.aborted) await requests.all()
      throw error
    })
    if (stop.aborted) throw abortError(stop)
    if (range === null) {
      await requests.all()
      next = feed.offset
      continue
    }
    reporter.sending(feed)
    const { offset, chunks, last } = range
    next = offset + lengthOf(chunks)
    const isTooLarge = maxObjectBytes !== null && next > maxObjectBytes
    if (isTooLarge || last) return { range, isTooLarge }
    requests.begin(next, async (signal) => {
      await notes.note(await upload.append(offset, chunks, signal))
    })
  }
}

/** Records what appends acknowledge, which may end in any order. */
class AppendNotes {
  readonly #upload: Upload
  readonly #input: SinkInput
  #token: string

  constructor(upload: Upload, input: SinkInput) {
    this.#upload = upload
    this.#input = input
    this.#token = upload.token
  }

  /** `answered`: what the far side holds, according to one of the answers. */
  async note(answered: number): Promise<void> {
    const { destination, feed, record, reporter } = this.#input
    if (answered > feed.offset) record.held(destination.name, answered)
    const { token, requests } = this.#upload
    const isOther = token !== this.#token
    this.#token = token
    if (isOther) record.upload(destination.name, { token })
    // Where the far side does not report what it holds, what is not on the disk is sent again.
    if (isOther || requests.inFlight > 1) await record.sync()
    // Another may have come in between.
    if (answered <= feed.offset) return
    reporter.held(answered)
    feed.release(answered)
  }
}

async function commit(
  upload: Upload,
  { offset, chunks }: ByteRange,
  input: SinkInput,
  mayBeStored: boolean,
): Promise<StoredObject> {
  const whole = await input.whole
  const { bytes } = whole
  input.reporter.verifying()
  const stored = mayBeStored ? await committedBefore(input) : null
  if (stored !== null) {
    // Some services would keep a second object of the same name.
    await upload.abort()
    return stored
  }
  const digests = { ...whole.digests, [input.destination.traits.digest]: await input.digestOf(whole) }
  return await upload.commit({ offset, tail: chunks, bytes, digests }, input.halt)
}

/** The first request after a resume is small: sending starts before the bytes of a whole request are made. */
const firstRequestBytes = (multiple: number): number => Math.max(multiple, FIRST_BYTES - (FIRST_BYTES % multiple))

const tooLarge = ({ name, traits }: Destination): BackupError =>
  new BackupError(
    'E_QUOTA',
    `${name}: the archive is larger than the ${traits.maxObjectBytes} bytes allowed for a file there.`,
    {
      advice: 'Back up to another kind of destination, or leave files out (docs/configuration.md, `exclude`).',
    },
  )
