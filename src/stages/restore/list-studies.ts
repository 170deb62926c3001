/** What an archive holds, by study: read off its manifest, and a few headers. */
import { orderedParallelMap } from '../../pipeline/flow/ordered-parallel-map.ts'
import { BackupError } from '../../pipeline/contract/errors.ts'
import { DamagedEntry, type ArchiveEntry } from '../archive/archive-entry.ts'
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { mergeJoined } from '../archive/merge-joined.ts'
import type { ManifestFile } from '../archive/manifest-line.ts'
import { readManifest } from '../archive/manifest-reader.ts'
import { NameSet } from '../archive/name-set.ts'
import { readDicomHeader } from '../dicom/header.ts'
import type { ManifestHead } from '../zip/manifest.ts'
import { FILES_FOLDER } from '../plan/file-name.ts'
import { isInstance } from './selection.ts'

/** What a person knows a study by. Null where no header has it. */
export interface StudyHeader {
  /** (0008,0020) as YYYY-MM-DD. */
  readonly date: string | null
  /** (0008,1030) */
  readonly description: string | null
}

export interface ListStudiesOptions {
  readonly reader: ArchiveReader
  readonly signal: AbortSignal
}

/** Holds patients' data: for results, not for messages or logs. Null where the archive does not tell. */
export interface ListedStudy extends StudyHeader {
  readonly studyUid: string
  /** One study UID under two patients is two studies. */
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
  /** Sorted by patient, date and UID; those without patient or date last. */
  readonly studies: readonly ListedStudy[]
  /** Files of the archive folder that are of no study; `instances` of them are DICOM. */
  readonly others: { readonly files: number; readonly bytes: number; readonly instances: number }
  /** Files that the backup left out. */
  readonly leftOut: number
  /** Entries of which directory and manifest do not tell the same; they are in no study. */
  readonly mismatches: number
}

interface StudyInMaking {
  readonly studyUid: string
  readonly patientId: string | null
  readonly modalities: Set<string>
  /** An instance. */
  readonly first: ArchiveEntry
  date: string | null
  description: string | null
  series: number
  files: number
  bytes: number
}

const HEADERS = { concurrency: 8, items: 16, budget: 16, weight: (): number => 1 }
/** Date and description are among the first elements. */
const HEADER_BYTES = 16 * 1024

/**
 * Lists the archive's studies. Date and description are in the manifest; of an archive of an earlier version a header of
 * each study is read for them. Memory grows with the number of studies, not with that of files. Rejects with E_CONFIG
 * when the archive has no manifest, E_INTEGRITY when that or the directory is damaged, or as the archive's file does.
 */
export async function listStudies({ reader, signal }: ListStudiesOptions): Promise<StudyList> {
  const manifest = await readManifest(reader, signal)
  if (manifest === null) {
    throw new BackupError('E_CONFIG', `${reader.name} has no manifest, so its studies cannot be listed.`, {
      advice: 'It was made by another program. It can be restored as a whole.',
    })
  }
  const studies = new Map<string, StudyInMaking>()
  const series = new NameSet()
  const others = { files: 0, bytes: 0, instances: 0 }
  const left = { leftOut: 0, mismatches: 0 }
  for await (const item of mergeJoined(reader, manifest, signal)) {
    if (item.kind === 'left-out') left.leftOut += 1
    if (item.kind === 'mismatch') left.mismatches += 1
    if (item.kind !== 'file' || !item.line.path.startsWith(`${FILES_FOLDER}/`)) continue
    if (!addInstance(studies, series, item)) {
      others.files += 1
      others.bytes += item.line.size
      if (isInstance(item.line)) others.instances += 1
    }
  }
  const made = [...studies.values()]
  const isKnown = made.some(({ date, description }) => date !== null || description !== null)
  const listing = orderedParallelMap(each(made), (study) => listed(study, isKnown ? null : reader, signal), HEADERS)
  const all: ListedStudy[] = []
  for await (const study of listing) all.push(study)
  return { head: manifest.head, studies: all.sort(byPatientAndDate), others, ...left }
}

function byPatientAndDate(a: ListedStudy, b: ListedStudy): number {
  return inOrder(a.patientId, b.patientId) || inOrder(a.date, b.date) || inOrder(a.studyUid, b.studyUid)
}

function inOrder(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? 1 : -1
  return a < b ? -1 : 1
}

/** False: it is of no study. */
function addInstance(
  studies: Map<string, StudyInMaking>,
  series: NameSet,
  { entry, line }: { readonly entry: ArchiveEntry; readonly line: ManifestFile },
): boolean {
  const { studyUid, seriesUid, patientId, modality, size } = line
  if (studyUid === null) return false
  const key = JSON.stringify([patientId, studyUid])
  const study = studies.get(key) ?? newStudy(studyUid, patientId, entry)
  studies.set(key, study)
  study.date ??= line.studyDate
  study.description ??= line.studyDescription
  if (modality !== null) study.modalities.add(modality)
  if (seriesUid !== null && series.add(`${key} ${seriesUid}`)) study.series += 1
  study.files += 1
  study.bytes += size
  return true
}

const newStudy = (studyUid: string, patientId: string | null, first: ArchiveEntry): StudyInMaking => ({
  studyUid,
  patientId,
  modalities: new Set(),
  first,
  date: null,
  description: null,
  series: 0,
  files: 0,
  bytes: 0,
})

/** `reader` where the manifest does not have date and description; else null. */
async function listed(
  { first, modalities, ...study }: StudyInMaking,
  reader: ArchiveReader | null,
  signal: AbortSignal,
): Promise<ListedStudy> {
  const header = reader === null ? null : await headerOf(reader, first, signal)
  return { ...study, ...header, modalities: [...modalities].sort() }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* await Promise.resolve(items)
}

/** A damaged instance is not the list's business: its date is not known then. */
async function headerOf(reader: ArchiveReader, entry: ArchiveEntry, signal: AbortSignal): Promise<StudyHeader | null> {
  try {
    const header = readDicomHeader(await reader.head(entry, HEADER_BYTES, signal))
    return { date: header?.studyDate ?? null, description: header?.studyDescription ?? null }
  } catch (error) {
    if (error instanceof DamagedEntry) return null
    throw error
  }
}
