/** What an archive holds, by study: read off its manifest, and a few headers. */
import { aheadInOrder } from '../../pipeline/ahead.ts'
import { BackupError } from '../../pipeline/errors.ts'
import { DamagedEntry, type ArchiveEntry } from '../archive/archive-entry.ts'
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { joined } from '../archive/joined.ts'
import type { ManifestFile } from '../archive/manifest-line.ts'
import { readManifest } from '../archive/manifest-reader.ts'
import { NameSet } from '../archive/name-set.ts'
import { DICOM_PREFIX_BYTES, readDicomHeader } from '../dicom/header.ts'
import type { ManifestHead } from '../zip/manifest.ts'
import { FILES_FOLDER } from '../zip/prepare-file.ts'

/** What a person knows a study by. Null where no header has it. */
export interface StudyHeader {
  /** (0008,0020) as YYYY-MM-DD. */
  readonly date: string | null
  /** (0008,1030) */
  readonly description: string | null
}

export interface ListStudiesOptions {
  readonly reader: ArchiveReader
  /** Of how many studies, the first in the archive, a header is read: one request each. */
  readonly limit?: number
  readonly signal: AbortSignal
}

/** Holds patients' data: for results, not for messages or logs. Null where the archive does not tell. */
export interface ListedStudy extends StudyHeader {
  readonly studyUid: string
  /** That of its first instance. */
  readonly patientId: string | null
  /** Sorted. */
  readonly modalities: readonly string[]
  readonly series: number
  readonly files: number
  /** Of the files, not in the archive. */
  readonly bytes: number
}

export interface StudyList {
  readonly head: ManifestHead
  /** In the order of the archive. */
  readonly studies: readonly ListedStudy[]
  /** Files of the archive folder that are of no study. */
  readonly others: { readonly files: number; readonly bytes: number }
  /** Files that the backup left out. */
  readonly leftOut: number
  /** Entries of which directory and manifest do not tell the same; they are in no study. */
  readonly misfits: number
}

interface StudyInMaking {
  readonly studyUid: string
  readonly patientId: string | null
  readonly modalities: Set<string>
  /** An instance. */
  readonly first: ArchiveEntry
  series: number
  files: number
  bytes: number
}

const LIMIT = 500
const HEADERS = { concurrency: 4, items: 16, budget: 16, weight: (): number => 1 }
const UNKNOWN: StudyHeader = { date: null, description: null }

/**
 * Lists the archive's studies. Memory grows with the number of studies, not with that of files. Rejects with E_CONFIG
 * when the archive has no manifest, E_INTEGRITY when that or the directory is damaged, or as the archive's file does.
 */
export async function listStudies({ reader, limit = LIMIT, signal }: ListStudiesOptions): Promise<StudyList> {
  const manifest = await readManifest(reader, signal)
  if (manifest === null) {
    throw new BackupError('E_CONFIG', `${reader.name} has no manifest, so that its studies cannot be listed.`, {
      advice: 'It was made by another program. It can be restored as a whole.',
    })
  }
  const studies = new Map<string, StudyInMaking>()
  const series = new NameSet()
  const others = { files: 0, bytes: 0 }
  const left = { leftOut: 0, misfits: 0 }
  for await (const item of joined(reader, manifest, signal)) {
    if (item.kind === 'left-out') left.leftOut += 1
    if (item.kind === 'misfit') left.misfits += 1
    if (item.kind !== 'file' || !item.line.path.startsWith(`${FILES_FOLDER}/`)) continue
    if (!addInstance(studies, series, item)) {
      others.files += 1
      others.bytes += item.line.size
    }
  }
  const made = [...studies.values()]
  const headers: StudyHeader[] = []
  const read = aheadInOrder(firstOf(made, limit), ({ first }) => headerOf(reader, first, signal), HEADERS)
  for await (const header of read) headers.push(header)
  return {
    head: manifest.head,
    studies: made.map((study, n) => listed(study, headers[n] ?? UNKNOWN)),
    others,
    ...left,
  }
}

/** False: it is of no study. */
function addInstance(
  studies: Map<string, StudyInMaking>,
  series: NameSet,
  { entry, line }: { readonly entry: ArchiveEntry; readonly line: ManifestFile },
): boolean {
  const { studyUid, seriesUid, patientId, modality, size } = line
  if (studyUid === null) return false
  const study = studies.get(studyUid) ?? newStudy(studyUid, patientId, entry)
  studies.set(studyUid, study)
  if (modality !== null) study.modalities.add(modality)
  if (seriesUid !== null && series.add(`${studyUid} ${seriesUid}`)) study.series += 1
  study.files += 1
  study.bytes += size
  return true
}

const newStudy = (studyUid: string, patientId: string | null, first: ArchiveEntry): StudyInMaking => ({
  studyUid,
  patientId,
  modalities: new Set(),
  first,
  series: 0,
  files: 0,
  bytes: 0,
})

const listed = (
  { studyUid, patientId, modalities, series, files, bytes }: StudyInMaking,
  header: StudyHeader,
): ListedStudy => ({ studyUid, patientId, modalities: [...modalities].sort(), series, files, bytes, ...header })

async function* firstOf<T>(items: readonly T[], limit: number): AsyncGenerator<T> {
  yield* await Promise.resolve(items.slice(0, limit))
}

/** A damaged instance is not the list's business: its date is not known then. */
async function headerOf(reader: ArchiveReader, entry: ArchiveEntry, signal: AbortSignal): Promise<StudyHeader> {
  try {
    const header = readDicomHeader(await reader.head(entry, DICOM_PREFIX_BYTES, signal))
    return { date: header?.studyDate ?? null, description: header?.studyDescription ?? null }
  } catch (error) {
    if (error instanceof DamagedEntry) return UNKNOWN
    throw error
  }
}
