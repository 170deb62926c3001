/**
 * An entry of any size, written as a stream that can break off and go on in the middle in a later process: its data is
 * made in segments that depend on the source alone (segments.ts).
 */
import { dataDescriptor, directoryRecord, localRecord, localRecordBytes } from './entry-records.ts'
import type { DeflateLevel, EntryOptions } from './entry-records.ts'
import { deflatedSegments, DICTIONARY_BYTES, LAST_BLOCK, SEGMENT_BYTES, storedSegments, type Made } from './segments.ts'

/** How far a large entry has come: what is needed to go on in a later process. */
export interface LargeProgress {
  /** Bytes of the source that are in. */
  readonly read: number
  /** Bytes of the entry that are out, its local record included. */
  readonly written: number
  /** CRC-32 of the `read` bytes. */
  readonly crc: number
  /** What the entry began with; null in the journals of versions that did not note it. */
  readonly level: DeflateLevel | null
}

export interface LargeEntry extends EntryOptions {
  /**
   * The source's bytes from byte `from` on, in chunks of any size, each valid until the next is asked for. Asked for
   * once.
   */
  readonly read: (from: number) => AsyncIterable<Uint8Array>
}

/**
 * Yields the entry's bytes, a chunk being valid until the next is asked for; and between them, after each segment of
 * SEGMENT_BYTES of the source and after the last, how far it has come. Returns the directory record, for `placeRecord`.
 *
 * `from`: what an earlier call yielded for the same entry; null to begin. Its level decides, not that of `entry`: another
 * version may choose another one, and an entry has one method. It gives the bytes that come after, the same
 * as an unbroken call does (deflated: with the same zlib), and reads nothing before them but up to 32 KiB. That the
 * source is still the same is the caller's to know: here one that ends early ends the entry.
 *
 * Errors of the source pass unchanged; what was yielded is then a part of an entry that no directory record may name.
 * When the reader stops early, what is under way is waited for and the source's iterator is returned.
 */
export async function* largeEntry(
  wanted: LargeEntry,
  from: LargeProgress | null,
): AsyncGenerator<Uint8Array | LargeProgress, Buffer> {
  const level = from === null ? wanted.level : levelOf(from, wanted)
  const entry = { ...wanted, level }
  const local = localRecord(entry, null)
  let { read, written, crc } = from ?? { read: 0, written: local.length, crc: 0 }
  let told = read
  if (from === null) yield local
  for await (const made of dataOf(entry, { read, crc })) {
    read += made.read
    written += made.bytes.length
    crc = made.crc
    yield made.bytes
    if (read % SEGMENT_BYTES === 0) {
      yield { read, written, crc, level }
      told = read
    }
  }
  if (read > told) yield { read, written, crc, level }
  const last = level === 0 ? Buffer.alloc(0) : LAST_BLOCK
  const sums = { crc, packed: written - local.length + last.length, size: read }
  yield Buffer.concat([last, dataDescriptor(sums)])
  return directoryRecord(entry, sums)
}

/**
 * Where it was not noted, the lengths show it: stored data is as long as the source, and deflated data, with its flushes,
 * is shorter or longer.
 */
function levelOf({ level, read, written }: LargeProgress, { name, level: wanted }: LargeEntry): DeflateLevel {
  if (level !== null) return level
  if (written - localRecordBytes(name) === read) return 0
  return wanted === 0 ? 1 : wanted
}

function dataOf(entry: LargeEntry, before: { readonly read: number; readonly crc: number }): AsyncGenerator<Made> {
  if (entry.level === 0) return storedSegments(entry.read(before.read), before)
  const context = Math.min(before.read, DICTIONARY_BYTES)
  return deflatedSegments(entry.read(before.read - context), before, context, entry.level)
}
