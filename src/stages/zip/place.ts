import { BackupError } from '../../pipeline/contract/errors.ts'
import { knownVersion, type Format } from '../../pipeline/files/format-version.ts'
import type { Mark } from '../../pipeline/contract/source.ts'
import type { DicomCounts } from '../dicom/counts.ts'
import { DEFLATE_LEVELS, type DeflateLevel } from './entry-records.ts'
import type { LargeProgress } from './large-entry.ts'

/** Which of the archive's pieces comes next, or is under way. */
export type Phase = 'dump' | 'files' | 'manifest' | 'directory'

const PHASES: readonly Phase[] = ['dump', 'files', 'manifest', 'directory']

/** A place within an entry that goes out in segments, or within the central directory. */
export interface LargePlace extends LargeProgress {
  /** Where in the archive it begins. */
  readonly start: number
  /** What the source was when the entry began (`LargeFile.identity`); '' for what nobody changes. */
  readonly identity: string
}

/** A place where the archive can be gone on from. Positions and sizes are bytes. */
export interface ArchivePlace {
  /** In the archive. */
  readonly offset: number
  readonly phase: Phase
  /** Position in the plan's file of the next line. */
  readonly plan: number
  /** Length of the directory records and of the manifest's lines so far. */
  readonly directory: number
  readonly manifest: number
  /** CRC-32 of both files so far, one after the other: of the directory records, of the manifest's lines. */
  readonly sums: readonly [directory: number, manifest: number]
  readonly entries: number
  /** Files of the archive folder that are in, their bytes, and how many are left out. */
  readonly files: number
  readonly fileBytes: number
  readonly skipped: number
  /** Bytes that no directory record names. */
  readonly dead: number
  /** Of the files that are in; null: not known, as a version that did not count them began the archive. */
  readonly dicom: DicomCounts | null
  /** Null between two entries. */
  readonly large: LargePlace | null
}

/** What is in the archive so far. */
export type ArchiveCounts = Pick<ArchivePlace, 'files' | 'fileBytes' | 'skipped' | 'dead' | 'dicom'>

export const START: ArchivePlace = {
  offset: 0,
  phase: 'dump',
  plan: 0,
  directory: 0,
  manifest: 0,
  sums: [0, 0],
  entries: 0,
  files: 0,
  fileBytes: 0,
  skipped: 0,
  dead: 0,
  dicom: { files: 0, withoutStudy: 0 },
  large: null,
}

/** Of `Mark.place`. Version 0 lacks the last element, and in its first journals both counts of DICOM files before it. */
export const PLACE_FORMAT: Format = { name: 'a checkpoint of an archive', version: 1 }

/** What a count that is not known is in a mark. */
const UNKNOWN = -1

/** As few characters as can be: one is kept for every part of the archive. The version is the element VERSION_AT. */
export function toMark(place: ArchivePlace): Mark {
  const { offset, phase, plan, directory, manifest, entries, files, fileBytes, skipped, dead, dicom, large, sums } =
    place
  const within =
    large === null ? null : [large.start, large.read, large.written, large.crc, large.identity, large.level]
  return {
    offset,
    place: [
      PHASES.indexOf(phase),
      plan,
      directory,
      manifest,
      entries,
      files,
      fileBytes,
      skipped,
      dead,
      within,
      ...sums,
      dicom?.files ?? UNKNOWN,
      dicom?.withoutStudy ?? UNKNOWN,
      PLACE_FORMAT.version,
    ],
  }
}

const WITHIN_AT = 9
const SUMS_AT = 10
const DICOM_AT = 12
const VERSION_AT = 14

/**
 * The place that a mark of `toMark` stands for; null is the start. Throws NewerFormatError, and E_STATE when it is no such
 * mark.
 */
export function placeOf(mark: Mark | null): ArchivePlace {
  if (mark === null) return START
  const fields: readonly unknown[] = Array.isArray(mark.place) ? mark.place : []
  knownVersion(PLACE_FORMAT, fields[VERSION_AT], 'The interrupted archive')
  const [phase, plan, directory, manifest, entries, files, fileBytes, skipped, dead] = fields
    .slice(0, WITHIN_AT)
    .map(count)
  const [directorySum, manifestSum] = fields.slice(SUMS_AT, DICOM_AT).map(count)
  return {
    offset: count(mark.offset),
    phase: PHASES[given(phase)] ?? unreadable(),
    plan: given(plan),
    directory: given(directory),
    manifest: given(manifest),
    entries: given(entries),
    files: given(files),
    fileBytes: given(fileBytes),
    skipped: given(skipped),
    dead: given(dead),
    large: largeOf(fields[WITHIN_AT]),
    sums: [given(directorySum), given(manifestSum)],
    dicom: dicomOf(fields.slice(DICOM_AT, VERSION_AT)),
  }
}

function dicomOf([files = UNKNOWN, withoutStudy = UNKNOWN]: readonly unknown[]): DicomCounts | null {
  return files === UNKNOWN ? null : { files: count(files), withoutStudy: count(withoutStudy) }
}

/** The level is missing in journals of versions that did not note it. */
function largeOf(within: unknown): LargePlace | null {
  if (within === null) return null
  if (!Array.isArray(within)) return unreadable()
  const [start, read, written, crc, identity, level = null] = within as readonly unknown[]
  if (typeof identity !== 'string') return unreadable()
  if (level !== null && !isLevel(level)) return unreadable()
  return { start: count(start), read: count(read), written: count(written), crc: count(crc), identity, level }
}

const isLevel = (value: unknown): value is DeflateLevel => DEFLATE_LEVELS.some((level) => level === value)

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : unreadable()
}

const given = (value: number | undefined): number => value ?? unreadable()

function unreadable(): never {
  throw new BackupError('E_STATE', 'A checkpoint of the interrupted archive in the state folder is damaged.', {
    advice: 'The next run makes a new backup. Check the disk.',
  })
}
