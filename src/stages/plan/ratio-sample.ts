import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'

const deflate = promisify(deflateRaw)

/** So much of a sampled file is deflated. */
const WINDOW_BYTES = 128 * 1024
/** A sample is due when the bytes seen have grown by this factor: some 500 in a terabyte, every file while there are few. */
const GROWTH = 1.02
/** Its multiples modulo 1 spread evenly, so the windows lie at all places of files: borders are emptier than centres. */
const GOLDEN = 0.618034

/**
 * How well files of one kind deflate, from a sample of them: the larger a file, the likelier it is one, and each stands for
 * the bytes since the one before. No chance is involved, so the same archive gives the same figure.
 */
export class RatioSample {
  #bytes = 0
  #sampledTo = 0
  #samples = 0
  #weight = 0
  #deflated = 0

  /** Counts a file. Returns for how many bytes it is to be taken as a sample; 0: it is not. */
  count(size: number): number {
    this.#bytes += size
    if (size === 0 || this.#bytes < this.#sampledTo * GROWTH) return 0
    const weight = this.#bytes - this.#sampledTo
    this.#sampledTo = this.#bytes
    return weight
  }

  /** Deflates a window of a file that `count` asked for. Rejects with the system's error when it cannot be read. */
  async take(file: FileHandle, size: number, level: number, weight: number): Promise<void> {
    const length = Math.min(size, WINDOW_BYTES)
    const place = (this.#samples++ * GOLDEN) % 1
    const window = Buffer.allocUnsafe(length)
    const { bytesRead } = await file.read(window, 0, length, Math.floor(place * (size - length)))
    if (bytesRead === 0) return
    const { length: after } = await deflate(window.subarray(0, bytesRead), { level })
    this.#weight += weight
    this.#deflated += (weight * after) / bytesRead
  }

  /** What all counted files together will have in bytes when they are deflated. */
  get estimate(): number {
    return this.#weight === 0 ? this.#bytes : (this.#bytes * this.#deflated) / this.#weight
  }
}
