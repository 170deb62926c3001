/**
 * yazl, an archive of one entry at a time. A yazl ZipFile searches all its entries before each new one and keeps them
 * all in memory, so a hospital's archive cannot go through one. Here each file becomes a ZipFile of its own; its local
 * record and data are taken as they are, its central directory record is kept back for the one directory at the end
 * (directory.ts).
 */
import { Readable } from 'node:stream'
import yazl from 'yazl'
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
const ZIP64_END_BYTES = 56 + 20
/** A directory record's extra fields: the time stamp (9) and the ZIP64 sizes (28). */
const EXTRA_BYTES = 9 + 28

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
 * slash, and then refuses some names. It has as many bytes as the real name, which DirectorySplitter writes over it.
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
  const split = new DirectorySplitter(name)
  const data: Uint8Array[] = []
  for await (const chunk of zip.outputStream) data.push(...split.push(chunk as Buffer))
  const { data: last, record } = split.end()
  return { data: [...data, ...last], record }
}

/**
 * Zips a stream. Yields the local record and the data as they are made; returns the directory record. When the source
 * throws, so does this, and what was yielded is a part of an entry that no directory record may name.
 */
export async function* zipStream(
  source: AsyncIterable<Uint8Array>,
  options: EntryOptions,
): AsyncGenerator<Uint8Array, Buffer> {
  const name = Buffer.from(options.name)
  const zip = new yazl.ZipFile()
  const output = zip.outputStream as NodeJS.ReadableStream & { destroy(error?: Error): void }
  // Object mode hands each chunk on as it is; a byte stream would join them.
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 })
  const fail = (error: Error): void => {
    output.destroy(error)
  }
  input.on('error', fail)
  zip.on('error', fail)
  zip.addReadStream(input, placeholder(name), yazlOptions(options))
  zip.end()
  const split = new DirectorySplitter(name)
  try {
    for await (const chunk of output) yield* split.push(chunk as Buffer)
    const { data, record } = split.end()
    yield* data
    return record
  } finally {
    input.destroy()
    output.destroy()
  }
}

/**
 * Splits a one-entry archive, as it streams by, into what precedes the central directory and the one record in it. It
 * keeps back as many bytes as the directory of one entry can have, and finds it through the end record.
 *
 * It also gives the entry its real name, in both records.
 */
class DirectorySplitter {
  readonly #name: Buffer
  readonly #keep: number
  #held: Buffer[] = []
  #heldBytes = 0
  #named = false

  constructor(name: Buffer) {
    this.#name = name
    this.#keep = CENTRAL_NAME_AT + name.length + EXTRA_BYTES + ZIP64_END_BYTES + END_RECORD_BYTES
  }

  /** Takes the next chunk; gives those that surely precede the directory. */
  push(chunk: Buffer): Uint8Array[] {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (!this.#named) {
      const needed = LOCAL_NAME_AT + this.#name.length
      if (this.#heldBytes < needed) return []
      if ((this.#held[0]?.length ?? 0) < needed) this.#held = [Buffer.concat(this.#held)]
      this.#name.copy(this.#held[0] ?? chunk, LOCAL_NAME_AT)
      this.#named = true
    }
    const free: Uint8Array[] = []
    for (;;) {
      const first = this.#held[0]
      if (first === undefined || this.#heldBytes - first.length < this.#keep) return free
      free.push(first)
      this.#held.shift()
      this.#heldBytes -= first.length
    }
  }

  end(): ZippedEntry {
    const kept = Math.min(this.#keep, this.#heldBytes)
    const [before, last] = splitAt(this.#held, this.#heldBytes - kept)
    const tail = Buffer.concat(last)
    const end = tail.length - END_RECORD_BYTES
    // APPNOTE 4.3.16: size of the central directory at 12; 0xffffffff says that the ZIP64 record has it (4.3.14, at
    // 40).
    let size = tail.readUInt32LE(end + 12)
    let directoryEnd = end
    if (tail.readUInt32LE(end + 16) === 0xffffffff || size === 0xffffffff) {
      directoryEnd -= ZIP64_END_BYTES
      size = Number(tail.readBigUInt64LE(directoryEnd + 40))
    }
    const record = Buffer.from(tail.subarray(directoryEnd - size, directoryEnd))
    this.#name.copy(record, CENTRAL_NAME_AT)
    return { data: [...before, tail.subarray(0, directoryEnd - size)], record }
  }
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
