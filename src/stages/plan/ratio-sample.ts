import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { deflateOptions } from '../dicom/deflate-options.ts'

const deflate = promisify(deflateRaw)

/** A sampled file is seen as windows of at most this size; one of them is deflated. */
const WINDOW_BYTES = 256 * 1024
/** Samples are this far apart in the bytes of all files, or a share of the bytes so far: some 700 in a terabyte. */
const LEAST_STEP = 4 * 1024
const STEP = 0.025
/**
 * Its multiples modulo 1 spread evenly, so the windows come from all places of files: borders are emptier than centres.
 */
const GOLDEN = 0.618034

/**
 * How well files of one kind deflate, from a sample of them. Marks stand along the bytes of all files, one after the
 * other, and the file in which one falls is a sample for the bytes up to the next: so a large file is the likelier to
 * be one. No chance is involved, and no file is remembered.
 */
export class RatioSample {
  #bytes = 0
  #mark = 0
  #samples = 0
  #weight = 0
  #deflated = 0

  /** Counts a file. Returns for how many bytes it is to be taken as a sample; 0: it is not. */
  count(size: number): number {
    this.#bytes += size
    const first = this.#mark
    while (this.#mark < this.#bytes) this.#mark += Math.max(LEAST_STEP, this.#mark * STEP)
    return this.#mark - first
  }

  /** Deflates a window of a file of `size` bytes that `count` asked for. One that cannot be read is no sample. */
  async take(file: string | Buffer, size: number, level: number, weight: number): Promise<void> {
    const windows = Math.ceil(size / WINDOW_BYTES)
    const length = Math.ceil(size / windows)
    const place = Math.floor(((this.#samples++ * GOLDEN) % 1) * windows)
    const window = await readWindow(file, place * length, length)
    if (window.length === 0) return
    const { length: after } = await deflate(window, deflateOptions(level))
    this.#weight += weight
    this.#deflated += (weight * after) / window.length
  }

  /** What all counted files together will have in bytes when they are deflated. */
  get estimate(): number {
    return this.#weight === 0 ? this.#bytes : (this.#bytes * this.#deflated) / this.#weight
  }
}

/** Empty when the file has no bytes there, or cannot be read any more. */
async function readWindow(file: string | Buffer, position: number, length: number): Promise<Buffer> {
  try {
    await using handle = await open(file)
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, position)
    return buffer.subarray(0, bytesRead)
  } catch {
    return Buffer.alloc(0)
  }
}
