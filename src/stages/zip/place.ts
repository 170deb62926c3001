import type { Json, Mark } from '../../pipeline/source.ts'
import type { DicomCounts } from '../dicom/counts.ts'
import type { DeflateLevel } from './entry-records.ts'
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

/** What a count that is not known is in a mark. */
const UNKNOWN = -1

/** As few characters as can be: one is kept for every part of the archive. */
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
    ],
  }
}

/** The place that a mark of `toMark` stands for; null is the start. */
export function placeOf(mark: Mark | null): ArchivePlace {
  if (mark === null) return START
  const [
    phase = 0,
    plan = 0,
    directory = 0,
    manifest = 0,
    entries = 0,
    files = 0,
    fileBytes = 0,
    skipped = 0,
    dead = 0,
  ] = mark.place as readonly number[]
  return {
    offset: mark.offset,
    phase: PHASES[phase] ?? 'dump',
    plan,
    directory,
    manifest,
    entries,
    files,
    fileBytes,
    skipped,
    dead,
    large: largeOf((mark.place as readonly Json[])[9]),
    sums: (mark.place as readonly Json[]).slice(10, 12) as [number, number],
    dicom: dicomOf((mark.place as readonly number[]).slice(12)),
  }
}

function dicomOf([files = UNKNOWN, withoutStudy = UNKNOWN]: readonly number[]): DicomCounts | null {
  return files === UNKNOWN ? null : { files, withoutStudy }
}

type Level = DeflateLevel | null

function largeOf(within: Json | undefined): LargePlace | null {
  if (!Array.isArray(within)) return null
  const [start, read, written, crc, identity, level] = within as [number, number, number, number, string, Level?]
  return { start, read, written, crc, identity, level: level ?? null }
}
