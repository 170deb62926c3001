/**
 * A large entry's data in segments, each made from one stretch of the source and from nothing else. So several are
 * deflated at once, and a later process can go on between any two of them.
 *
 * A segment is raw deflate that ends with an empty stored block (Z_SYNC_FLUSH), at a whole byte: one after the other
 * they are one deflate stream. The 32 KiB of the source before a segment are its dictionary, as they would have been in
 * a stream made in one go: it costs a few bytes a segment and no compression.
 */
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'
import { orderedParallelMap } from '../../pipeline/flow/ordered-parallel-map.ts'
import { freeNow } from '../../pipeline/flow/free-now.ts'
import { deflateOptions } from '../dicom/deflate-options.ts'
import type { DeflateLevel } from './entry-records.ts'

/** So many bytes of the source go into one segment; the last has what is left. */
export const SEGMENT_BYTES = 1024 * 1024

/** How far back a deflate stream refers, in bytes. */
export const DICTIONARY_BYTES = 32 * 1024

/** What ends a deflate stream: an empty block that says it is the last. */
export const LAST_BLOCK = Buffer.from([0x03, 0x00])

/** A segment, or a piece of one. */
export interface Made {
  /** Valid until the next is asked for. */
  readonly bytes: Uint8Array
  /** How many bytes of the source are in it. */
  readonly read: number
  /** CRC-32 of the source up to its end. */
  readonly crc: number
}

/** What goes before the bytes that are to be made into segments. */
export interface Before {
  /** How many bytes of the source. */
  readonly read: number
  /** Their CRC-32. */
  readonly crc: number
}

/** How many bytes are missing in the segment that `read` lies in. */
const toBoundary = (read: number): number => SEGMENT_BYTES - (read % SEGMENT_BYTES)

/** The bytes as they are, not copied, cut where a segment ends. `source` begins after `before`. */
export async function* storedSegments(source: AsyncIterable<Uint8Array>, before: Before): AsyncGenerator<Made> {
  let { read, crc } = before
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.subarray(at, at + toBoundary(read))
      at += bytes.length
      read += bytes.length
      crc = crc32(bytes, crc)
      yield { bytes, read: bytes.length, crc }
    }
  }
}

/** One for each thread of libuv's pool is under way; two more wait, so that no thread does. */
const AHEAD = { concurrency: 4, items: 6, budget: 6 * SEGMENT_BYTES }

/**
 * Deflated segments, several made ahead, without the stream's LAST_BLOCK. `source` begins up to DICTIONARY_BYTES before
 * the end of `before`: `contextBytes` before it.
 */
export async function* deflatedSegments(
  source: AsyncIterable<Uint8Array>,
  before: Before,
  contextBytes: number,
  level: DeflateLevel,
): AsyncGenerator<Made> {
  const buffers: Buffer[] = []
  const inputs = cutInputs(source, before, contextBytes, buffers)
  const weight = (input: SegmentInput): number => input.bytes.length
  const deflated = orderedParallelMap(inputs, (input) => deflateInput(input, level, buffers), { ...AHEAD, weight })
  for await (const made of deflated) {
    yield made
    freeNow(made.bytes)
  }
}

/** The part of the source that becomes one segment. */
interface SegmentInput {
  readonly bytes: Buffer
  /** What precedes it in the source, at most DICTIONARY_BYTES. */
  readonly dictionary: Buffer
  readonly crc: number
  /** What the two lie in; to be given back when they are read no more. */
  readonly buffer: Buffer
}

/**
 * Copies the source into buffers that hold a dictionary and a stretch behind it. Buffers are taken from `free`, and
 * made when it has none.
 */
async function* cutInputs(
  source: AsyncIterable<Uint8Array>,
  before: Before,
  contextBytes: number,
  free: Buffer[],
): AsyncGenerator<SegmentInput> {
  let { read, crc } = before
  let buffer = takeFrom(free)
  let dictionaryAt = DICTIONARY_BYTES - contextBytes
  let filled = dictionaryAt
  let end = DICTIONARY_BYTES + toBoundary(read)
  const input = (): SegmentInput => {
    const bytes = buffer.subarray(DICTIONARY_BYTES, filled)
    read += bytes.length
    crc = crc32(bytes, crc)
    return { bytes, dictionary: buffer.subarray(dictionaryAt, DICTIONARY_BYTES), crc, buffer }
  }
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + end - filled)
      buffer.set(piece, filled)
      at += piece.length
      filled += piece.length
      if (filled < end) continue
      const full = input()
      const next = takeFrom(free)
      // Before the full one is handed on: after that it may be given back at any time.
      const kept = Math.min(DICTIONARY_BYTES, filled - dictionaryAt)
      dictionaryAt = DICTIONARY_BYTES - kept
      buffer.copy(next, dictionaryAt, filled - kept, filled)
      yield full
      buffer = next
      filled = DICTIONARY_BYTES
      end = DICTIONARY_BYTES + toBoundary(read)
    }
  }
  if (filled > DICTIONARY_BYTES) yield input()
}

const takeFrom = (free: Buffer[]): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(DICTIONARY_BYTES + SEGMENT_BYTES)

const deflate = promisify(deflateRaw)

/** Room for what cannot be compressed, so that a segment takes one turn in the pool, not one for each 16 KiB. */
const OUTPUT_BYTES = SEGMENT_BYTES + 8 * 1024

async function deflateInput(
  { bytes, dictionary, crc, buffer }: SegmentInput,
  level: DeflateLevel,
  buffers: Buffer[],
): Promise<Made> {
  const packed = await deflate(bytes, {
    ...deflateOptions(level),
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: OUTPUT_BYTES,
    ...(dictionary.length > 0 ? { dictionary } : {}),
  })
  const read = bytes.length
  buffers.push(buffer)
  return { bytes: packed, read, crc }
}
