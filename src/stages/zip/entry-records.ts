/**
 * What stands around the data of an entry: local record, data descriptor, directory record; byte for byte what yazl
 * writes. Pure functions from facts to bytes. Section numbers are those of PKWARE's APPNOTE.TXT 6.3.10.
 */

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

/** What is known of an entry when all its data is out. Sizes in bytes. */
export interface EntrySums {
  readonly crc: number
  /** Of the data in the archive. */
  readonly packed: number
  readonly size: number
}

const MAX_16 = 0xffff
const MAX_32 = 0xffffffff
/** 4.4.3.2: 2.0 for deflate, 4.5 for ZIP64. */
const VERSION = 20
const VERSION_ZIP64 = 45
/** 4.4.2: upper byte 3, UNIX; lower byte 63, version 6.3 of the specification. */
const VERSION_MADE_BY = (3 << 8) | 63
/** 4.4.4: the name is UTF-8. */
const UTF_8 = 1 << 11
/** 4.4.4: sizes and CRC follow the data. */
const SUMS_FOLLOW = 1 << 3
/** A regular file, rw-r--r--, or a folder, rwxrwxr-x, in the upper half (4.4.15). */
const ATTRIBUTES = { file: (0o100644 << 16) >>> 0, folder: (0o040775 << 16) >>> 0 }

/** An entry of which all is known before its first byte is out, so that even a streaming reader can use it. */
export function wholeEntry(entry: EntryOptions, sums: EntrySums, data: Uint8Array): ZippedEntry {
  return { data: [localRecord(entry, sums), data], record: directoryRecord(entry, sums, 0) }
}

/** A folder as an entry of its own. Its name ends with `/`. */
export function folderEntry(name: string, mtime: Date): ZippedEntry {
  const entry = { name, mtime, level: 0 } as const
  const record = directoryRecord(entry, NOTHING, 0)
  record.writeUInt32LE(ATTRIBUTES.folder, 38)
  return { data: [localRecord(entry, NOTHING)], record }
}

const NOTHING: EntrySums = { crc: 0, packed: 0, size: 0 }

/**
 * `sums`: null when they are not known yet and stand in the data descriptor. Throws RangeError when the name has more
 * bytes than 16 bits can say.
 */
export function localRecord(entry: EntryOptions, sums: EntrySums | null): Buffer {
  const name = nameBytes(entry)
  const fixed = Buffer.alloc(30)
  fixed.writeUInt32LE(0x04034b50, 0) // 4.3.7 local file header signature
  fixed.writeUInt16LE(VERSION, 4) // version needed to extract
  writeKind(fixed, 6, entry, sums === null ? SUMS_FOLLOW : 0)
  if (sums !== null) {
    fixed.writeUInt32LE(sums.crc, 14)
    fixed.writeUInt32LE(sums.packed, 18) // compressed size
    fixed.writeUInt32LE(sums.size, 22) // uncompressed size
  }
  fixed.writeUInt16LE(name.length, 26) // file name length
  fixed.writeUInt16LE(0, 28) // extra field length
  return Buffer.concat([fixed, name])
}

/** 4.3.9, with its signature; sizes of 8 bytes when the directory record has a ZIP64 field. */
export function dataDescriptor(sums: EntrySums): Buffer {
  const zip64 = needsZip64(sums)
  const bytes = Buffer.alloc(zip64 ? 24 : 16)
  bytes.writeUInt32LE(0x08074b50, 0)
  bytes.writeUInt32LE(sums.crc, 4)
  if (zip64) {
    bytes.writeBigUInt64LE(BigInt(sums.packed), 8)
    bytes.writeBigUInt64LE(BigInt(sums.size), 16)
  } else {
    bytes.writeUInt32LE(sums.packed, 8)
    bytes.writeUInt32LE(sums.size, 12)
  }
  return bytes
}

