import { withVersion } from '../../pipeline/files/format-version.ts'
import type { ManifestHeads, ManifestStart } from '../zip/make-archive.ts'
import { ARCHIVE_FORMAT, manifestLine, type ManifestHead } from '../zip/manifest.ts'
import type { ArchiveCounts } from '../zip/place.ts'
import { factOf, noteFact, type DumpFact } from './run-facts.ts'
import type { OpenRun } from './run-folder.ts'

/** The manifest's first line, as a fact of the run's journal. */
export class JournaledHeads implements ManifestHeads {
  readonly #run: Pick<OpenRun, 'record' | 'start'>
  readonly #version: string

  /** `version`: this program's. */
  constructor(run: Pick<OpenRun, 'record' | 'start'>, version: string) {
    this.#run = run
    this.#version = version
  }

  get last(): ManifestStart | null {
    const fact = factOf(this.#run.record, 'manifest')
    return fact === null ? null : { head: fact.head, mtime: new Date(fact.mtimeMs) }
  }

  make(counts: ArchiveCounts): ManifestStart {
    const now = new Date()
    const head = manifestLine(withVersion(ARCHIVE_FORMAT, manifestHead(this.#run, this.#version, counts, now)))
    noteFact(this.#run.record, 'manifest', { head, mtimeMs: now.getTime() })
    return { head, mtime: now }
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
