import { WHOLE_FILE_BYTES } from './read-file.ts'

/** The fixed part of a local record, and what surrounds a name there. */
const RECORD_BYTES = 64
/** A path's characters are three bytes at most, and the system bounds their number. */
const LONGEST_PATH_BYTES = 16 * 1024

/** Deflate makes what it cannot make smaller a little larger. */
const packedRoom = (size: number): number => size + (size >> 8) + 64

/** What the entry of a file takes at most, bytes. */
export const roomFor = ({ path, size }: { readonly path: string; readonly size: number }): number =>
  RECORD_BYTES + 3 * path.length + packedRoom(size)

/** So many files go into one at most. */
export const TRAY_FILES = 64

/**
 * There is so much room for what is reported of one file: its path twice, and what of its header goes into the manifest.
 * Of a sound file that is hardly 1 KiB.
 */
export const NOTES_BYTES = 16 * 1024

/** One holds a file of WHOLE_FILE_BYTES, or many small ones, and what is reported of them. */
const TRAY_BYTES = RECORD_BYTES + LONGEST_PATH_BYTES + packedRoom(WHOLE_FILE_BYTES) + TRAY_FILES * NOTES_BYTES

/**
 * Shared memory that entries are made in, used again and again. What of it was never written to takes none of the
 * machine's.
 */
export class BatchBuffers {
  readonly #free: Uint8Array[] = []

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(TRAY_BYTES))
  }

  /** Takes one back that nobody reads any more. Throws a RangeError when it is free already. */
  recycle(batchBuffer: Uint8Array): void {
    if (this.#free.includes(batchBuffer)) throw new RangeError('a batch buffer was recycled twice')
    this.#free.push(batchBuffer)
  }
}
