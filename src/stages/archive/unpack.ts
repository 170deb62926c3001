import { crc32, inflateRawSync } from 'node:zlib'
import type { ArchiveEntry } from './archive-entry.ts'
import { BadData } from './bad-data.ts'
import { asBadData, inflateWhole, mustFit, type Inflated } from './inflated.ts'

export const WRONG_CRC = 'its content has another checksum (CRC-32)'

/**
 * The content of an entry whose data are here, at once: for threads beside the main one. Proved by its size and its
 * CRC-32. Throws BadData.
 */
export function unpack(
  data: Uint8Array,
  { method, size, crc }: Pick<ArchiveEntry, 'method' | 'size' | 'crc'>,
): Uint8Array {
  const content = method === 0 ? data : inflate(data, size)
  if (content.length !== size) mustFit({ bytes: content.length, size, consumed: size, packed: data.length })
  if (crc32(content) !== crc) throw new BadData(WRONG_CRC)
  return content
}

function inflate(data: Uint8Array, size: number): Uint8Array {
  try {
    const { buffer, engine } = inflateRawSync(data, inflateWhole(size)) as unknown as Inflated
    mustFit({ bytes: buffer.length, size, consumed: engine.bytesWritten, packed: data.length })
    return buffer
  } catch (error) {
    throw asBadData(error)
  }
}
