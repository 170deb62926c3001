/** What yazl makes of one entry that is streamed, as the reference for the tests. */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import yazl from 'yazl'
import type { EntryOptions } from '../../../src/stages/zip/one-entry.ts'

/** APPNOTE 4.3.16: what an archive ends with. */
const END_RECORD_BYTES = 22

/** The entry's local record, data and descriptor; and its directory record, at offset 0. */
export async function readYazl(
  bytes: Buffer,
  { name, mtime, level }: EntryOptions,
): Promise<{ readonly bytes: Buffer; readonly record: Buffer }> {
  const zip = new yazl.ZipFile()
  // It reads ahead, so each chunk lies in memory of its own.
  const chunks = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += 70_001) yield Buffer.from(bytes.subarray(at, at + 70_001))
  }
  const realName = Buffer.from(name)
  // It refuses some names, turns backslashes into slashes and throws at times before 1970.
  zip.addReadStream(Readable.from(chunks()), 'n'.repeat(realName.length), {
    mtime: mtime.getTime() < 0 ? new Date(0) : mtime,
    mode: 0o100644,
    compress: level > 0,
    compressionLevel: level,
  })
  zip.end()
  const whole = await buffer(zip.outputStream)
  const directory = whole.length - END_RECORD_BYTES - whole.readUInt32LE(whole.length - END_RECORD_BYTES + 12)
  realName.copy(whole, 30)
  realName.copy(whole, directory + 46)
  return { bytes: whole.subarray(0, directory), record: whole.subarray(directory, whole.length - END_RECORD_BYTES) }
}
