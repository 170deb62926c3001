/**
 * Goes through a data set element by element: values are skipped by their length and not read, and what is nested is
 * counted and not entered. So neither long sequences nor deep ones cost memory.
 */
import { EXPLICIT_BIG, hasLongForm, IMPLICIT_LITTLE, type Encoding } from './layout.ts'
import type { Reading, Window } from './reading.ts'

/** A longer value is none that is asked for: ids have at most 64 characters (PS3.5 6.2). */
const MOST_VALUE_BYTES = 16 * 1024
const UNDEFINED = 0xffffffff
const ITEM = 0xfffee000
const ITEM_END = 0xfffee00d
const SEQUENCE_END = 0xfffee0dd

export interface WalkOptions {
  readonly from: number
  readonly encoding: Encoding
  /** Tags whose values are wanted, as numbers: 0x00080005. */
  readonly wanted: ReadonlySet<number>
  /** True of the first tag that is too far. */
  readonly isBehind: (tag: number) => boolean
}

export interface Walked {
  readonly values: ReadonlyMap<number, Buffer>
  /** Where the first element lies that is too far, or where nothing could be read any more. */
  readonly end: number
  /** False: the file ended, was damaged, or enough was read, before an element was too far. */
  readonly isWhole: boolean
}

/** Never throws because of the bytes. Takes no more of the file than `window` gives. */
export function* walk(window: Window, { from, encoding, wanted, isBehind }: WalkOptions): Reading<Walked> {
  const values = new Map<number, Buffer>()
  let at = from
  /** How many items and sequences of undefined length are open. */
  let depth = 0
  /** The depth from which on all is implicit: UN of undefined length (PS3.5 6.2.2); 0 where nothing is. */
  let implicitFrom = 0
  for (;;) {
    const here = window.find(at, 12)
    const bytesOfHead = here === -1 ? yield* window.take(at, 12) : window.bytes
    const head = headOf(bytesOfHead, Math.max(0, here), implicitFrom > 0 ? IMPLICIT_LITTLE : encoding)
    if (head === null) return { values, end: at, isWhole: false }
    const { tag, length, bytes, isUnknown } = head
    if (tag === ITEM_END || tag === SEQUENCE_END) {
      at += bytes
      // One that closes nothing is passed over.
      depth = Math.max(0, depth - 1)
      if (depth < implicitFrom) implicitFrom = 0
      continue
    }
    if (depth === 0 && tag !== ITEM) {
      if (isBehind(tag)) return { values, end: at, isWhole: true }
      if (wanted.has(tag) && length <= MOST_VALUE_BYTES) {
        const value = yield* window.take(at + bytes, length)
        if (value.length === length) values.set(tag, Buffer.from(value))
      }
    }
    at += bytes
    if (length !== UNDEFINED) {
      at += length
      continue
    }
    depth += 1
    if (isUnknown && implicitFrom === 0) implicitFrom = depth
  }
}

interface Head {
  readonly tag: number
  readonly length: number
  /** Of the head itself. */
  readonly bytes: number
  /** Its value representation is UN. */
  readonly isUnknown: boolean
}

/** Of the element that lies there; null: the bytes end within it. */
function headOf(bytes: Buffer, at: number, encoding: Encoding): Head | null {
  if (at + 8 > bytes.length) return null
  const isBig = encoding === EXPLICIT_BIG
  const read16 = (place: number): number => (isBig ? bytes.readUInt16BE(place) : bytes.readUInt16LE(place))
  const read32 = (place: number): number => (isBig ? bytes.readUInt32BE(place) : bytes.readUInt32LE(place))
  const tag = read16(at) * 0x10000 + read16(at + 2)
  // Items and what delimits them have no value representation (PS3.5 7.5).
  const isImplicit = encoding === IMPLICIT_LITTLE || tag >= ITEM || !isLetter(bytes[at + 4]) || !isLetter(bytes[at + 5])
  if (isImplicit) return { tag, length: read32(at + 4), bytes: 8, isUnknown: false }
  const vr = bytes.toString('latin1', at + 4, at + 6)
  if (!hasLongForm(vr)) return { tag, length: read16(at + 6), bytes: 8, isUnknown: false }
  return at + 12 > bytes.length ? null : { tag, length: read32(at + 8), bytes: 12, isUnknown: vr === 'UN' }
}

const isLetter = (code = 0): boolean => code >= 0x41 && code <= 0x5a
