/** Sources of large entries, and readers of what becomes of them, for the tests. */
import { largeEntry, type LargeEntry, type LargeProgress } from '../../../src/stages/zip/large-entry.ts'
import type { EntryOptions } from '../../../src/stages/zip/entry-records.ts'

export const MIB = 1024 * 1024

/**
 * Slices as a CT scanner makes them, 512 × 512 pixels of 16 bits: air around a body of smooth tissue with noise. The
 * same bytes each time.
 */
export function ctLike(bytes: number): Buffer {
  const edge = 512
  let state = 1
  const noise = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  }
  const pixels = new Int16Array(Math.ceil(bytes / 2))
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y, z] = [at % edge, Math.floor(at / edge) % edge, Math.floor(at / edge / edge)]
    const inBody = Math.hypot(x - edge / 2, y - edge / 2) < edge * 0.47
    const tissue = 40 + 60 * Math.sin(x / 50 + z / 9) * Math.cos(y / 70)
    pixels[at] = inBody ? tissue + 60 * (noise() + noise() + noise()) : -1000 + 12 * noise()
  }
  return Buffer.from(pixels.buffer, 0, bytes)
}

export interface SourceOptions {
  readonly chunkBytes?: number
  /** Called with the position of each chunk before it is given; what it throws, the source throws. */
  readonly onChunk?: (at: number) => void
  /** Called when the source is read to its end or returned. */
  readonly onEnd?: () => void
}

/**
 * `bytes` as an entry reads them. Each chunk lies in the same buffer, which is overwritten with the next, as the
 * contract allows.
 */
export function sourceOf(bytes: Buffer, { chunkBytes = MIB, onChunk, onEnd }: SourceOptions = {}): LargeEntry['read'] {
  return async function* (from) {
    const buffer = Buffer.alloc(chunkBytes)
    try {
      for (let at = from; at < bytes.length; at += chunkBytes) {
        onChunk?.(at)
        const length = bytes.copy(buffer, 0, at, at + chunkBytes)
        yield await Promise.resolve(buffer.subarray(0, length))
        buffer.fill(0xee)
      }
    } finally {
      onEnd?.()
    }
  }
}

export interface ReadEntry {
  readonly bytes: Buffer
  readonly record: Buffer
  readonly progress: readonly LargeProgress[]
}

/** Reads a large entry to its end. Each chunk is copied when it comes. */
export async function readLarge(entry: LargeEntry, from: LargeProgress | null = null): Promise<ReadEntry> {
  const chunks: Buffer[] = []
  const progress: LargeProgress[] = []
  const steps = largeEntry(entry, from)
  for (;;) {
    const { done, value } = await steps.next()
    if (done === true) return { bytes: Buffer.concat(chunks), record: value, progress }
    if (value instanceof Uint8Array) chunks.push(Buffer.from(value))
    else progress.push(value)
  }
}

/** APPNOTE 4.3.7: the name begins at 30, and the data after it. */
export const localBytes = ({ name }: Pick<EntryOptions, 'name'>): number => 30 + Buffer.byteLength(name)
