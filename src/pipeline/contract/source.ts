/** Where the engine's bytes come from: made once, and made again for a destination that lacks them. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A place in the archive where its source can begin again. */
export interface Mark {
  /** In bytes from the archive's start. */
  readonly offset: number
  /** What the source needs to begin there; the engine does not look into it. */
  readonly place: Json
}

/** Where bytes are to be made from, after an interruption. */
export interface Beginning {
  /** The last mark before `end`; null: the archive's start. */
  readonly mark: Mark | null
  /** Bytes before it are fixed: some destination may hold them. At least the mark's offset. */
  readonly end: number
  /** The bytes from the mark to `end`; null when they cannot be had. */
  readonly between: Uint8Array | null
}

/**
 * Makes the archive's bytes. A chunk is valid until the next is asked for. Between chunks it reports marks, in ascending
 * order, each at the number of bytes that precede it; there must be one at least every few MiB.
 */
export interface Source {
  /**
   * The bytes from `beginning.end` on, to the archive's end. What it began before the end and cannot resume exactly
   * as it was stays behind as dead bytes. Called once.
   */
  make(beginning: Beginning): AsyncGenerator<Uint8Array | Mark>
  /** Everything is on disk that the marks reported so far need, also after a power cut. */
  sync(): Promise<void>
  /**
   * The bytes from a mark on, once more, as far as the marks that were synced know them. Throws E_SOURCE where they cannot be
   * made again as they were. May run while `make` does, and several times at once.
   */
  remake(from: Mark | null): AsyncGenerator<Uint8Array>
}
