import { withVersion } from '../../pipeline/format-version.ts'
import type { ArchiveCounts, ArchiveSourceInput } from '../zip/archive-source.ts'
import { ARCHIVE_FORMAT, manifestLine, type ManifestHead } from '../zip/manifest.ts'
import { factOf, noteFact, type DumpFact, type ManifestFact } from './run-facts.ts'
import type { OpenRun } from './run-folder.ts'

/** The manifest's first line, which stays as it was first made, whatever process writes it out. */
export function manifestOf({ record, start }: OpenRun, version: string): ArchiveSourceInput['manifest'] {
  const asStart = ({ head, mtimeMs }: ManifestFact) => ({ head, mtime: new Date(mtimeMs) })
  return {
    made() {
      const fact = factOf(record, 'manifest')
      return fact === null ? null : asStart(fact)
    },
    make(counts) {
      const now = new Date()
      const head = manifestHead({ record, start }, version, counts, now)
      const fact = { head: manifestLine(withVersion(ARCHIVE_FORMAT, head)), mtimeMs: now.getTime() }
      noteFact(record, 'manifest', fact)
      return asStart(fact)
    },
  }
}

function manifestHead(
  { record, start }: Pick<OpenRun, 'record' | 'start'>,
  version: string,
  { files, fileBytes, skipped, dead }: ArchiveCounts,
  now: Date,
): ManifestHead {
  return {
    tool: 'dicom-backup',
    version,
    runId: start.runId,
    startedAt: new Date(start.startedAt).toISOString(),
    writtenAt: now.toISOString(),
    database: databaseIn(start.database, factOf(record, 'dump')),
    counts: { files, bytes: fileBytes, skipped, deadBytes: dead },
  }
}

/** A dump that an earlier version made says nothing of character sets. */
function databaseIn(name: string | null, dump: DumpFact | null): ManifestHead['database'] {
  if (name === null || dump === null) return null
  const { summary, charset = null, collation = null, warnings } = dump
  return { name, ...summary, charset, collation, lacks: warnings }
}
