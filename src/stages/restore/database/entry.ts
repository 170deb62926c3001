import { BackupError } from '../../../pipeline/contract/errors.ts'
import type { ArchiveEntry } from '../../archive/archive-entry.ts'
import type { ArchiveReader } from '../../archive/archive-reader.ts'
import { readManifest } from '../../archive/manifest-reader.ts'
import type { ManifestHead } from '../../zip/manifest.ts'
import type { StoredDump } from './fill.ts'

export interface ArchivedDump extends StoredDump {
  /** Of the dump. */
  readonly bytes: number
}

/** The dump in an archive; null when the archive has none. Rejects with E_INTEGRITY, or as the destination does. */
export async function findDump(reader: ArchiveReader, signal: AbortSignal): Promise<ArchivedDump | null> {
  const manifest = await readManifest(reader, signal)
  await manifest?.lines.return(undefined)
  const about = manifest?.head.database ?? null
  if (manifest !== null && about === null) return null
  for await (const entry of reader.entries(signal)) {
    if (!isDump(entry, about)) continue
    const content = (stop: AbortSignal): AsyncIterable<Uint8Array> => reader.contentInBlocks(entry, stop)
    return { bytes: entry.size, hasLastLine: manifest !== null, about, content }
  }
  if (about === null) return null
  throw new BackupError(
    'E_INTEGRITY',
    `${reader.name} has no dump of the database ${about.name} in it, although its manifest names one.`,
    {
      advice: 'Take the copy at another destination, or an older archive.',
    },
  )
}

/** A `.sql` file in the folder `database`; in the archive of another program also at its top. */
function isDump({ name }: ArchiveEntry, about: ManifestHead['database']): boolean {
  return (about === null ? /^(?:database\/)?[^/]+\.sql$/i : /^database\/[^/]+\.sql$/).test(name)
}
