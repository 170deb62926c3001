/**
 * A ZIP archive read from afar: its end and directory first, then only the entries that are wanted, by ranges. Any
 * plain ZIP can be read: stored or deflated, with ZIP64 or without, with bytes between entries that belong to none.
 * Nothing is kept that grows with the number of entries.
 */
import { hash } from 'node:crypto'
import { MANIFEST_NAME } from '../zip/manifest.ts'
import { readEnd, type ArchiveEnd } from './archive-end.ts'
import { damagedArchive, endOf, type ArchiveEntry } from './archive-entry.ts'
import { ByteCursor } from './byte-cursor.ts'
import { readDirectory } from './directory-reader.ts'
import { parseRecord } from './directory-record.ts'
import { entryContent, entryData, entryHead, HEAD_SLACK } from './entry-content.ts'
import { inBlocks, withTail, type Piece } from './ranges.ts'
import type { RemoteFile } from './remote-file.ts'

export interface EntryContent<T> {
  readonly item: T
  /** As `ArchiveReader.content`; what is not read of it is passed over. */
  readonly content: AsyncGenerator<Uint8Array>
  /** In the place of `content`: its data as they are in the archive, for `unpack`, which proves them. */
  readonly data: AsyncGenerator<Uint8Array>
}

export class ArchiveReader {
  readonly name: string
  /** Of the archive. */
  readonly bytes: number
  /** How many entries its end says it has; `entries` gives so many or rejects. */
  readonly entryCount: number
  /** The last entry when it is a backup's manifest; null: the archive was made by another program. */
  readonly manifestEntry: ArchiveEntry | null
  /**
   * SHA-256, in hex, of the archive's size and the last 64 KiB of its directory, in which the manifest's record stands
   * with its CRC-32: copies of one archive have the same, others another.
   */
  readonly fingerprint: string
  readonly #file: RemoteFile
  readonly #end: ArchiveEnd

  private constructor(file: RemoteFile, end: ArchiveEnd) {
    this.name = file.name
    this.bytes = file.bytes
    this.entryCount = end.entries
    this.#file = withTail(file, end.tailFrom, end.tail)
    this.#end = end
    this.manifestEntry = lastEntry(end, MANIFEST_NAME)
    this.fingerprint = hash('sha256', Buffer.concat([Buffer.from(`${file.bytes} `), directoryIn(end)]))
  }

  /** Reads the archive's end. Rejects with E_INTEGRITY when it has none, else as the file does. */
  static async open(file: RemoteFile, signal: AbortSignal): Promise<ArchiveReader> {
    return new ArchiveReader(file, await readEnd(file, signal))
  }

  /**
   * All entries in the order of the directory, which is that of the archive in all but strange ones. What speaks against
   * a single entry is in its `fault`. Rejects with E_INTEGRITY when the directory itself is damaged, which may show at
   * its end only.
   */
  async *entries(signal: AbortSignal): AsyncGenerator<ArchiveEntry> {
    let last: ArchiveEntry | null = null
    for await (const entry of readDirectory(this.#file, this.#end, signal)) {
      last = entry
      yield entry
    }
    const { manifestEntry } = this
    if (manifestEntry === null || last === null) return
    if (last.start === manifestEntry.start && last.name === MANIFEST_NAME) return
    throw damagedArchive(this.name, 'is damaged: the manifest is not its last entry')
  }

  /**
   * An entry's content, of `size` bytes and never more, in one range. Throws DamagedEntry, for a wrong CRC-32 behind the
   * last byte: only content that ended is right. A piece is valid until the next is asked for.
   */
  async *content(entry: ArchiveEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const { content } of this.contents([entry], (one) => one, signal)) yield* content
  }

  /** The same for a reader that takes its time: fetched in blocks, so that no connection waits for it. */
  async *contentInBlocks(entry: ArchiveEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const cursor = new ByteCursor(inBlocks(this.#file), entry.start, this.pieceOf(entry).end, signal)
    try {
      yield* entryContent(this.name, entry, cursor)
    } finally {
      await cursor.close()
    }
  }

  /**
   * The contents of several entries that follow one another in the archive, in one range; see `grouped` for which. One that is
   * damaged throws when it is read; the next can be read nevertheless.
   */
  async *contents<T>(
    items: readonly T[],
    entryOf: (item: T) => ArchiveEntry,
    signal: AbortSignal,
  ): AsyncGenerator<EntryContent<T>> {
    const readable = items.map(entryOf).filter(({ fault }) => fault === null)
    const until = readable.reduce((furthest, entry) => Math.max(furthest, this.pieceOf(entry).end), 0)
    let cursor = new ByteCursor(this.#file, readable[0]?.start ?? 0, until, signal)
    try {
      for (const item of items) {
        const entry = entryOf(item)
        if (entry.fault === null) {
          if (entry.start < cursor.position) {
            // It lies before what was read: out of order, or the one before was longer than it should be.
            await cursor.close()
            cursor = new ByteCursor(this.#file, entry.start, this.pieceOf(entry).end, signal)
          }
          await cursor.skipTo(entry.start)
        }
        const content = entryContent(this.name, entry, cursor)
        const data = entryData(this.name, entry, cursor)
        yield { item, content, data }
        await content.return(undefined)
        await data.return(undefined)
      }
    } finally {
      await cursor.close()
    }
  }

  /**
   * The first bytes of an entry's content, `most` of them or all that there are, out of a range that is not much longer.
   * They are not proved: the CRC-32 is over all of them. Throws DamagedEntry.
   */
  async head(entry: ArchiveEntry, most: number, signal: AbortSignal): Promise<Buffer> {
    const end = Math.min(
      this.pieceOf(entry).end,
      entry.start + (endOf(entry) - entry.start - entry.packed) + most + HEAD_SLACK,
    )
    const cursor = new ByteCursor(this.#file, entry.start, end, signal)
    try {
      return await entryHead(this.name, entry, cursor, most)
    } finally {
      await cursor.close()
    }
  }

  /** What has to be fetched for an entry: for `grouped`. */
  pieceOf(entry: ArchiveEntry): Piece {
    return { start: entry.start, end: Math.min(endOf(entry), this.#end.offset) }
  }
}

/** So much of the directory, and of the records behind it, as lies in the tail. */
const directoryIn = ({ tail, tailFrom, offset }: ArchiveEnd): Buffer => tail.subarray(Math.max(0, offset - tailFrom))

/** The directory's last record when it has this name and lies in the tail. */
function lastEntry(end: ArchiveEnd, name: string): ArchiveEntry | null {
  const { offset, size, entries, tailFrom } = end
  const directory = directoryIn(end).subarray(0, Math.max(0, offset + size - Math.max(offset, tailFrom)))
  const signature = Buffer.from('PK\x01\x02', 'latin1')
  for (let at = directory.lastIndexOf(signature); at !== -1;) {
    const record = parseRecord(directory.subarray(at), entries - 1)
    if (record !== null && record !== 'damaged' && at + record.bytes === directory.length) {
      return record.entry.name === name ? record.entry : null
    }
    at = at === 0 ? -1 : directory.lastIndexOf(signature, at - 1)
  }
  return null
}
