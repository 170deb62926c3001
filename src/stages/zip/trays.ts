import { WHOLE_FILE_BYTES } from './read-file.ts'

/** Deflate makes what it cannot make smaller a little larger. */
export const roomFor = (size: number): number => size + (size >> 8) + 64

/** One holds a file of WHOLE_FILE_BYTES, or many small ones. */
export const TRAY_BYTES = roomFor(WHOLE_FILE_BYTES)

/**
 * Shared memory that files are read into, used again and again. What of it was never written to takes none of the
 * machine's.
 */
export class Trays {
  readonly #free: Uint8Array[] = []

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(TRAY_BYTES))
  }

  /** Takes a tray back that nobody reads any more. */
  giveBack(tray: Uint8Array): void {
    this.#free.push(tray)
  }
}
