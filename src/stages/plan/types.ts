/** A file that the walk of the archive folder found and that a backup shall carry. */
export interface PlannedFile {
  /**
   * Path below the archive folder with `/` between its parts. A name that is not valid UTF-8 keeps its odd bytes as
   * lone surrogates U+DC80–U+DCFF, and one that is kept apart has U+DC25 for a percent sign (see file-name.ts), so that the file can still be opened and told.
   */
  readonly path: string
  /** Bytes, as the walk saw it. */
  readonly size: number
  /** Milliseconds since 1970, as the walk saw it. */
  readonly mtimeMs: number
}

/** Something found in the archive folder, or planned, that is not in the archive, and why. */
export interface LeftOut {
  /** As in PlannedFile. */
  readonly path: string
  /** For people, without the path: 'a symbolic link', 'permission denied', 'changed while it was read', … */
  readonly reason: string
}
