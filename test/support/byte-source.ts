/** A source whose bytes are made up: in memory, the same for the same entries, with a mark before each entry. */
import assert from 'node:assert/strict'
import { createCipheriv, hash } from 'node:crypto'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import type { Beginning, Mark, Source } from '../../src/pipeline/contract/source.ts'

/** No multiple or divisor of a part. */
const CHUNK_BYTES = 300_001

/** An entry of the archive as it was begun: where, and of which version. */
interface Segment {
  readonly offset: number
  readonly entry: number
  readonly version: number
}

/** Of all worlds: the same entries are the same everywhere. */
const contents = new Map<string, Buffer>()

/** `size` bytes that do not repeat, the same for the same name. */
export const madeUp = (name: string, size: number): Buffer =>
  createCipheriv('aes-128-ctr', hash('md5', name, 'buffer'), Buffer.alloc(16)).update(Buffer.alloc(size))

/** What a source reads from, and what it noted for good. It outlives a process and may change between two. */
export class ByteWorld {
  readonly #sizes: readonly number[]
  readonly #versions: number[]
  /** Where entries were begun, as far as it was synced. */
  segments: readonly Segment[] = []

  /** `sizes`: of the entries, in bytes. */
  constructor(sizes: readonly number[]) {
    this.#sizes = sizes
    this.#versions = sizes.map(() => 1)
  }

  get entries(): number {
    return this.#sizes.length
  }

  versionOf(entry: number): number {
    return this.#versions[entry] ?? 1
  }

  /** From `entry` on, all are other bytes of the same sizes. */
  changeFrom(entry: number): void {
    for (let n = entry; n < this.entries; n += 1) this.#versions[n] = this.versionOf(n) + 1
  }

  /** The entry whose beginning is the last before `offset`, as far as it was synced. */
  entryAt(offset: number): number {
    return this.segments.findLast((segment) => segment.offset < offset)?.entry ?? 0
  }

  content(entry: number, version = this.versionOf(entry)): Buffer {
    const size = this.#sizes[entry] ?? 0
    const name = `${entry} v${version} ${size}`
    const bytes = contents.get(name) ?? madeUp(name, size)
    contents.set(name, bytes)
    return bytes
  }

  /** The archive that is made when nothing interrupts it. */
  whole(): Buffer {
    return Buffer.concat(this.#sizes.map((_, entry) => this.content(entry)))
  }

  /** Every entry stands whole, as it was when it was begun for the last time, and the last one ends the archive. */
  mustStandIn(archive: Buffer): void {
    for (let entry = 0; entry < this.entries; entry += 1) {
      const segment = this.segments.findLast((one) => one.entry === entry)
      assert.ok(segment, `entry ${entry} was begun`)
      const bytes = this.content(entry, segment.version)
      const end = segment.offset + bytes.length
      assert.ok(archive.subarray(segment.offset, end).equals(bytes), `entry ${entry} stands whole`)
      if (entry === this.entries - 1) assert.equal(archive.length, end, 'nothing follows the last entry')
    }
  }
}

/** The source as one process has it. */
export class ByteSource implements Source {
  readonly #world: ByteWorld
  readonly #onSync: () => void
  #segments: Segment[] = []
  readonly beginnings: Beginning[] = []
  /** Where remaking began each time, in bytes from the archive's start. */
  readonly remakes: number[] = []

  /** `onSync` is called before each sync; what it throws, the sync rejects with. */
  constructor(world: ByteWorld, onSync: () => void = () => undefined) {
    this.#world = world
    this.#onSync = onSync
  }

  async *make(beginning: Beginning): AsyncGenerator<Uint8Array | Mark> {
    this.beginnings.push(beginning)
    const { mark, end, between } = beginning
    const from = mark?.offset ?? 0
    let entry = entryOf(mark)
    let at = end
    this.#segments = this.#world.segments.filter((segment) => segment.offset < from)
    if (end > from) {
      this.#begin(from, entry)
      const bytes = this.#world.content(entry)
      if (between !== null && bytes.subarray(0, end - from).equals(between)) {
        yield* inChunks(bytes.subarray(end - from))
        at = from + bytes.length
        entry += 1
      }
    }
    for (; entry < this.#world.entries; entry += 1) {
      this.#begin(at, entry)
      yield { offset: at, place: { entry } }
      yield* inChunks(this.#world.content(entry))
      at += this.#world.content(entry).length
    }
  }

  async sync(): Promise<void> {
    this.#onSync()
    const segments = [...this.#segments]
    await Promise.resolve()
    this.#world.segments = segments
  }

  async *remake(from: Mark | null): AsyncGenerator<Uint8Array> {
    const offset = from?.offset ?? 0
    this.remakes.push(offset)
    const known = this.#world.segments.filter((segment) => segment.offset >= offset)
    if (from !== null) assert.deepEqual([known[0]?.offset, known[0]?.entry], [offset, entryOf(from)], 'a mark it knows')
    for (const [n, segment] of known.entries()) {
      const bytes = this.#world.content(segment.entry)
      if (segment.version !== this.#world.versionOf(segment.entry)) throw new BackupError('E_SOURCE', 'It has changed.')
      const end = known[n + 1]?.offset ?? Infinity
      yield* inChunks(bytes.subarray(0, end - segment.offset))
    }
  }

  #begin(offset: number, entry: number): void {
    this.#segments.push({ offset, entry, version: this.#world.versionOf(entry) })
  }
}

/** A source of these chunks, for archives that nobody goes on with. */
export function sourceOf(chunks: AsyncIterable<Uint8Array>): Source {
  return {
    make: async function* () {
      yield* chunks
    },
    sync: () => Promise.resolve(),
    remake: async function* () {
      yield* []
      throw await Promise.resolve(new BackupError('E_SOURCE', 'These chunks come once.'))
    },
  }
}

function entryOf(mark: Mark | null): number {
  if (mark === null) return 0
  const { place } = mark
  assert.ok(typeof place === 'object' && place !== null && 'entry' in place && typeof place.entry === 'number')
  return place.entry
}

/** In one buffer that is spoiled before the next chunk: a chunk is valid until then. */
async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(CHUNK_BYTES)
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const length = bytes.copy(buffer, 0, at, at + CHUNK_BYTES)
    yield await Promise.resolve(buffer.subarray(0, length))
    buffer.fill(0xee)
  }
}
