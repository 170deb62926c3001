import type { Destination, StoredObject } from '../../pipeline/contract/destination.ts'

/** A file that is read by ranges, wherever it lies. */
export interface RemoteFile {
  /** Of the archive, for messages. */
  readonly name: string
  readonly bytes: number
  /**
   * The bytes `from` to `to` (exclusive); a chunk is valid until the next is asked for. It gives all of them or throws a
   * BackupError.
   */
  read(from: number, to: number, signal: AbortSignal): AsyncGenerator<Uint8Array>
}

/** An object of a destination. Behind `withRetry` a range that breaks off is gone on with where it ended. */
export function remoteFile(
  destination: Pick<Destination, 'read'>,
  stored: StoredObject,
  name: string = stored.path.split(/[/\\]/).at(-1) ?? stored.path,
): RemoteFile {
  return {
    name,
    bytes: stored.bytes,
    read: (from, to, signal) => destination.read(stored, { from, to }, signal),
  }
}
