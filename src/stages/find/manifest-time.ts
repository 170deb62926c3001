import { abortError } from '../../pipeline/contract/errors.ts'
import { ArchiveReader } from '../archive/archive-reader.ts'
import { parseHead } from '../archive/manifest-line.ts'
import { remoteFile } from '../archive/remote-file.ts'
import type { Copy } from './found.ts'

/** An end of central directory record (APPNOTE.TXT 4.3.16). */
const SMALLEST_ZIP_BYTES = 22
/** The manifest's first line is shorter. */
const HEAD_BYTES = 64 * 1024

/**
 * When an archive was begun by its manifest, ms since 1970, from the first copy that can be read; null when none can, or
 * it has no manifest of ours: the viewer's PHP script made it. Rejects with E_ABORTED only.
 */
export async function timeInManifest(
  copies: readonly Copy[],
  name: string,
  signal: AbortSignal,
): Promise<number | null> {
  for (const copy of copies) {
    try {
      return await timeAt(copy, name, signal)
    } catch {
      if (signal.aborted) throw abortError(signal)
    }
  }
  return null
}

/** Of one copy. Rejects with E_INTEGRITY or DamagedEntry when it is damaged, with NewerFormatError, else as its destination does. */
export async function timeAt({ destination, stored }: Copy, name: string, signal: AbortSignal): Promise<number | null> {
  if (stored.bytes < SMALLEST_ZIP_BYTES) return null
  const reader = await ArchiveReader.open(remoteFile(destination, stored, name), signal)
  if (reader.manifestEntry === null) return null
  const [line = ''] = (await reader.head(reader.manifestEntry, HEAD_BYTES, signal)).toString().split('\n', 1)
  const at = Date.parse(parseHead(line, name)?.startedAt ?? '')
  return Number.isNaN(at) ? null : at
}
