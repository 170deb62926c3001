/**
 * The central directory: records moved to their place, and the records that end the archive. Pure functions from
 * numbers to bytes. Section numbers are those of PKWARE's APPNOTE.TXT 6.3.10.
 */

const MAX_32 = 0xffffffff
const MAX_16 = 0xffff
const RECORD_FIXED = 46
const ZIP64_ID = 0x0001
/** 4.4.3.2: 4.5, the first version with ZIP64. */
const VERSION_ZIP64 = 45
/** 4.4.2: upper byte 3, UNIX; lower byte 63, version 6.3 of the specification. As in yazl's records. */
const VERSION_MADE_BY = (3 << 8) | 63

/**
 * The directory record of a one-entry archive, where the entry begins at 0, for an archive where it begins at `offset`
 * (bytes). Adds or fills the ZIP64 field (4.5.3) where 32 bits do not do. `record` is not changed.
 */
export function placeRecord(record: Buffer, offset: number): Buffer {
  const nameLength = record.readUInt16LE(28)
  const extraStart = RECORD_FIXED + nameLength
  const extraEnd = extraStart + record.readUInt16LE(30)
  const zip64 = findField(record, extraStart, extraEnd, ZIP64_ID)
  if (zip64 !== null) {
    // yazl's field has all three: original size, compressed size, offset.
    const placed = Buffer.from(record)
    placed.writeBigUInt64LE(BigInt(offset), zip64 + 4 + 16)
    return placed
  }
  if (offset < MAX_32) {
    const placed = Buffer.from(record)
    placed.writeUInt32LE(offset, 42)
    return placed
  }
  const field = Buffer.alloc(12)
  field.writeUInt16LE(ZIP64_ID, 0)
  field.writeUInt16LE(8, 2)
  field.writeBigUInt64LE(BigInt(offset), 4)
  const placed = Buffer.concat([record.subarray(0, extraEnd), field, record.subarray(extraEnd)])
  placed.writeUInt16LE(VERSION_ZIP64, 6)
  placed.writeUInt16LE(extraEnd - extraStart + field.length, 30)
  placed.writeUInt32LE(MAX_32, 42)
  return placed
}

/** The directory record at the start of `bytes`: its size, where its entry begins and its name. Null when it is cut off. */
export function recordAt(
  bytes: Buffer,
): { readonly bytes: number; readonly start: number; readonly name: string } | null {
  if (bytes.length < RECORD_FIXED) return null
  const nameEnd = RECORD_FIXED + bytes.readUInt16LE(28)
  const end = nameEnd + bytes.readUInt16LE(30) + bytes.readUInt16LE(32)
  if (bytes.length < end) return null
  const name = bytes.toString('utf8', RECORD_FIXED, nameEnd)
  const start = bytes.readUInt32LE(42)
  if (start !== MAX_32) return { bytes: end, start, name }
  const field = findField(bytes, nameEnd, end, ZIP64_ID)
  if (field === null) return { bytes: end, start, name }
  // The offset is the field's last number: `placeRecord` writes all three, or it alone.
  const last = field + 4 + bytes.readUInt16LE(field + 2) - 8
  return { bytes: end, start: Number(bytes.readBigUInt64LE(last)), name }
}

/** Where an extra field (4.5.1: id 2, size 2, data) begins between `from` and `to`, or null. */
function findField(record: Buffer, from: number, to: number, id: number): number | null {
  for (let at = from; at + 4 <= to; at += 4 + record.readUInt16LE(at + 2)) {
    if (record.readUInt16LE(at) === id) return at
  }
  return null
}

export interface DirectoryPlace {
  readonly entries: number
  /** Bytes of all directory records. */
  readonly size: number
  /** Where the first of them begins in the archive. */
  readonly offset: number
}

/**
 * What follows the last directory record: the ZIP64 end record and its locator where they are needed, and the end
 * record.
 */
export function endRecords({ entries, size, offset }: DirectoryPlace): Buffer {
  const needsZip64 = entries >= MAX_16 || size >= MAX_32 || offset >= MAX_32
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0) // 4.3.16 end of central dir signature
  end.writeUInt16LE(0, 4) // number of this disk
  end.writeUInt16LE(0, 6) // disk with the start of the central directory
  end.writeUInt16LE(Math.min(entries, MAX_16), 8) // entries on this disk
  end.writeUInt16LE(Math.min(entries, MAX_16), 10) // entries
  end.writeUInt32LE(Math.min(size, MAX_32), 12) // size of the central directory
  end.writeUInt32LE(Math.min(offset, MAX_32), 16) // its offset
  end.writeUInt16LE(0, 20) // comment length
  if (!needsZip64) return end

  const zip64 = Buffer.alloc(56)
  zip64.writeUInt32LE(0x06064b50, 0) // 4.3.14 zip64 end of central dir signature
  zip64.writeBigUInt64LE(44n, 4) // size of what follows this field
  zip64.writeUInt16LE(VERSION_MADE_BY, 12)
  zip64.writeUInt16LE(VERSION_ZIP64, 14) // version needed to extract
  zip64.writeUInt32LE(0, 16) // number of this disk
  zip64.writeUInt32LE(0, 20) // disk with the start of the central directory
  zip64.writeBigUInt64LE(BigInt(entries), 24) // entries on this disk
  zip64.writeBigUInt64LE(BigInt(entries), 32) // entries
  zip64.writeBigUInt64LE(BigInt(size), 40) // size of the central directory
  zip64.writeBigUInt64LE(BigInt(offset), 48) // its offset

  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0) // 4.3.15 zip64 end of central dir locator signature
  locator.writeUInt32LE(0, 4) // disk with the zip64 end record
  locator.writeBigUInt64LE(BigInt(offset + size), 8) // its offset
  locator.writeUInt32LE(1, 16) // number of disks
  return Buffer.concat([zip64, locator, end])
}
