/** DICOM that is deflated: by its transfer syntax, or as a whole file by the archive that stores it. */
import { constants, inflateRawSync, inflateSync } from 'node:zlib'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { hasPreamble } from './layout.ts'

/** Data sets that are deflated as a whole: PS3.5 A.5, and the two JPIP forms of A.7 and A.4.11. */
const DEFLATED = new Set(['1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.4.95', '1.2.840.10008.1.2.4.205'])

/** Output beyond that is not read: a few KiB of zeros inflate to gigabytes. */
export const MOST_INFLATED_BYTES = 16 * 1024 * 1024

/** Orthanc writes the file's size, in 8 bytes of little endian, before it. */
const SIZE_BYTES = 8

export const isDeflated = (transferSyntax: string | null): boolean =>
  transferSyntax !== null && DEFLATED.has(transferSyntax)

/**
 * Whether a file that begins so may be one that Orthanc has compressed (`StorageCompression`): a size and a zlib stream
 * (RFC 1950 2.2). That it is DICOM shows when it is inflated.
 */
export function isOrthancCompressed(bytes: Buffer): boolean {
  if (bytes.length < SIZE_BYTES + 2 || hasPreamble(bytes)) return false
  const isZlib = bytes[SIZE_BYTES] === 0x78 && bytes.readUInt16BE(SIZE_BYTES) % 31 === 0
  // No file has 256 TiB.
  return isZlib && bytes.readUInt16LE(6) === 0 && !bytes.subarray(0, 6).equals(Buffer.alloc(6))
}

/** The file that Orthanc has compressed, from the first bytes of what it stored; empty when they cannot be inflated. */
export const orthancContent = (bytes: Buffer): Buffer => inflate(bytes.subarray(SIZE_BYTES), inflateSync) ?? NOTHING

/** A deflated data set, as above. PS3.5 A.5 asks for raw deflate; some programs write a zlib stream. */
export const deflatedContent = (bytes: Buffer): Buffer =>
  inflate(bytes, inflateRawSync) ?? (bytes[0] === 0x78 ? inflate(bytes, inflateSync) : null) ?? NOTHING

const NOTHING = Buffer.alloc(0)

/** It inflates to more than MOST_INFLATED_BYTES. */
export class TooMuch extends Error {}

/** Null: it is not deflated. Throws TooMuch. */
function inflate(bytes: Buffer, how: typeof inflateSync): Buffer | null {
  try {
    return how(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_INFLATED_BYTES })
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') throw new TooMuch()
    return null
  }
}
