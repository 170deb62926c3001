/** A piece of the archive, cut once and shared by all destinations. */
export interface Part {
  /** Where it starts in the archive, in bytes. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** 4 MiB: a block of the content hash, a multiple of every service's request granularity. */
export const PART_BYTES = 4 * 1024 * 1024

/**
 * Buffers for parts, used again and again: a backup of any size allocates as many as were ever in use at once. A buffer
 * is given back only when every destination holds its bytes.
 */
export class PartPool {
  readonly #free: Uint8Array<ArrayBuffer>[] = []

  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? new Uint8Array(PART_BYTES)
  }

  giveBack(part: Part): void {
    const buffer = part.bytes.buffer
    if (buffer instanceof ArrayBuffer && buffer.byteLength === PART_BYTES) this.#free.push(new Uint8Array(buffer))
  }
}

/**
 * Cuts a stream of bytes into parts of PART_BYTES; the last may be shorter. Bytes are copied once, into the pool's
 * buffers.
 */
export async function* cutParts(source: AsyncIterable<Uint8Array>, pool: PartPool): AsyncGenerator<Part> {
  let buffer = pool.take()
  let filled = 0
  let offset = 0
  for await (const chunk of source) {
    let rest = chunk
    while (rest.length > 0) {
      const piece = rest.subarray(0, PART_BYTES - filled)
      buffer.set(piece, filled)
      filled += piece.length
      rest = rest.subarray(piece.length)
      if (filled === PART_BYTES) {
        yield { offset, bytes: buffer }
        offset += filled
        buffer = pool.take()
        filled = 0
      }
    }
  }
  if (filled > 0) yield { offset, bytes: buffer.subarray(0, filled) }
}
