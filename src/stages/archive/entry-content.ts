import { crc32 } from 'node:zlib'
import { DamagedEntry, LOCAL_FIXED, type ArchiveEntry } from './archive-entry.ts'
import { BadData } from './bad-data.ts'
import type { ByteCursor } from './byte-cursor.ts'
import { inflated, inflatedHead } from './inflated.ts'
import { WRONG_CRC } from './unpack.ts'

const SIGNATURE = 0x04034b50
const ENCRYPTED = 1
/** CRC and sizes follow the data (APPNOTE 4.4.4); they are not read there. */
const DESCRIPTOR = 1 << 3
/** The size is in the ZIP64 field, which is not read. */
const MAX_32 = 0xffffffff

/** What deflate needs beside the content: its tables, and marks of what it left as it is. Bytes. */
export const HEAD_SLACK = 1024

/**
 * The content of the entry that begins at the cursor. Throws DamagedEntry; that its CRC-32 is wrong is known after the
 * last byte. A piece is valid until the next is asked for. Wherever it ends, the cursor is somewhere in the entry.
 */
export async function* entryContent(
  archive: string,
  entry: ArchiveEntry,
  cursor: ByteCursor,
): AsyncGenerator<Uint8Array> {
  try {
    if (entry.fault !== null) throw new BadData(entry.fault)
    await checkLocal(entry, cursor)
    const data = cursor.stream(entry.packed)
    let crc = 0
    for await (const piece of entry.method === 0 ? data : inflated(data, entry)) {
      crc = crc32(piece, crc)
      yield piece
    }
    if (crc !== entry.crc) throw new BadData(WRONG_CRC)
  } catch (error) {
    throw error instanceof BadData ? new DamagedEntry(archive, entry, error.message) : error
  }
}

/**
 * The data of the entry that begins at the cursor, as they are in the archive: for `unpack`. Throws DamagedEntry when its
 * record is wrong. A piece is valid until the next is asked for.
 */
export async function* entryData(archive: string, entry: ArchiveEntry, cursor: ByteCursor): AsyncGenerator<Uint8Array> {
  try {
    if (entry.fault !== null) throw new BadData(entry.fault)
    await checkLocal(entry, cursor)
    yield* cursor.stream(entry.packed)
  } catch (error) {
    throw error instanceof BadData ? new DamagedEntry(archive, entry, error.message) : error
  }
}

/** The first bytes of an entry's content, `most` at most, unproved: nothing but their number is checked. */
export async function entryHead(
  archive: string,
  entry: ArchiveEntry,
  cursor: ByteCursor,
  most: number,
): Promise<Buffer> {
  try {
    if (entry.fault !== null) throw new BadData(entry.fault)
    await checkLocal(entry, cursor)
    const data = await cursor.take(Math.min(entry.packed, most + HEAD_SLACK))
    return entry.method === 0 ? data.subarray(0, most) : await inflatedHead(data, most)
  } catch (error) {
    throw error instanceof BadData ? new DamagedEntry(archive, entry, error.message) : error
  }
}

/** Moves the cursor behind the local record (4.3.7), which must tell of the same entry. */
async function checkLocal({ rawName, method, crc, packed, size }: ArchiveEntry, cursor: ByteCursor): Promise<void> {
  const local = await cursor.take(LOCAL_FIXED)
  if (local.readUInt32LE(0) !== SIGNATURE) throw new BadData('no entry begins where the directory says')
  const name = await cursor.take(local.readUInt16LE(26))
  if (name.toString('latin1') !== rawName) throw new BadData('another entry begins where the directory says')
  const flags = local.readUInt16LE(6)
  const sizes = [local.readUInt32LE(18), local.readUInt32LE(22)]
  const isSame =
    local.readUInt16LE(8) === method &&
    (flags & ENCRYPTED) === 0 &&
    ((flags & DESCRIPTOR) !== 0 ||
      (local.readUInt32LE(14) === crc && [packed, size].every((value, n) => sizes[n] === value || sizes[n] === MAX_32)))
  if (!isSame) throw new BadData('its two records differ')
  await cursor.skipTo(cursor.position + local.readUInt16LE(28))
}
