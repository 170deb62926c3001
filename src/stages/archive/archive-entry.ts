import { BackupError } from '../../pipeline/contract/errors.ts'

/** An entry as the archive's directory has it. Plain data: it can be kept as JSON. Sizes and places in bytes. */
export interface ArchiveEntry {
  /** 0 for the directory's first record. */
  readonly index: number
  /** Path in the archive, `/` between its parts; that of a folder ends with `/`. As it stands there: not checked. */
  readonly name: string
  /** The name's bytes, one character each (Latin-1), to be compared with those in the local record. */
  readonly rawName: string
  /** Of its local record. */
  readonly start: number
  /** Of the data in the archive. */
  readonly packed: number
  /** Of the content. */
  readonly size: number
  readonly crc: number
  /** 0 stored, 8 deflated. */
  readonly method: number
  /** ms since 1970, exact to the second where the archive has it so, else to two seconds in local time. */
  readonly mtimeMs: number
  /** Why its content cannot be read; null when nothing speaks against it. `content` rejects with it. */
  readonly fault: string | null
}

/**
 * E_INTEGRITY: one entry is not what it should be; others may be. The message names the archive and the entry's number,
 * for a path may hold a patient's name; `reason` alone goes beside the path into results.
 */
export class DamagedEntry extends BackupError {
  readonly entry: ArchiveEntry
  readonly reason: string

  constructor(archive: string, entry: ArchiveEntry, reason: string) {
    super('E_INTEGRITY', `${archive}: entry ${entry.index + 1} is damaged: ${reason}.`, { advice: OTHER_COPY })
    this.entry = entry
    this.reason = reason
  }
}

const OTHER_COPY = 'Take the copy at another destination, or an older archive.'

/** E_INTEGRITY: the archive as a whole cannot be read. `what` goes on after its name: 'has no directory'. */
export function damagedArchive(archive: string, what: string): BackupError {
  return new BackupError('E_INTEGRITY', `${archive} ${what}.`, { advice: OTHER_COPY })
}

/** A folder is an entry whose name ends so. */
export const isFolder = ({ name }: Pick<ArchiveEntry, 'name'>): boolean => name.endsWith('/')

/** Fixed part of a local record (APPNOTE 4.3.7). */
export const LOCAL_FIXED = 30

/** A local record may have extra fields that the directory does not tell of; most have fewer bytes. */
const LOCAL_EXTRA = 128

/** Where an entry ends at the latest, but for a local record with unusually many extra fields. */
export const endOf = ({ start, rawName, packed }: ArchiveEntry): number =>
  start + LOCAL_FIXED + rawName.length + LOCAL_EXTRA + packed
