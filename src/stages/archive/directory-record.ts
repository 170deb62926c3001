/** One record of the directory, as bytes and as an entry. Section numbers: PKWARE's APPNOTE.TXT 6.3.10. */
import { isUtf8 } from 'node:buffer'
import yauzl, { type ExtraField } from 'yauzl'
import { isFolder, LOCAL_FIXED, type ArchiveEntry } from './archive-entry.ts'

const SIGNATURE = 0x02014b50
const FIXED = 46
const MAX_32 = 0xffffffff
const ZIP64_ID = 0x0001
const UTF8_NAME = 1 << 11
/** 4.4.4: encrypted, strongly encrypted, directory values masked. */
const ENCRYPTED = 1 | (1 << 6) | (1 << 13)
/** No deflated bytes inflate to more: a match of 258 bytes takes two bits at least. */
const MOST_INFLATED = 1032
const SMALL_ALLOWANCE = 1024

export interface DirectoryRecord {
  readonly entry: ArchiveEntry
  /** Of the record. */
  readonly bytes: number
}

/** The record at the start of `bytes`; null when it is cut off, 'damaged' when there is none. */
export function parseRecord(bytes: Buffer, index: number): DirectoryRecord | 'damaged' | null {
  if (bytes.length < FIXED) return null
  if (bytes.readUInt32LE(0) !== SIGNATURE) return 'damaged'
  const nameEnd = FIXED + bytes.readUInt16LE(28)
  const extraEnd = nameEnd + bytes.readUInt16LE(30)
  const end = extraEnd + bytes.readUInt16LE(32)
  if (bytes.length < end) return null

  const fields = extraFields(bytes.subarray(nameEnd, extraEnd))
  const flags = bytes.readUInt16LE(8)
  const raw = bytes.subarray(FIXED, nameEnd)
  const numbers = sizes(bytes, fields ?? [])
  const entry = {
    index,
    name: nameOf(raw, flags, fields ?? []),
    rawName: raw.toString('latin1'),
    ...(numbers ?? { packed: 0, size: 0, start: 0 }),
    crc: bytes.readUInt32LE(16),
    method: bytes.readUInt16LE(10),
    mtimeMs: mtimeOf(bytes, fields ?? []),
  }
  const isBroken = fields === null || numbers === null
  return {
    entry: { ...entry, fault: isBroken ? 'its directory record is damaged' : faultOf(entry, flags) },
    bytes: end,
  }
}

/** 4.5.1; null when they do not fit their length. */
function extraFields(bytes: Buffer): ExtraField[] | null {
  try {
    return yauzl.parseExtraFields(bytes)
  } catch {
    return null
  }
}

/** 4.5.3: the ZIP64 field has those numbers, in this order, for which 32 bits do not do. Null when it lacks one. */
function sizes(record: Buffer, fields: readonly ExtraField[]): Pick<ArchiveEntry, 'size' | 'packed' | 'start'> | null {
  const zip64 = fields.find(({ id }) => id === ZIP64_ID)?.data ?? Buffer.alloc(0)
  let at = 0
  const number = (short: number): number => {
    if (short !== MAX_32) return short
    at += 8
    return at > zip64.length ? NaN : Number(zip64.readBigUInt64LE(at - 8))
  }
  const size = number(record.readUInt32LE(24))
  const packed = number(record.readUInt32LE(20))
  const start = number(record.readUInt32LE(42))
  return [size, packed, start].every(Number.isSafeInteger) ? { size, packed, start } : null
}

/** Names that are UTF-8 without being marked as such are of Info-ZIP or of older programs; all else is code page 437. */
function nameOf(raw: Buffer, flags: number, fields: readonly ExtraField[]): string {
  const isUnicode = (flags & UTF8_NAME) !== 0 || isUtf8(raw)
  return yauzl.getFileNameLowLevel(isUnicode ? flags | UTF8_NAME : flags, raw, [...fields], true)
}

function mtimeOf(record: Buffer, extraFields: ExtraField[]): number {
  const entry = new yauzl.Entry()
  entry.lastModFileTime = record.readUInt16LE(12)
  entry.lastModFileDate = record.readUInt16LE(14)
  entry.extraFields = extraFields
  return entry.getLastModDate().getTime()
}

function faultOf(entry: Omit<ArchiveEntry, 'fault'>, flags: number): string | null {
  const { method, size, packed } = entry
  if ((flags & ENCRYPTED) !== 0) return 'it is encrypted'
  if (method !== 0 && method !== 8) return `it is compressed by an unknown method (${method})`
  if (method === 0 && size !== packed) return 'it is stored without compression, but its two sizes differ'
  if (size > packed * MOST_INFLATED + SMALL_ALLOWANCE) return 'its size is larger than its data allow'
  if (isFolder(entry) && size > 0) return 'it is a folder, but has content'
  return null
}

/** The shortest that an entry can be: without extra fields in its local record. */
export const shortestEnd = ({ start, rawName, packed }: ArchiveEntry): number =>
  start + LOCAL_FIXED + rawName.length + packed
