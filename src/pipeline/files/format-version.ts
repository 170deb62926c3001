/**
 * Versions of formats. Whatever is written now and read by a later process, perhaps of another version of this program,
 * has its format's number with it, under the key `format`. What was written before there were numbers has none: that is
 * version 0. A number grows when a program that knows only the one before would misread what is written.
 */
import { BackupError } from '../contract/errors.ts'

/** The format of one kind of file, record or table. */
export interface Format {
  /** For people: 'the journal of a backup'. */
  readonly name: string
  /** What is written now, and the newest that can be read. */
  readonly version: number
}

/**
 * E_STATE: what is there was made by a newer version of this program. Whoever meets it stops before anything is changed:
 * it is no damage, and nothing is given up, replaced or removed because of it.
 */
export class NewerFormatError extends BackupError {
  /** `where`: the file, table or archive, as the subject of a sentence. */
  constructor({ name }: Format, where: string) {
    super(
      'E_STATE',
      `${where} was made by a newer version of dicom-backup: ${name} has a format that is unknown here.`,
      {
        advice:
          'Nothing was changed, and stored backups are safe. Update dicom-backup on this machine, then start it again.',
      },
    )
  }
}

/** The value with its version, which comes first. */
export function withVersion<T extends object>(format: Format, value: T): { readonly format: number } & T {
  return { format: format.version, ...value }
}

/**
 * The version that was written with a value; 0 when there is none. Throws NewerFormatError when it is not one that is
 * known here.
 */
export function versionOf(format: Format, value: unknown, where: string): number {
  const written = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined
  return knownVersion(format, written, where)
}

/** The same of a number that stands elsewhere; undefined is 0. */
export function knownVersion(format: Format, written: unknown, where: string): number {
  if (written === undefined) return 0
  const isKnown = typeof written === 'number' && Number.isInteger(written) && written >= 0 && written <= format.version
  if (!isKnown) throw new NewerFormatError(format, where)
  return written
}

/** JSON text of a value with its version. */
export function versionedJson(format: Format, value: object): string {
  return JSON.stringify(withVersion(format, value))
}

/** The fields of such a text; null when it is damaged, or no object. Throws NewerFormatError. */
export function readVersionedJson(format: Format, text: string, where: string): Record<string, unknown> | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  versionOf(format, value, where)
  return value as Record<string, unknown>
}
