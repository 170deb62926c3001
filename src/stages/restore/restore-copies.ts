/** Several copies of one archive, tried one after the other. */
import { asBackupError, BackupError, type ErrorCode } from '../../pipeline/contract/errors.ts'
import { ArchiveReader } from '../archive/archive-reader.ts'
import { remoteFile } from '../archive/remote-file.ts'
import type { Copy, FoundArchive } from '../find/found.ts'
import type { OpenOptions } from '../find/open-to-read.ts'
import type { OnWork } from '../find/activity.ts'
import type { State } from '../state/state.ts'

export interface FindOptions extends OpenOptions {
  /** File name; null: the newest. */
  readonly archive: string | null
  /** Its record knows which archive is the newest; null or absent when it is lost: their manifests tell then. */
  readonly state?: State | null
  readonly onWork: OnWork
}

/** What was got from a copy. */
export interface From<T> {
  readonly value: T
  /** Name of the destination. */
  readonly from: string
}

/** From the first copy that can be read. */
export async function firstOf<T>(
  found: FoundArchive,
  options: FindOptions,
  use: (copy: Copy) => Promise<T>,
): Promise<From<T>> {
  for (const [index, copy] of found.copies.entries()) {
    const from = copy.destination.name
    try {
      return { value: await use(copy), from }
    } catch (error) {
      const known = asBackupError(error, options.signal)
      if (!isOfCopy(known) || index === found.copies.length - 1) throw withOthers(known, found, copy, options)
      options.log.warn(
        { destination: from, code: known.code, err: known },
        'the copy cannot be read; trying the next one',
      )
    }
  }
  throw new BackupError('E_INTERNAL', 'No copy was tried.')
}

const OF_COPY: readonly ErrorCode[] = ['E_INTEGRITY', 'E_DESTINATION']

/** Whether another copy may do better; a sign-in that lapsed meanwhile is reported for its destination, too. */
export function isOfCopy({ code, cause }: BackupError): boolean {
  if (cause instanceof BackupError) return isOfCopy(cause)
  return OF_COPY.includes(code)
}

/** With `from`, only one destination was asked: that is then the first thing to change. */
export function withOthers(
  error: BackupError,
  { name }: FoundArchive,
  { destination }: Copy,
  { from }: FindOptions,
): BackupError {
  if (from === null || !isOfCopy(error)) return error
  const advice = `Leave --from ${destination.name} out: another destination may have a copy of ${name} that can be read.`
  return new BackupError(error.code, error.message, { advice, cause: error })
}

export async function opened(
  { destination, stored }: Copy,
  { name }: FoundArchive,
  signal: AbortSignal,
): Promise<ArchiveReader> {
  return await ArchiveReader.open(remoteFile(destination, stored, name), signal)
}
