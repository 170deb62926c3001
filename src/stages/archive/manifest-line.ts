/** The manifest's lines as they are read: checked, since whoever wrote them may be anyone. */
import type { DicomHeader } from '../dicom/types.ts'
import { versionOf } from '../../pipeline/files/format-version.ts'
import {
  ARCHIVE_FORMAT,
  type FileOwner,
  type LeftOutView,
  type ManifestHead,
  type SkippedLine,
  type StoredLine,
} from '../zip/manifest.ts'

/** The line of an entry. What a DICOM header does not have, and all of it where the file is none, is null. */
export interface ManifestFile extends StoredLine, DicomHeader {}

export type ManifestLine = ManifestFile | SkippedLine

export const isSkipped = (line: ManifestLine): line is SkippedLine => 'skipped' in line

/** Null: it is none. Fields that are not known here, of a later version perhaps, are passed over. */
export function parseLine(text: string): ManifestLine | null {
  const line = parseObject(text)
  if (line === null) return null
  const { path, size, mtime, sha256, skipped } = line
  if (typeof path !== 'string' || path === '') return null
  if (typeof skipped === 'string') return { path, skipped }
  if (!isSize(size) || typeof mtime !== 'string' || Number.isNaN(Date.parse(mtime))) return null
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null
  return {
    path,
    size,
    mtime,
    sha256,
    ...ownerOf(line),
    transferSyntax: textOf(line['transferSyntax']),
    modality: textOf(line['modality']),
    patientId: textOf(line['patientId']),
    studyUid: textOf(line['studyUid']),
    seriesUid: textOf(line['seriesUid']),
    sopUid: textOf(line['sopUid']),
    studyDate: textOf(line['studyDate']),
    studyDescription: textOf(line['studyDescription']),
  }
}

/** All three or nothing. */
function ownerOf({ mode, uid, gid }: Record<string, unknown>): FileOwner {
  if (typeof mode !== 'string' || !/^[0-7]{4}$/.test(mode) || !isId(uid) || !isId(gid)) return {}
  return { mode, uid, gid }
}

/** The highest number means "as it is" to the system. */
const isId = (value: unknown): value is number => isSize(value) && value < 0xffffffff

/** The first line of the archive called `name`; null: it is none. Throws NewerFormatError. */
export function parseHead(text: string, name: string): ManifestHead | null {
  const head = parseObject(text)
  if (head === null) return null
  const { tool, version, runId, startedAt, writtenAt } = head
  if (tool !== 'dicom-backup') return null
  versionOf(ARCHIVE_FORMAT, head, `The archive ${name}`)
  if (typeof version !== 'string' || typeof runId !== 'string') return null
  if (typeof startedAt !== 'string' || typeof writtenAt !== 'string') return null
  const counts = countsOf(head['counts'])
  const database = databaseOf(head['database'])
  if (counts === null || database === undefined) return null
  return { tool, version, runId, startedAt, writtenAt, counts, database }
}

function countsOf(value: unknown): ManifestHead['counts'] | null {
  const { files, bytes, skipped, deadBytes } = asFields(value)
  if (!isSize(files) || !isSize(bytes) || !isSize(skipped) || !isSize(deadBytes)) return null
  return { files, bytes, skipped, deadBytes }
}

function databaseOf(value: unknown): ManifestHead['database'] | undefined {
  if (value === null) return null
  const { name, tables, bytes, client } = asFields(value)
  if (typeof name !== 'string' || typeof client !== 'string' || !isSize(tables) || !isSize(bytes)) return undefined
  const { leftOut, charset, collation, lacks } = asFields(value)
  return {
    name,
    tables,
    bytes,
    client,
    ...(Array.isArray(leftOut) ? { leftOut: leftOut.flatMap(leftOutOf) } : {}),
    ...(charset === undefined ? {} : { charset: wordOf(charset) }),
    ...(collation === undefined ? {} : { collation: wordOf(collation) }),
    ...(Array.isArray(lacks) ? { lacks: lacks.flatMap(lackOf) } : {}),
  }
}

/** A name that may stand in SQL as it is. */
const wordOf = (value: unknown): string | null => (typeof value === 'string' && /^\w+$/.test(value) ? value : null)

function leftOutOf(value: unknown): LeftOutView[] {
  const { view, reason, definition } = asFields(value)
  return typeof view === 'string' && typeof reason === 'string'
    ? [{ view, reason, definition: textOf(definition) }]
    : []
}

function lackOf(value: unknown): { code: string; message: string }[] {
  const { code, message } = asFields(value)
  return typeof code === 'string' && typeof message === 'string' ? [{ code, message }] : []
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

const asFields = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
