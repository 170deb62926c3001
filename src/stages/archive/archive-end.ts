/** Where an archive's directory lies: its end records, found from its end. Section numbers: PKWARE's APPNOTE.TXT 6.3.10. */
import { damagedArchive } from './archive-entry.ts'
import { readRange } from './ranges.ts'
import type { RemoteFile } from './remote-file.ts'

const END_SIGNATURE = 0x06054b50
const LOCATOR_SIGNATURE = 0x07064b50
const ZIP64_SIGNATURE = 0x06064b50
const END_BYTES = 22
const LOCATOR_BYTES = 20
const ZIP64_BYTES = 56
/** What stands last: the comment (4.3.16) and the records before it; the rest of it is the directory's end. */
const TAIL_BYTES = 0xffff + END_BYTES + LOCATOR_BYTES + ZIP64_BYTES

export interface ArchiveEnd {
  readonly entries: number
  /** Of the directory. */
  readonly offset: number
  readonly size: number
  /** The archive's last bytes, from `tailFrom` on. */
  readonly tail: Buffer
  readonly tailFrom: number
}

/** Rejects with E_INTEGRITY when the file is no ZIP archive or not a whole one. */
export async function readEnd(file: RemoteFile, signal: AbortSignal): Promise<ArchiveEnd> {
  const tailFrom = Math.max(0, file.bytes - TAIL_BYTES)
  const tail = await readRange(file, tailFrom, file.bytes, signal)
  const at = findEnd(tail)
  if (at === null) {
    throw damagedArchive(file.name, 'is cut short or is not a ZIP archive: it has no end record')
  }
  const locator = at - LOCATOR_BYTES
  const isZip64 = locator >= 0 && tail.readUInt32LE(locator) === LOCATOR_SIGNATURE
  const place = isZip64
    ? await readZip64(file, Number(tail.readBigUInt64LE(locator + 8)), signal)
    : {
        disk: tail.readUInt16LE(at + 4),
        entries: tail.readUInt16LE(at + 10),
        size: tail.readUInt32LE(at + 12),
        offset: tail.readUInt32LE(at + 16),
        end: tailFrom + at,
      }
  const { disk, entries, size, offset, end } = place
  if (disk !== 0) throw damagedArchive(file.name, 'is one part of an archive in several parts')
  if (offset + size !== end) throw damagedArchive(file.name, 'is damaged: its directory is not where its end says')
  return { entries, offset, size, tail, tailFrom }
}

/** The last end record whose comment reaches to the end of the file (4.3.16). */
function findEnd(tail: Buffer): number | null {
  for (let at = tail.length - END_BYTES; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === END_SIGNATURE && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length)
      return at
  }
  return null
}

/** 4.3.14 */
async function readZip64(
  file: RemoteFile,
  at: number,
  signal: AbortSignal,
): Promise<{ disk: number; entries: number; size: number; offset: number; end: number }> {
  const damaged = (): Error =>
    damagedArchive(file.name, 'is damaged: its ZIP64 end record is not where its locator says')
  if (at + ZIP64_BYTES > file.bytes) throw damaged()
  const record = await readRange(file, at, at + ZIP64_BYTES, signal)
  if (record.readUInt32LE(0) !== ZIP64_SIGNATURE) throw damaged()
  return {
    disk: record.readUInt32LE(16),
    entries: Number(record.readBigUInt64LE(32)),
    size: Number(record.readBigUInt64LE(40)),
    offset: Number(record.readBigUInt64LE(48)),
    end: at,
  }
}
