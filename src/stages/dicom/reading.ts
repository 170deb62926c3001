/**
 * Reading a file here and there without knowing how: a reader asks for ranges, and whoever runs it fetches them, with
 * plain calls in a thread or asynchronously.
 */

/** `length` bytes from `at` on. Fewer come only where the file ends. */
export interface Range {
  readonly at: number
  readonly length: number
}

export type Reading<T> = Generator<Range, T, Buffer>

/** Runs a reader with plain calls. What `read` throws passes through. */
export function readNow<T>(reading: Reading<T>, read: (range: Range) => Buffer): T {
  let step = reading.next()
  while (step.done !== true) step = reading.next(read(step.value))
  return step.value
}

/** The same for a source that takes its time. */
export async function readLater<T>(reading: Reading<T>, read: (range: Range) => Promise<Buffer>): Promise<T> {
  let step = reading.next()
  while (step.done !== true) step = reading.next(await read(step.value))
  return step.value
}

/** For bytes in memory. */
export const rangeOf =
  (bytes: Buffer) =>
  ({ at, length }: Range): Buffer =>
    bytes.subarray(at, at + length)

/** So much is read at once where one element follows the other, and so much after a skip. */
const WINDOW_BYTES = 64 * 1024
const AFTER_SKIP_BYTES = 4 * 1024

/** A file as seen through one piece of it at a time. */
export class Window {
  #start = 0
  #bytes: Buffer
  #left: number

  /** `beginning`: the file's first bytes, which are there already. `most`: so many bytes are read beside them. */
  constructor(beginning: Buffer, most: number) {
    this.#bytes = beginning
    this.#left = most
  }

  /** The piece that is here. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where in it the byte at `at` lies, when `length` bytes from there on are here; else -1. */
  find(at: number, length: number): number {
    const from = at - this.#start
    return from >= 0 && from + length <= this.#bytes.length ? from : -1
  }

  /**
   * The bytes from `at` on: `length`, or fewer where the file ends or enough was read. Valid until the next are asked
   * for.
   */
  *take(at: number, length: number): Reading<Buffer> {
    const from = this.find(at, length)
    if (from !== -1) return this.#bytes.subarray(from, from + length)
    const follows = at >= this.#start && at <= this.#start + this.#bytes.length
    const wanted = Math.min(Math.max(length, follows ? WINDOW_BYTES : AFTER_SKIP_BYTES), this.#left)
    this.#left -= wanted
    this.#bytes = wanted === 0 ? Buffer.alloc(0) : yield { at, length: wanted }
    this.#start = at
    return this.#bytes.subarray(0, length)
  }
}
