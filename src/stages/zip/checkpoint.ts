/** What a checkpoint of an archive says, for those who keep it and do not look into it. */
import { readJsonLinesAt } from '../../pipeline/files/spill-file.ts'
import type { Mark } from '../../pipeline/contract/source.ts'
import { catalogFiles } from './catalog.ts'
import type { SkippedLine } from './manifest.ts'
import { placeOf, type ArchiveCounts } from './place.ts'

/** Throws NewerFormatError, and E_STATE when it is damaged. Null is the start of the archive. */
export function checkCheckpoint(mark: Mark | null): void {
  placeOf(mark)
}

/** What the archive has up to there. Throws as `checkCheckpoint` does. */
export function countsAt(mark: Mark | null): ArchiveCounts {
  const { files, fileBytes, skipped, dead, dicom } = placeOf(mark)
  return { files, fileBytes, skipped, dead, dicom }
}

/**
 * The files that were left out up to there, by their names in the archive. `folder`: the run's. Throws as `checkCheckpoint`
 * does, and E_STATE when the manifest's lines cannot be read.
 */
export async function* leftOutUpTo(mark: Mark | null, folder: string): AsyncGenerator<SkippedLine> {
  const bytes = placeOf(mark).manifest
  if (bytes === 0) return
  for await (const { value } of readJsonLinesAt(catalogFiles(folder).manifest, 0, bytes)) {
    const { path, skipped } = value as { readonly [K in keyof SkippedLine]?: unknown }
    if (typeof path === 'string' && typeof skipped === 'string') yield { path, skipped }
  }
}
