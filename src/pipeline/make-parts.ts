import { ArchiveDigest } from './archive-digest.ts'
import { abortError, asBackupError, BackupError } from './errors.ts'
import { cutParts, PART_BYTES, type PartPool } from './part.ts'
import type { PartIndex } from './part-index.ts'
import type { PartReader } from './part-reader.ts'
import type { PartRing } from './part-ring.ts'
import type { Progress } from './progress.ts'
import type { Made, RunRecord, WholeObject } from './run-record.ts'
import type { Beginning, Mark, Source } from './source.ts'
import type { PartWindow } from './window.ts'

export interface MakeInput {
  readonly source: Source
  readonly keeping: { readonly record: RunRecord; readonly index: PartIndex; readonly ring: PartRing }
  readonly window: PartWindow
  readonly pool: PartPool
  /** For the bytes between the last mark and the last part's end. */
  readonly reader: PartReader
  readonly progress: Progress
  readonly stop: AbortSignal
}

/**
 * Makes the archive's parts, from where an earlier process came to, and puts them into the window. Each is published
 * when all that a later process needs to go on after it is durable. Resolves when the archive is whole.
 */
export async function makeParts(input: MakeInput): Promise<WholeObject> {
  const { source, keeping, window, pool, progress, stop } = input
  const { record, index } = keeping
  const { made } = record.state
  progress.archiveBytes = made.bytes
  if (record.state.whole !== null) {
    window.close()
    return record.state.whole
  }
  const digest = await ArchiveDigest.open(made.digest)
  const publisher = new Publisher(input)
  const beginning = await beginningAt(input, made)
  let { parts, bytes } = made
  try {
    const chunks = whileWanted(source.make(beginning), window, stop)
    for await (const part of cutParts(chunks, pool, { offset: bytes, mark: beginning.mark })) {
      const sha256 = digest.add(part.bytes)
      bytes += part.bytes.length
      index.add({ sha256, bytes: part.bytes.length, mark: part.mark })
      const stored = keeping.ring.put(parts, part.bytes)
      parts += 1
      progress.archiveBytes = bytes
      const isShort = part.bytes.length < PART_BYTES
      const state = isShort ? null : digest.save()
      await window.put(part, stop)
      // A last part that is shorter cannot be gone on from: it is published with the end itself.
      if (!isShort) publisher.add({ parts, bytes, digest: state }, stored)
      else await stored
    }
    const whole = { bytes, digests: digest.digests() }
    await publisher.end({ parts, bytes, digest: null }, whole)
    window.close()
    return whole
  } catch (error) {
    await publisher.settle()
    throw error
  } finally {
    await input.reader.close()
  }
}

/** Where the source has to begin: the last mark before the end of what may have been sent. */
async function beginningAt({ keeping, reader, stop }: MakeInput, { parts, bytes }: Made): Promise<Beginning> {
  if (parts === 0) return { mark: null, end: 0, between: null }
  const { mark } = await keeping.index.read(parts - 1)
  const from = mark?.offset ?? 0
  const between = new Uint8Array(bytes - from)
  for (let n = Math.floor(from / PART_BYTES); n < parts; n += 1) {
    const part = await reader.tryRead(n, stop)
    if (part === null) return { mark, end: bytes, between: null }
    const skipped = Math.max(0, from - part.offset)
    between.set(part.bytes.subarray(skipped), part.offset + skipped - from)
    reader.giveBack(part)
  }
  return { mark, end: bytes, between }
}

/** Makes parts durable in the background, as many at once as have come, and publishes them. */
class Publisher {
  readonly #input: MakeInput
  #waiting: { readonly made: Made; readonly stored: Promise<void> } | null = null
  #running: Promise<void> | null = null
  #failure: BackupError | null = null

  constructor(input: MakeInput) {
    this.#input = input
  }

  /** Throws what an earlier part could not be made durable for. */
  add(made: Made, stored: Promise<void>): void {
    if (this.#failure !== null) throw this.#failure
    const earlier = this.#waiting?.stored
    this.#waiting = { made, stored: earlier === undefined ? stored : earlier.then(() => stored) }
    this.#running ??= this.#run()
  }

  /** Publishes what is left, and that the archive ends there. */
  async end(made: Made, whole: WholeObject): Promise<void> {
    await this.settle()
    if (this.#failure !== null) throw this.#failure
    if (this.#input.stop.aborted) throw abortError(this.#input.stop)
    await this.#publish(made, whole)
  }

  /** Waits for what is under way. Never rejects. */
  async settle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      for (let next = this.#waiting; next !== null; next = this.#waiting) {
        this.#waiting = null
        await next.stored
        await this.#publish(next.made, null)
      }
    } catch (error) {
      this.#failure = asBackupError(error)
      this.#input.window.fail(this.#failure)
    } finally {
      this.#running = null
    }
  }

  async #publish(made: Made, whole: WholeObject | null): Promise<void> {
    const { keeping, source, window } = this.#input
    await Promise.all([source.sync(), keeping.index.sync(), keeping.ring.sync()])
    keeping.record.made(made, whole)
    await keeping.record.sync()
    window.publish(made.bytes)
  }
}

/** Ends between any two chunks: of data that packs well, gigabytes go by before a part is full. */
async function* whileWanted(
  source: AsyncIterable<Uint8Array | Mark>,
  window: PartWindow,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array | Mark> {
  for await (const chunk of source) {
    if (signal.aborted) throw abortError(signal)
    if (window.isDeserted) throw new BackupError('E_DESTINATION', 'No destination is left to send to.')
    yield chunk
  }
}
