import yazl from 'yazl'
import { buffer } from 'node:stream/consumers'

/** An entry without its place in the archive: what stands before the directory, and its directory record. */
export interface ZippedEntry {
  readonly data: Buffer
  /** For `placeRecord`. */
  readonly record: Buffer
}

/** APPNOTE 4.3.16: what an archive without a comment ends with; the size of its directory stands at 12. */
const END_RECORD_BYTES = 22

/**
 * A folder as an entry of its own: yazl's archive of that one entry, taken apart. Its name ends with `/`. Entries with
 * data are not made so (entry-records.ts): a yazl `ZipFile` searches its entries from the start for each new one and
 * keeps them all in memory, and one of its own for each file costs more than all else that is done for a small file.
 */
export async function zipFolder(name: string, mtime: Date): Promise<ZippedEntry> {
  const zip = new yazl.ZipFile()
  zip.addEmptyDirectory(name, { mtime })
  zip.end()
  const whole = await buffer(zip.outputStream)
  const end = whole.length - END_RECORD_BYTES
  const directory = end - whole.readUInt32LE(end + 12)
  return { data: whole.subarray(0, directory), record: whole.subarray(directory, end) }
}
