import type { ManifestHead } from '../zip/manifest.ts'
import { DamagedEntry } from './archive-entry.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { linesOf } from './lines.ts'
import { parseHead, parseLine, type ManifestLine } from './manifest-line.ts'

/** More than the longest path takes as JSON. */
const MOST_LINE_BYTES = 1024 * 1024

export interface ManifestReader {
  readonly head: ManifestHead
  /**
   * What follows the head, in the order of the directory; it is to be read to its end or returned. Throws DamagedEntry,
   * and for a wrong CRC-32 behind the last line: only a manifest that ended is right.
   */
  readonly lines: AsyncGenerator<ManifestLine>
}

/**
 * The archive's manifest, read as a stream; null when it has none. Rejects with DamagedEntry when it does not begin as
 * one should, and with NewerFormatError.
 */
export async function readManifest(reader: ArchiveReader, signal: AbortSignal): Promise<ManifestReader | null> {
  const entry = reader.manifestEntry
  if (entry === null) return null
  const texts = linesOf(reader.contentInBlocks(entry, signal), MOST_LINE_BYTES)
  const head = await headOf(texts, reader.name).catch(async (error: unknown) => {
    await texts.return(undefined)
    throw error
  })
  if (head === null) {
    await texts.return(undefined)
    throw new DamagedEntry(reader.name, entry, 'the manifest does not begin with its first line')
  }
  const lines = async function* (): AsyncGenerator<ManifestLine> {
    let number = 1
    for await (const text of texts) {
      number += 1
      const line = text === null ? null : parseLine(text)
      if (line === null) throw new DamagedEntry(reader.name, entry, `line ${number} of the manifest cannot be read`)
      yield line
    }
  }
  return { head, lines: lines() }
}

async function headOf(texts: ReturnType<typeof linesOf>, name: string): Promise<ManifestHead | null> {
  const first = await texts.next()
  return first.done === true || first.value === null ? null : parseHead(first.value, name)
}
