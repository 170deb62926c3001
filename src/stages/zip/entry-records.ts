/**
 * What stands around the data of an entry: local record, data descriptor, directory record; byte for byte what yazl
 * writes. Pure functions from facts to bytes. Section numbers are those of PKWARE's APPNOTE.TXT 6.3.10.
 */

export const DEFLATE_LEVELS = [0, 1, 6] as const
export type DeflateLevel = (typeof DEFLATE_LEVELS)[number]

export interface EntryOptions {
  /** Path in the archive, `/` between its parts. */
  readonly name: string
  /** Kept to the second from 1970 to 2038; before and after, that limit stands in its place, and the manifest has it. */
  readonly mtime: Date
  /** 0: stored. */
  readonly level: DeflateLevel
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
/** A regular file, rw-r--r--, in the upper half (4.4.15). */
const ATTRIBUTES = (0o100644 << 16) >>> 0

const LOCAL_FIXED = 30
const DIRECTORY_FIXED = 46
const TIMESTAMP_BYTES = 9
const ZIP64_BYTES = 28

/** How long a local record is, bytes. */
export const localRecordBytes = (name: string): number => LOCAL_FIXED + Buffer.byteLength(name)

/** How long a directory record is at most, before it has its place. */
export const directoryRecordBytes = (name: string): number =>
  DIRECTORY_FIXED + Buffer.byteLength(name) + TIMESTAMP_BYTES + ZIP64_BYTES

/** As `writeLocalRecord`, in memory of its own. */
export function localRecord(entry: EntryOptions, sums: EntrySums | null): Buffer {
  const record = Buffer.alloc(localRecordBytes(entry.name))
  writeLocalRecord(record, 0, entry, sums)
  return record
}

/**
 * Writes a local record at byte `at` of `into`, and gives the byte after it. `sums`: null when they are not known yet and
 * stand in the data descriptor. Throws RangeError when the name has more bytes than 16 bits can say.
 */
export function writeLocalRecord(into: Buffer, at: number, entry: EntryOptions, sums: EntrySums | null): number {
  const nameLength = writeName(into, at + LOCAL_FIXED, entry)
  into.writeUInt32LE(0x04034b50, at) // 4.3.7 local file header signature
  into.writeUInt16LE(VERSION, at + 4) // version needed to extract
  writeKind(into, at + 6, entry, sums === null ? SUMS_FOLLOW : 0)
  into.writeUInt32LE(sums?.crc ?? 0, at + 14)
  into.writeUInt32LE(sums?.packed ?? 0, at + 18) // compressed size
  into.writeUInt32LE(sums?.size ?? 0, at + 22) // uncompressed size
  into.writeUInt16LE(nameLength, at + 26) // file name length
  into.writeUInt16LE(0, at + 28) // extra field length
  return at + LOCAL_FIXED + nameLength
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

/** As `writeDirectoryRecord`, in memory of its own. `flags`: as in its local record. */
export function directoryRecord(entry: EntryOptions, sums: EntrySums, flags: number = SUMS_FOLLOW): Buffer {
  const record = Buffer.alloc(directoryRecordBytes(entry.name))
  return record.subarray(0, writeDirectoryRecord(record, 0, entry, sums, flags))
}

/** Writes the directory record, for `placeRecord`, of an entry at offset 0; gives the byte after it. */
export function writeDirectoryRecord(
  into: Buffer,
  at: number,
  entry: EntryOptions,
  sums: EntrySums,
  flags: number,
): number {
  const nameLength = writeName(into, at + DIRECTORY_FIXED, entry)
  const extraAt = at + DIRECTORY_FIXED + nameLength
  const zip64 = needsZip64(sums)
  let end = writeTimestamp(into, extraAt, entry.mtime)
  if (zip64) end = writeZip64(into, end, sums)
  into.writeUInt32LE(0x02014b50, at) // 4.3.12 central file header signature
  into.writeUInt16LE(VERSION_MADE_BY, at + 4)
  into.writeUInt16LE(zip64 ? VERSION_ZIP64 : VERSION, at + 6) // version needed to extract
  writeKind(into, at + 8, entry, flags)
  into.writeUInt32LE(sums.crc, at + 16)
  into.writeUInt32LE(zip64 ? MAX_32 : sums.packed, at + 20) // compressed size
  into.writeUInt32LE(zip64 ? MAX_32 : sums.size, at + 24) // uncompressed size
  into.writeUInt16LE(nameLength, at + 28) // file name length
  into.writeUInt16LE(end - extraAt, at + 30) // extra field length
  into.fill(0, at + 32, at + 38) // comment length, disk, internal attributes: none
  into.writeUInt32LE(ATTRIBUTES, at + 38) // external file attributes
  into.writeUInt32LE(zip64 ? MAX_32 : 0, at + 42) // offset of the local record
  return end
}

const needsZip64 = ({ packed, size }: EntrySums): boolean => packed >= MAX_32 || size >= MAX_32

/** Gives its length, bytes. */
function writeName(into: Buffer, at: number, { name }: EntryOptions): number {
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_16) throw new RangeError(`An entry's name has ${bytes} bytes; a ZIP holds ${MAX_16}.`)
  return into.write(name, at)
}

/** Flags, method, time and date: eight bytes that both records have. */
function writeKind(record: Buffer, at: number, { mtime, level }: EntryOptions, flags: number): void {
  const { time, date } = dosTime(mtime)
  record.writeUInt16LE(UTF_8 | flags, at)
  record.writeUInt16LE(level === 0 ? 0 : 8, at + 2) // 4.4.5: 0 stored, 8 deflated
  record.writeUInt16LE(time, at + 4)
  record.writeUInt16LE(date, at + 6)
}

/** 4.4.6: what a time can say. */
const FIRST_TIME = new Date(1980, 0, 1)
const LAST_TIME = new Date(2107, 11, 31, 23, 59, 58)

/** 4.4.6: local time, two seconds exact, from 1980 to 2107; before and after, that limit. */
function dosTime(mtime: Date): { time: number; date: number } {
  const when = mtime < FIRST_TIME ? FIRST_TIME : mtime > LAST_TIME ? LAST_TIME : mtime
  return {
    time: (when.getHours() << 11) | (when.getMinutes() << 5) | Math.floor(when.getSeconds() / 2),
    date: ((when.getFullYear() - 1980) << 9) | ((when.getMonth() + 1) << 5) | when.getDate(),
  }
}

/** Info-ZIP's extended timestamp: seconds since 1970 in UTC, up to 2038; before and after, that limit. */
function writeTimestamp(into: Buffer, at: number, mtime: Date): number {
  into.writeUInt16LE(0x5455, at) // "UT"
  into.writeUInt16LE(5, at + 2)
  into.writeUInt8(3, at + 4) // times of modification and access; the directory holds the first of them only
  into.writeUInt32LE(Math.max(0, Math.min(Math.floor(mtime.getTime() / 1000), 0x7fffffff)), at + 5)
  return at + TIMESTAMP_BYTES
}

/** 4.5.3, with all three numbers. */
function writeZip64(into: Buffer, at: number, { packed, size }: EntrySums): number {
  into.writeUInt16LE(0x0001, at)
  into.writeUInt16LE(24, at + 2)
  into.writeBigUInt64LE(BigInt(size), at + 4)
  into.writeBigUInt64LE(BigInt(packed), at + 12)
  into.writeBigUInt64LE(0n, at + 20) // offset of the local record
  return at + ZIP64_BYTES
}
