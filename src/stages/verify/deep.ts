import { createHash } from 'node:crypto'
import { orderedParallelMap } from '../../pipeline/flow/ordered-parallel-map.ts'
import { DamagedEntry, isFolder } from '../archive/archive-entry.ts'
import type { ArchiveReader, EntryContent } from '../archive/archive-reader.ts'
import { mergeJoined, type JoinedEntry } from '../archive/merge-joined.ts'
import { readManifest } from '../archive/manifest-reader.ts'
import { NameSet } from '../archive/name-set.ts'
import { grouped } from '../archive/ranges.ts'
import type { DamagedPath } from '../contract/results.ts'

export interface DeepFindings {
  /** Entries that were read; folders do not count. */
  readonly entries: number
  /** By what each was proved: an archive without manifest has checksums only. */
  readonly provedBy: 'sha256' | 'crc32'
  readonly damagedEntries: number
  /** The first 1,000 of them. */
  readonly damaged: readonly DamagedPath[]
}

export interface DeepOptions {
  /** False: only directory and manifest are read and compared. */
  readonly contents: boolean
  /** Hears of bytes of the archive that were read. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

type Wanted = Extract<JoinedEntry, { readonly kind: 'file' | 'plain' }>

const MOST_NAMED = 1000
/** Ranges that are asked for at once. */
const CONCURRENCY = 4
const AHEAD_BYTES = 32 * 1024 * 1024

/**
 * Reads every entry of an archive and compares it with its CRC-32 and its line in the manifest; finds entries that are
 * missing, too many, or there twice. What it keeps in memory does not grow with the archive, but for 32 bytes an entry.
 * Rejects with E_INTEGRITY when directory or manifest cannot be read to their end, else as the destination does.
 */
export async function readEveryEntry(reader: ArchiveReader, options: DeepOptions): Promise<DeepFindings> {
  const { contents, onBytes, signal } = options
  const manifest = await readManifest(reader, signal)
  const names = new NameSet()
  const damaged: DamagedPath[] = []
  let damagedEntries = 0
  let entries = 0
  const found = (path: string, reason: string): void => {
    damagedEntries += 1
    if (damaged.length < MOST_NAMED) damaged.push({ path, reason })
  }
  async function* wanted(): AsyncGenerator<Wanted> {
    for await (const one of mergeJoined(reader, manifest, signal)) {
      if (one.kind === 'left-out') continue
      if (one.kind === 'mismatch') {
        found(one.path, one.reason)
        continue
      }
      const { entry } = one
      if (!names.add(entry.name)) found(entry.name, 'there is another entry of this name')
      if (entry.fault !== null) found(entry.name, entry.fault)
      if (isFolder(entry)) continue
      entries += 1
      // The manifest was read to its end, and with it its checksum.
      if (entry.fault === null && entry.start !== reader.manifestEntry?.start) yield one
    }
  }
  if (contents) {
    const groups = grouped(wanted(), ({ entry }) => reader.pieceOf(entry))
    const work = (group: readonly Wanted[]): Promise<DamagedPath[]> => readGroup(reader, group, onBytes, signal)
    const weight = (group: readonly Wanted[]): number => group.reduce((sum, { entry }) => sum + entry.packed, 0)
    const ahead = { concurrency: CONCURRENCY, items: 2 * CONCURRENCY, budget: AHEAD_BYTES, weight }
    for await (const faults of orderedParallelMap(groups, work, ahead))
      for (const one of faults) found(one.path, one.reason)
  } else {
    for await (const { entry } of wanted()) onBytes(entry.packed)
  }
  return { entries, provedBy: manifest === null ? 'crc32' : 'sha256', damagedEntries, damaged }
}

async function readGroup(
  reader: ArchiveReader,
  group: readonly Wanted[],
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<DamagedPath[]> {
  const faults: DamagedPath[] = []
  for await (const content of reader.contents(group, ({ entry }) => entry, signal)) {
    const fault = await faultOf(content)
    if (fault !== null) faults.push({ path: content.item.entry.name, reason: fault })
    onBytes(content.item.entry.packed)
  }
  return faults
}

async function faultOf({ item, content }: EntryContent<Wanted>): Promise<string | null> {
  const sha256 = createHash('sha256')
  try {
    for await (const piece of content) if (item.kind === 'file') sha256.update(piece)
  } catch (error) {
    if (error instanceof DamagedEntry) return error.reason
    throw error
  }
  if (item.kind !== 'file' || sha256.digest('hex') === item.line.sha256) return null
  return 'it is not what the manifest says (SHA-256)'
}
