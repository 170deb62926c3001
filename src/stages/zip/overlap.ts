import type { LargeProgress } from './large-entry.ts'
import type { Catalog } from './catalog.ts'
import type { LargePlace } from './place.ts'

/** The source of an entry is not what it was when the entry began. */
export class EntryChanged extends Error {}

/** The bytes of an entry with, in between, how far it has come; what it returns, it comes to. */
export type EntryBytes<R> = AsyncGenerator<Uint8Array | LargeProgress, R>

/** An entry that is begun in the archive, after an interruption. */
export interface Begun {
  /** How far it had come at the mark; null when only its beginning is there. */
  readonly large: LargePlace | null
  /** Bytes of the archive up to here may have been sent. */
  readonly end: number
  /** What they are, from the mark on; null when they cannot be had. */
  readonly between: Uint8Array | null
}

/**
 * Goes on with an entry that was begun in an earlier process: its bytes are made again from the mark on and compared
 * with those that are in the archive, which are not given again. Null when they are not the same, or cannot be: then
 * what is there of the entry is dead, and it has to begin again behind it. The catalog's offset follows, also when it throws.
 */
export async function* goOn<R>(
  open: (from: LargePlace | null) => EntryBytes<R>,
  { large, end, between }: Begun,
  catalog: Catalog,
): AsyncGenerator<Uint8Array | LargeProgress, { readonly start: number; readonly result: R } | null> {
  const start = large?.start ?? catalog.offset
  if (between === null && end > catalog.offset) {
    catalog.leaveDead(start, end)
    return null
  }
  let expected = between ?? new Uint8Array(0)
  const chunks = open(large)
  try {
    for (;;) {
      const next = await chunks.next()
      if (next.done === true) {
        if (expected.length === 0) return { start, result: next.value }
        break
      }
      const chunk = next.value
      if (!(chunk instanceof Uint8Array)) {
        if (expected.length === 0) yield chunk
        continue
      }
      const known = Math.min(chunk.length, expected.length)
      if (Buffer.compare(chunk.subarray(0, known), expected.subarray(0, known)) !== 0) break
      expected = expected.subarray(known)
      catalog.offset += chunk.length
      if (known < chunk.length) yield chunk.subarray(known)
    }
  } catch (error) {
    if (!(error instanceof EntryChanged)) {
      catalog.offset = Math.max(catalog.offset, end)
      throw error
    }
  } finally {
    await chunks.return(undefined as never)
  }
  catalog.leaveDead(start, end)
  return null
}
