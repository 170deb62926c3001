/** What yazl makes of one entry, as the reference for the tests. */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import yazl from 'yazl'
import type { EntryOptions } from '../../../src/stages/zip/entry-records.ts'

/** APPNOTE 4.3.16: what an archive ends with. */
const END_RECORD_BYTES = 22

/** The entry's local record, data and descriptor; and its directory record, at offset 0. */
export interface YazlEntry {
  readonly bytes: Buffer
  readonly record: Buffer
}

export async function readYazl(bytes: Buffer, { name, mtime, level }: EntryOptions): Promise<YazlEntry> {
  const zip = new yazl.ZipFile()
  // It reads ahead, so each chunk lies in memory of its own.
  const chunks = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += 70_001) yield Buffer.from(bytes.subarray(at, at + 70_001))
  }
  const realName = Buffer.from(name)
  // It refuses some names, turns backslashes into slashes and throws at times before 1970.
  zip.addReadStream(Readable.from(chunks()), 'n'.repeat(realName.length), optionsOf({ name, mtime, level }))
  return await onlyEntry(zip, realName)
}

/** The same of bytes that are all there. */
export async function wholeYazl(bytes: Buffer, options: EntryOptions): Promise<YazlEntry> {
  const zip = new yazl.ZipFile()
  const realName = Buffer.from(options.name)
  zip.addBuffer(bytes, 'n'.repeat(realName.length), optionsOf(options))
  return await onlyEntry(zip, realName)
}

function optionsOf({ mtime, level }: EntryOptions): Partial<yazl.Options> {
  return {
    mtime: mtime.getTime() < 0 ? new Date(0) : mtime,
    mode: 0o100644,
    compress: level > 0,
    compressionLevel: level,
  }
}

async function onlyEntry(zip: yazl.ZipFile, realName: Buffer): Promise<YazlEntry> {
  zip.end()
  const whole = await buffer(zip.outputStream)
  const directory = whole.length - END_RECORD_BYTES - whole.readUInt32LE(whole.length - END_RECORD_BYTES + 12)
  realName.copy(whole, 30)
  realName.copy(whole, directory + 46)
  return { bytes: whole.subarray(0, directory), record: whole.subarray(directory, whole.length - END_RECORD_BYTES) }
}
