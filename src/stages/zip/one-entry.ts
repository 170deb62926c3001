/**
 * yazl, an archive of one entry at a time. A yazl ZipFile searches all its entries before each new one and keeps them
 * all in memory, so a hospital's archive cannot go through one. Here each file becomes a ZipFile of its own; its local
 * record and data are taken as they are, its central directory record is kept back for the one directory at the end
 * (directory.ts).
 */
import yazl from 'yazl'
import { lengthOf } from '../../pipeline/chunks.ts'
import { useNativeCrc } from './native-crc.ts'

useNativeCrc()

export type DeflateLevel = 0 | 1 | 6

export interface EntryOptions {
  /** Path in the archive, `/` between its parts. */
  readonly name: string
  /** Kept to the second from 1970 to 2038; before and after, that limit stands in its place. */
  readonly mtime: Date
  /** 0: stored. */
  readonly level: DeflateLevel
}

/** An entry without its place in the archive: what stands before the directory, and its directory record. */
export interface ZippedEntry {
  readonly data: readonly Uint8Array[]
  /** For `placeRecord`. */
  readonly record: Buffer
}

const LOCAL_NAME_AT = 30
const CENTRAL_NAME_AT = 46
const END_RECORD_BYTES = 22

/** yazl writes times before it as a number that does not fit, which throws where nobody can catch it. */
const FIRST_TIME = new Date(0)

const yazlOptions = ({ mtime, level }: EntryOptions): Partial<yazl.Options> => ({
  mtime: mtime < FIRST_TIME ? FIRST_TIME : mtime,
  mode: 0o100644,
  compress: level > 0,
  compressionLevel: level,
})

/**
 * What yazl is told that the entry is called: it takes a backslash, an ordinary character in a Linux file name, for a
 * slash, and then refuses some names. It has as many bytes as the real name, which `split` writes over it.
 */
const placeholder = (name: Buffer): string => 'n'.repeat(name.length)

/**
 * Zips bytes that are all there. Their size and CRC stand in the local record, so that even a streaming reader can use
 * it.
 */
export async function zipBuffer(bytes: Buffer, options: EntryOptions): Promise<ZippedEntry> {
  const name = Buffer.from(options.name)
  const zip = new yazl.ZipFile()
  zip.addBuffer(bytes, placeholder(name), yazlOptions(options))
  return await onlyEntry(zip, name)
}

/** A folder as an entry of its own. Its name ends with `/`. */
export async function zipFolder(folder: string, mtime: Date): Promise<ZippedEntry> {
  const name = Buffer.from(folder)
  const zip = new yazl.ZipFile()
  zip.addEmptyDirectory(placeholder(name.subarray(1)), { mtime })
  return await onlyEntry(zip, name)
}

async function onlyEntry(zip: yazl.ZipFile, name: Buffer): Promise<ZippedEntry> {
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer)
  return split(chunks, name)
}

/**
 * Splits a one-entry archive into what precedes the central directory and the one record in it, found through the end
 * record. Gives the entry its real name, in both records.
 */
function split(chunks: readonly Buffer[], name: Buffer): ZippedEntry {
  const bytes = lengthOf(chunks)
  const [, end] = splitAt(chunks, bytes - END_RECORD_BYTES)
  // APPNOTE 4.3.16: size of the central directory at 12.
  const size = Buffer.concat(end).readUInt32LE(12)
  const [before, directory] = splitAt(chunks, bytes - END_RECORD_BYTES - size)
  const record = Buffer.concat(directory).subarray(0, size)
  name.copy(record, CENTRAL_NAME_AT)
  const first = before[0]
  const isTogether = first !== undefined && first.length >= LOCAL_NAME_AT + name.length
  const data = isTogether ? before : [Buffer.concat(before)]
  if (data[0] !== undefined) name.copy(data[0], LOCAL_NAME_AT)
  return { data, record }
}

/** The chunks before and from byte `at`, without copying. */
function splitAt(chunks: readonly Buffer[], at: number): readonly [Buffer[], Buffer[]] {
  const before: Buffer[] = []
  const after: Buffer[] = []
  let offset = 0
  for (const chunk of chunks) {
    const cut = Math.min(Math.max(at - offset, 0), chunk.length)
    if (cut > 0) before.push(chunk.subarray(0, cut))
    if (cut < chunk.length) after.push(chunk.subarray(cut))
    offset += chunk.length
  }
  return [before, after]
}
