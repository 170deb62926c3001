import { BadData } from './bad-data.ts'
import type { RemoteFile } from './remote-file.ts'

/**
 * Reads a file forwards, out of one range that is asked for once; what is needed beyond its end is a range of its own.
 * Throws what the file throws, and BadData when more is asked for than the file has.
 */
export class ByteCursor {
  readonly #file: RemoteFile
  readonly #signal: AbortSignal
  readonly #until: number
  #source: AsyncGenerator<Uint8Array> | null = null
  #chunk: Uint8Array = new Uint8Array(0)
  /** Of the next byte. */
  #position: number
  /** Where the range under way ends. */
  #end: number

  constructor(file: RemoteFile, from: number, until: number, signal: AbortSignal) {
    this.#file = file
    this.#signal = signal
    this.#until = until
    this.#position = from
    this.#end = from
  }

  get position(): number {
    return this.#position
  }

  /** The next `count` bytes, as a copy. */
  async take(count: number): Promise<Buffer> {
    if (count <= this.#chunk.length) return Buffer.from(this.#pass(count))
    const bytes = Buffer.allocUnsafe(count)
    let filled = 0
    for await (const piece of this.stream(count)) {
      bytes.set(piece, filled)
      filled += piece.length
    }
    return bytes
  }

  /** The next `count` bytes as they come; a piece is valid until the next is asked for. */
  async *stream(count: number): AsyncGenerator<Uint8Array> {
    const to = this.#position + count
    if (to > this.#file.bytes) throw new BadData('it reaches beyond the end of the archive')
    while (this.#position < to) {
      if (this.#chunk.length === 0) await this.#fetch(to)
      yield this.#pass(to - this.#position)
    }
  }

  /** Goes on at `position`, which may not lie behind. */
  async skipTo(position: number): Promise<void> {
    const count = Math.max(0, position - this.#position)
    if (count <= this.#chunk.length) this.#pass(count)
    else for await (const _ of this.stream(count));
  }

  async close(): Promise<void> {
    await this.#source?.return(undefined)
  }

  /** So many bytes of what is here, or all of it. */
  #pass(count: number): Uint8Array {
    const piece = this.#chunk.subarray(0, count)
    this.#chunk = this.#chunk.subarray(piece.length)
    this.#position += piece.length
    return piece
  }

  async #fetch(needed: number): Promise<void> {
    for (;;) {
      if (this.#source === null || this.#position >= this.#end) {
        await this.#source?.return(undefined)
        this.#end = this.#position < this.#until ? this.#until : needed
        this.#source = this.#file.read(this.#position, this.#end, this.#signal)
      }
      const next = await this.#source.next()
      if (next.done === true) {
        // A file gives all bytes of a range, or throws.
        this.#source = null
      } else if (next.value.length > 0) {
        this.#chunk = next.value
        return
      }
    }
  }
}
