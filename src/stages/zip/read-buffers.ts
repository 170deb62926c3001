/** Smaller ones are cheap to make and are collected soon. */
const SMALLEST = 64 * 1024
/** What is kept for later, at most. */
const KEPT_BYTES = 16 * 1024 * 1024

/**
 * Buffers for files that are read whole, used again and again. Left to the garbage collector, those of a thousand files
 * would lie about until it runs: its account is of small objects, not of the megabytes behind them.
 */
export class ReadBuffers {
  readonly #free = new Map<number, Buffer[]>()
  #kept = 0

  /** A buffer of `size` bytes with anything in it. */
  take(size: number): Buffer {
    if (size < SMALLEST) return Buffer.allocUnsafe(size)
    const capacity = 2 ** Math.ceil(Math.log2(size))
    const whole = this.#free.get(capacity)?.pop()
    if (whole === undefined) return Buffer.allocUnsafeSlow(capacity).subarray(0, size)
    this.#kept -= capacity
    return whole.subarray(0, size)
  }

  /** Takes a buffer back that nobody reads any more. */
  giveBack(buffer: Buffer): void {
    const capacity = buffer.buffer.byteLength
    if (buffer.length < SMALLEST || this.#kept + capacity > KEPT_BYTES) return
    const free = this.#free.get(capacity) ?? []
    free.push(Buffer.from(buffer.buffer))
    this.#free.set(capacity, free)
    this.#kept += capacity
  }
}
