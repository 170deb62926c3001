import { lengthOf } from './chunks.ts'
import type { Destination, StoredObject, Upload } from './destination.ts'
import { abortError, asBackupError, BackupError } from './errors.ts'
import type { Feed } from './feed.ts'
import type { DestinationProgress } from './progress.ts'
import type { RunRecord, WholeObject } from './run-record.ts'

/** An upload that ends or loses bytes again and again without its getting further is given up after so many times. */
const RESTARTS = 3

const FIRST_BYTES = 1024 * 1024

export interface SinkInput {
  readonly destination: Destination
  readonly object: string
  readonly feed: Feed
  /** Where it is noted how far the upload is. */
  readonly record: RunRecord
  /** Bytes of the archive that may have been sent by anyone. */
  readonly published: () => number
  /** Resolves when the source has ended. */
  readonly whole: Promise<WholeObject>
  readonly progress: DestinationProgress
  /** Called when the upload has been opened. */
  readonly onBegun: () => void
  /** Begins nothing new after it. */
  readonly stop: AbortSignal
  /** Breaks off what is under way. */
  readonly halt: AbortSignal
}

/**
 * Brings the archive to one destination: takes its upload up where the far side says that it is, or begins one, and
 * sends from there to the end. An upload that is gone begins again from byte 0, at this destination's own pace.
 * Resolves when the destination has proved by its own digest that it holds the object. When it rejects the upload is
 * left as it is, for a later process to go on with; nothing shows under the object's name.
 */
export async function sink(input: SinkInput): Promise<StoredObject> {
  const { destination, feed, record, progress } = input
  try {
    const stored = await store(input)
    record.upload(destination.name, { stored, token: null, held: stored.bytes, error: null })
    // What is stored is stored: without the note a later process asks for it again.
    await record.sync().catch(() => undefined)
    progress.state = 'completed'
    progress.held = stored.bytes
    return stored
  } catch (thrown) {
    const error = asBackupError(thrown)
    progress.state = error.code === 'E_ABORTED' ? 'interrupted' : 'failed'
    const { code, message } = error
    // What was damaged on its way is not gone on with.
    const anew = code === 'E_INTEGRITY' ? { token: null, held: 0 } : {}
    if (code !== 'E_ABORTED') record.upload(destination.name, { ...anew, error: { code, message } })
    throw error
  } finally {
    await feed.leave()
  }
}

async function store(input: SinkInput): Promise<StoredObject> {
  const isGoneOnWith = input.record.state.made.parts > 0
  let restarts = 0
  let furthest = 0
  for (;;) {
    try {
      const opened = await open(input, isGoneOnWith)
      if ('stored' in opened) return opened.stored
      return await send(opened.upload, input, isGoneOnWith && opened.isNew)
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

/** `isGoneOnWith`: an earlier process may have stored the object, though its journal lost what it knew of it. */
async function open(input: SinkInput, isGoneOnWith: boolean): Promise<Opened> {
  const { destination, object, feed, record, progress, halt, stop } = input
  if (stop.aborted) throw abortError(stop)
  const { token, held } = record.state.upload(destination.name)
  if (token !== null) {
    const resumed = await resume(input, token, held)
    if (resumed !== null) return resumed
  } else if (isGoneOnWith) {
    const stored = await committedBefore(input)
    if (stored !== null) return { stored }
  }
  const upload = await destination.begin(object, halt)
  record.upload(destination.name, { token: upload.token, held: 0 })
  await record.sync()
  feed.seek(0)
  progress.held = 0
  input.onBegun()
  return { upload, isNew: true }
}

/** The same for an upload that was begun before. Null when it is gone, and the object is not there either. */
async function resume(input: SinkInput, token: string, acknowledged: number): Promise<Opened | null> {
  const { destination, feed, record, progress, halt } = input
  let upload: Upload
  let held: number
  try {
    upload = await destination.resume(token, acknowledged, halt)
    held = await upload.held(halt)
  } catch (error) {
    if (!(error instanceof BackupError) || error.remedy !== 'restart') throw error
    const stored = await committedBefore(input)
    if (stored !== null) return { stored }
    await forget(input)
    return null
  }
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
  progress.held = held
  input.onBegun()
  return { upload, isNew: false }
}

/** The object as the destination holds it, when a commit went through of which nobody heard the answer. */
async function committedBefore({ destination, object, record, halt }: SinkInput): Promise<StoredObject | null> {
  const { whole } = record.state
  if (whole === null) return null
  const stored = await destination.stat(object, halt)
  if (stored?.bytes !== whole.bytes || stored.digest !== whole.digests[destination.traits.digest]) return null
  return stored
}

async function forget({ destination, record }: SinkInput): Promise<void> {
  record.upload(destination.name, { token: null, held: 0 })
  await record.sync()
}

/** `mayBeStored`: by an upload before this one of which nothing is known any more. */
async function send(upload: Upload, input: SinkInput, mayBeStored: boolean): Promise<StoredObject> {
  const { destination, feed, whole, record, progress, stop, halt } = input
  const { traits } = destination
  let { token } = upload
  for (let goesOn = feed.offset > 0; ; goesOn = false) {
    const wanted = goesOn ? firstRequestBytes(traits.requestMultiple) : traits.requestBytes(feed.offset)
    const stretch = await feed.take(wanted, traits.requestMultiple, stop)
    if (stop.aborted) throw abortError(stop)
    progress.state = feed.isBehind ? 'behind' : 'sending'
    const limit = traits.maxObjectBytes
    if (limit !== null && stretch.offset + lengthOf(stretch.chunks) > limit) {
      await upload.abort()
      record.upload(destination.name, { token: null, held: 0, hopeless: true })
      throw tooLarge(destination.name, limit)
    }
    if (stretch.last) {
      const { bytes, digests } = await whole
      progress.state = 'verifying'
      const stored = mayBeStored ? await committedBefore(input) : null
      if (stored !== null) {
        // Google Drive would keep a second file of the same name.
        await upload.abort()
        return stored
      }
      return await upload.commit({ offset: stretch.offset, tail: stretch.chunks, bytes, digests }, halt)
    }
    const held = await upload.append(stretch.offset, stretch.chunks, halt)
    record.held(destination.name, held)
    if (upload.token !== token) {
      token = upload.token
      record.upload(destination.name, { token })
      await record.sync()
    }
    progress.held = held
    feed.release(held)
  }
}

/** Small: whoever goes on does not wait until the bytes of a whole request are made. */
const firstRequestBytes = (multiple: number): number => Math.max(multiple, FIRST_BYTES - (FIRST_BYTES % multiple))

const tooLarge = (name: string, limit: number): BackupError =>
  new BackupError('E_QUOTA', `${name}: the archive is larger than the ${limit} bytes that a file may have there.`, {
    advice: 'Back up to another kind of destination, or leave files out with dicom.exclude.',
  })