/** For `placeRecord`: that of an entry at offset 0. `flags`: as in its local record. */
export function directoryRecord(entry: EntryOptions, sums: EntrySums, flags: number = SUMS_FOLLOW): Buffer {
  const name = nameBytes(entry)
  const zip64 = needsZip64(sums)
  const extra = zip64 ? Buffer.concat([timestampField(entry.mtime), zip64Field(sums)]) : timestampField(entry.mtime)
  const fixed = Buffer.alloc(46)
  fixed.writeUInt32LE(0x02014b50, 0) // 4.3.12 central file header signature
  fixed.writeUInt16LE(VERSION_MADE_BY, 4)
  fixed.writeUInt16LE(zip64 ? VERSION_ZIP64 : VERSION, 6) // version needed to extract
  writeKind(fixed, 8, entry, flags)
  fixed.writeUInt32LE(sums.crc, 16)
  fixed.writeUInt32LE(zip64 ? MAX_32 : sums.packed, 20) // compressed size
  fixed.writeUInt32LE(zip64 ? MAX_32 : sums.size, 24) // uncompressed size
  fixed.writeUInt16LE(name.length, 28) // file name length
  fixed.writeUInt16LE(extra.length, 30) // extra field length
  // comment length, disk, internal attributes, at 32, 34, 36: none
  fixed.writeUInt32LE(ATTRIBUTES.file, 38) // external file attributes
  fixed.writeUInt32LE(zip64 ? MAX_32 : 0, 42) // offset of the local record
  return Buffer.concat([fixed, name, extra])
}

const needsZip64 = ({ packed, size }: EntrySums): boolean => packed >= MAX_32 || size >= MAX_32

function nameBytes({ name }: EntryOptions): Buffer {
  const bytes = Buffer.from(name)
  if (bytes.length > MAX_16) throw new RangeError(`An entry's name has ${bytes.length} bytes; a ZIP holds ${MAX_16}.`)
  return bytes
}

/** Flags, method, time and date: eight bytes that both records have. */
function writeKind(record: Buffer, at: number, { mtime, level }: EntryOptions, flags: number): void {
  const { time, date } = dosTime(mtime)
  record.writeUInt16LE(UTF_8 | flags, at)
  record.writeUInt16LE(level === 0 ? 0 : 8, at + 2) // 4.4.5: 0 stored, 8 deflated
  record.writeUInt16LE(time, at + 4)
  record.writeUInt16LE(date, at + 6)
}

/** 4.4.6: local time, two seconds exact, from 1980 to 2107; before and after, that limit. */
function dosTime(mtime: Date): { time: number; date: number } {
  const first = new Date(1980, 0, 1)
  const last = new Date(2107, 11, 31, 23, 59, 58)
  const when = mtime < first ? first : mtime > last ? last : mtime
  return {
    time: (when.getHours() << 11) | (when.getMinutes() << 5) | Math.floor(when.getSeconds() / 2),
    date: ((when.getFullYear() - 1980) << 9) | ((when.getMonth() + 1) << 5) | when.getDate(),
  }
}

/** Info-ZIP's extended timestamp: seconds since 1970 in UTC, up to 2038; before and after, that limit. */
function timestampField(mtime: Date): Buffer {
  const field = Buffer.alloc(9)
  field.writeUInt16LE(0x5455, 0) // "UT"
  field.writeUInt16LE(5, 2)
  field.writeUInt8(3, 4) // times of modification and access; the directory holds the first of them only
  field.writeUInt32LE(Math.max(0, Math.min(Math.floor(mtime.getTime() / 1000), 0x7fffffff)), 5)
  return field
}

/** 4.5.3, with all three numbers. */
function zip64Field({ packed, size }: EntrySums): Buffer {
  const field = Buffer.alloc(28)
  field.writeUInt16LE(0x0001, 0)
  field.writeUInt16LE(24, 2)
  field.writeBigUInt64LE(BigInt(size), 4)
  field.writeBigUInt64LE(BigInt(packed), 12)
  field.writeBigUInt64LE(0n, 20) // offset of the local record
  return field
}
