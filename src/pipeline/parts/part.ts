import { PART_BYTES } from '../contract/digests.ts'
import type { Mark } from '../contract/source.ts'

/** A piece of the archive, cut once and shared by all destinations. */
export interface Part {
  /** Where it starts in the archive, in bytes. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Bytes of a part without copying; all of them are the part's own view, of which the digest is known. */
export function sliceOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return from === 0 && to >= bytes.length ? bytes : bytes.subarray(from, to)
}

/**
 * Buffers for parts, used again and again: a backup of any size allocates as many as were ever in use at once. A buffer
 * is given back only when nobody reads it any more. They are shared memory, so that a helper thread reads them where
 * they are; and each is a view of its own, so that what is known of its bytes can be noted for it (digest.ts).
 */
export class PartPool {
  readonly #free: SharedArrayBuffer[] = []

  take(): Uint8Array {
    return new Uint8Array(this.#free.pop() ?? new SharedArrayBuffer(PART_BYTES))
  }

  /** Throws a RangeError when it is free already: two parts would be written into the same memory. */
  recycle(part: Pick<Part, 'bytes'>): void {
    const buffer = part.bytes.buffer
    if (!(buffer instanceof SharedArrayBuffer) || buffer.byteLength !== PART_BYTES) return
    if (this.#free.includes(buffer)) throw new RangeError('a part was recycled twice')
    this.#free.push(buffer)
  }
}

/** A part as it was cut, with the last mark at or before its end; null when the source has told none yet. */
export interface CutPart extends Part {
  readonly mark: Mark | null
}

/**
 * Cuts a source's bytes, which begin at `offset`, into parts of PART_BYTES; the last may be shorter. Bytes are copied
 * once, into the pool's buffers.
 */
export async function* cutParts(
  source: AsyncIterable<Uint8Array | Mark>,
  pool: PartPool,
  from: { readonly offset: number; readonly mark: Mark | null },
): AsyncGenerator<CutPart> {
  let { offset, mark } = from
  let buffer: Uint8Array | null = null
  let filled = 0
  /** A full part waits for what follows it: a mark at its very end belongs to it. */
  for await (const chunk of source) {
    if (!(chunk instanceof Uint8Array)) {
      mark = chunk
      continue
    }
    let rest = chunk
    while (rest.length > 0) {
      if (filled === PART_BYTES && buffer !== null) {
        yield { offset, bytes: buffer, mark }
        offset += filled
        buffer = null
        filled = 0
      }
      buffer ??= pool.take()
      const piece = rest.subarray(0, PART_BYTES - filled)
      buffer.set(piece, filled)
      filled += piece.length
      rest = rest.subarray(piece.length)
    }
  }
  if (filled > 0 && buffer !== null) yield { offset, bytes: buffer.subarray(0, filled), mark }
}
