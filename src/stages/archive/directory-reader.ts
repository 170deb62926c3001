import { damagedArchive, type ArchiveEntry } from './archive-entry.ts'
import type { ArchiveEnd } from './archive-end.ts'
import { parseRecord, shortestEnd } from './directory-record.ts'
import { inBlocks } from './ranges.ts'
import type { RemoteFile } from './remote-file.ts'

/**
 * The directory's entries in its order. What cannot be read in a single entry is its `fault`, which here includes that
 * it reaches into the next one or into the directory. Rejects with E_INTEGRITY when the directory itself is damaged,
 * and when entries together claim more bytes than the archive has: such an archive holds the same bytes several times,
 * to be more than it is.
 */
export async function* readDirectory(
  file: RemoteFile,
  { entries, offset, size }: Pick<ArchiveEnd, 'entries' | 'offset' | 'size'>,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  let last: ArchiveEntry | null = null
  let claimed = 0
  const count = (entry: ArchiveEntry): ArchiveEntry => {
    if (entry.fault === null) claimed += shortestEnd(entry) - entry.start
    if (claimed <= offset) return entry
    throw damagedArchive(file.name, `has overlapping entries, up to entry ${entry.index + 1}`)
  }
  for await (const next of readEntries(file, offset, offset + size, signal)) {
    const entry: ArchiveEntry = judgedPlace(next, offset, last)
    if (last !== null) yield count(judged(last, entry))
    last = entry
  }
  if (last !== null) yield count(last)
  const found = last === null ? 0 : last.index + 1
  if (found !== entries) throw damagedArchive(file.name, `has ${found} entries where its end says ${entries}`)
}

/** `last`, now that the next entry's place is known. */
function judged(last: ArchiveEntry, next: ArchiveEntry): ArchiveEntry {
  if (last.fault !== null || next.fault !== null) return last
  const reachesIn = next.start > last.start && next.start < shortestEnd(last)
  return reachesIn ? { ...last, fault: 'it overlaps the next entry' } : last
}

function judgedPlace(entry: ArchiveEntry, directory: number, last: ArchiveEntry | null): ArchiveEntry {
  if (entry.fault !== null) return entry
  if (shortestEnd(entry) > directory) return { ...entry, fault: 'it reaches beyond the end of the entries' }
  if (last === null) return entry
  // Not in the order of the archive: some programs write such directories.
  const reachesIn = entry.start <= last.start && shortestEnd(entry) > last.start
  return reachesIn ? { ...entry, fault: 'it overlaps another entry' } : entry
}

async function* readEntries(
  file: RemoteFile,
  from: number,
  to: number,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  let rest: Buffer = Buffer.alloc(0)
  let index = 0
  for await (const chunk of inBlocks(file).read(from, to, signal)) {
    const block =
      rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([rest, chunk])
    let at = 0
    for (;;) {
      const record = parseRecord(block.subarray(at), index)
      if (record === null) break
      if (record === 'damaged') throw damagedArchive(file.name, `is damaged: its directory ends at entry ${index + 1}`)
      yield record.entry
      at += record.bytes
      index += 1
    }
    rest = block.subarray(at)
  }
  if (rest.length > 0) throw damagedArchive(file.name, `is damaged: its directory ends within entry ${index + 1}`)
}
