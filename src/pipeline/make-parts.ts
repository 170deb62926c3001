import type { PartDigest } from './digests/digest-program.ts'
import { DigestThread } from './digests/digest-thread.ts'
import { type DigestName, type ObjectDigests, PART_BYTES } from './contract/digests.ts'
import { abortError, asBackupError, BackupError } from './contract/errors.ts'
import { cutParts, type CutPart, type PartPool } from './parts/part.ts'
import { noteDigest } from './digests/part-digest.ts'
import type { PartIndex } from './parts/part-index.ts'
import type { PartReader } from './parts/part-reader.ts'
import type { PartRing } from './parts/part-ring.ts'
import type { ProgressReporter } from './contract/progress.ts'
import type { Made, RunRecord, WholeObject } from './journal/run-record.ts'
import type { Beginning, Mark, Source } from './contract/source.ts'
import type { PartWindow } from './window/window.ts'

export interface MakeInput {
  readonly source: Source
  /** Those of an archive that begins now; one that was begun keeps those that it has. */
  readonly digests: readonly DigestName[]
  readonly runStore: { readonly record: RunRecord; readonly index: PartIndex; readonly ring: PartRing }
  readonly window: PartWindow
  readonly pool: PartPool
  /** For the bytes between the last mark and the last part's end. */
  readonly reader: PartReader
  readonly reporter: ProgressReporter
  readonly stop: AbortSignal
}

/**
 * Makes the archive's parts, from where an earlier process came to, and puts them into the window. Each is published
 * when all that a later process needs to resume after it is durable. Resolves when the archive is whole.
 */
export async function makeParts(input: MakeInput): Promise<WholeObject> {
  const { source, runStore, window, pool, stop } = input
  const { record } = runStore
  const { made } = record.state
  if (record.state.whole !== null) {
    window.close()
    return record.state.whole
  }
  const digest = await DigestThread.open(made.digest ?? input.digests)
  const publisher = new Publisher(input)
  const keeper = new Keeper(input, publisher)
  let ended: Promise<ObjectDigests> | null = null
  try {
    const beginning = await beginningAt(input, made)
    const chunks = whileWanted(source.make(beginning), window, stop)
    for await (const part of cutParts(chunks, pool, { offset: made.bytes, mark: beginning.mark })) {
      await keeper.add(part, digest.add(part.bytes))
    }
    const { parts, bytes } = await keeper.end()
    ended = digest.end()
    const whole = { bytes, digests: await ended }
    await publisher.end({ parts, bytes, digest: null }, whole)
    window.close()
    return whole
  } catch (error) {
    await keeper.end().catch(() => undefined)
    await publisher.settle()
    throw error
  } finally {
    // What it has met, adding to it has met before.
    await (ended ?? digest.end()).catch(() => undefined)
    await input.reader.close()
  }
}

/** Notes parts, in order, when their digests are there, stores them and puts them into the window. */
class Keeper {
  readonly #input: MakeInput
  readonly #publisher: Publisher
  #last: Promise<void> = Promise.resolve()
  #parts: number
  #bytes: number

  constructor(input: MakeInput, publisher: Publisher) {
    this.#input = input
    this.#publisher = publisher
    const { parts, bytes } = input.runStore.record.state.made
    this.#parts = parts
    this.#bytes = bytes
  }

  /**
   * Resolves when the part before it is kept: while its own digest is made, the next may be cut. Rejects with what an
   * earlier one met.
   */
  async add(part: CutPart, digest: Promise<PartDigest>): Promise<void> {
    const earlier = this.#last
    this.#last = Promise.all([digest, earlier]).then(([made]) => this.#keep(part, made))
    this.#last.catch(() => undefined)
    await earlier
  }

  /** Resolves with what was kept when all is. */
  async end(): Promise<{ readonly parts: number; readonly bytes: number }> {
    await this.#last
    return { parts: this.#parts, bytes: this.#bytes }
  }

  async #keep(part: CutPart, { sha256, state }: PartDigest): Promise<void> {
    const { runStore, window, reporter, stop } = this.#input
    noteDigest(part.bytes, sha256)
    runStore.index.add({ sha256, bytes: part.bytes.length, mark: part.mark })
    const stored = runStore.ring.put(this.#parts, part.bytes)
    this.#parts += 1
    this.#bytes += part.bytes.length
    reporter.archived(this.#bytes)
    await window.put(part, stop)
    // A last part that is shorter cannot be resumed from: it is published with the end itself.
    if (part.bytes.length < PART_BYTES) await stored
    else this.#publisher.add({ parts: this.#parts, bytes: this.#bytes, digest: state }, stored)
  }
}

/** Where the source has to begin: the last mark before the end of what may have been sent. */
async function beginningAt({ runStore, reader, stop }: MakeInput, { parts, bytes }: Made): Promise<Beginning> {
  if (parts === 0) return { mark: null, end: 0, between: null }
  const { mark } = await runStore.index.read(parts - 1)
  const from = mark?.offset ?? 0
  const between = new Uint8Array(bytes - from)
  for (let n = Math.floor(from / PART_BYTES); n < parts; n += 1) {
    const part = await reader.tryRead(n, stop)
    if (part === null) return { mark, end: bytes, between: null }
    const skipped = Math.max(0, from - part.offset)
    between.set(part.bytes.subarray(skipped), part.offset + skipped - from)
    reader.recycle(part)
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

  /** Waits for what is being published. Never rejects. */
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
    const { runStore, source, window } = this.#input
    await Promise.all([source.sync(), runStore.index.sync(), runStore.ring.sync()])
    runStore.record.made(made, whole)
    await runStore.record.sync()
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
