/** The lines of a run's journal. */
import type { DigestState } from '../digests/archive-digest.ts'
import type { StoredObject } from '../contract/destination.ts'
import type { ObjectDigests } from '../contract/digests.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { knownVersion, NewerFormatError, type Format } from '../files/format-version.ts'
import type { Json } from '../contract/source.ts'
import { damagedStateFile } from '../files/state-file.ts'

/**
 * Of the journal's lines, and of the files beside it that have no version of their own: the part index, the ring and
 * what the archive's source keeps. Version 0 has no line of kind 'format', and is else the same.
 */
export const JOURNAL_FORMAT: Format = { name: "a backup's journal", version: 1 }

/** What only the archive's end tells. */
export interface WholeObject {
  readonly bytes: number
  /** Those that destinations of the run prove themselves by, and always the content hash. */
  readonly digests: ObjectDigests
}

/** The parts that may have been sent. */
export interface Made {
  readonly parts: number
  readonly bytes: number
  /** Null when the archive is whole. */
  readonly digest: DigestState | null
}

/** How an upload stands, as far as it was noted. */
export interface UploadNote {
  /** For `Destination.resume`; null when there is nothing to resume. */
  readonly token: string | null
  /** Bytes that the destination was known to hold. */
  readonly held: number
  readonly stored: StoredObject | null
  /** What the last attempt ended with. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null
  /** The archive can never get there. */
  readonly hopeless: boolean
}

export type RecordLine =
  | { readonly is: 'format'; readonly format: number }
  | { readonly is: 'fact'; readonly name: string; readonly value: Json }
  | { readonly is: 'made'; readonly made: Made; readonly whole: WholeObject | null }
  | { readonly is: 'upload'; readonly destination: string; readonly note: UploadNote }
  | { readonly is: 'held'; readonly destination: string; readonly held: number }

export const FORMAT_LINE: RecordLine = { is: 'format', format: JOURNAL_FORMAT.version }

/**
 * A line as it was written. `file`: the journal, for errors. Throws NewerFormatError for a line that is unknown here: it is
 * whole, so another version has written it; E_STATE for one of a known kind that is not what was written.
 */
export function asLine(value: unknown, file: string): RecordLine {
  const where = `The file ${file} in the state folder`
  const line = fieldsOf(value)
  switch (line['is']) {
    case 'format':
      knownVersion(JOURNAL_FORMAT, line['format'], where)
      break
    case 'fact':
      if (typeof line['name'] !== 'string' || line['value'] === undefined) throw damagedStateFile(file)
      break
    case 'made':
      if (!isMade(fieldsOf(line['made'])) || !isWhole(line['whole'])) throw damagedStateFile(file)
      break
    case 'upload':
      if (typeof line['destination'] !== 'string' || !isNote(fieldsOf(line['note']))) throw damagedStateFile(file)
      break
    case 'held':
      if (typeof line['destination'] !== 'string' || !isCount(line['held'])) throw damagedStateFile(file)
      break
    default:
      throw new NewerFormatError(JOURNAL_FORMAT, where)
  }
  return value as RecordLine
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string'

function isMade({ parts, bytes, digest }: Fields): boolean {
  return isCount(parts) && isCount(bytes) && (digest === null || isDigests(digest))
}

function isWhole(value: unknown): boolean {
  const { bytes, digests } = fieldsOf(value)
  return value === null || (isCount(bytes) && isDigests(digests))
}

const isDigests = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every(isTextOrNull)

function isNote({ token, held, stored, error, hopeless }: Fields): boolean {
  const { id, path, bytes } = fieldsOf(stored)
  const { code, message } = fieldsOf(error)
  return (
    isTextOrNull(token) &&
    isCount(held) &&
    (stored === null || (typeof id === 'string' && typeof path === 'string' && isCount(bytes))) &&
    (error === null || (typeof code === 'string' && typeof message === 'string')) &&
    typeof hopeless === 'boolean'
  )
}
