/** A window of tiny parts that spoils what it frees and keeps count. */
import assert from 'node:assert/strict'
import type { Part } from '../../src/pipeline/parts/part.ts'
import { PartWindow, type StallPolicy } from '../../src/pipeline/window/window.ts'

export const PART = 7
/** What a part's buffer holds once it was freed, as if another part had been read into it. */
const POISON = 0xee

/** The archive's byte at an offset; never POISON. */
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8)) % POISON

export function partAt(offset: number, length = PART): Part {
  return { offset, bytes: Uint8Array.from({ length }, (_, index) => byteAt(offset + index)) }
}

export function assertBytes(offset: number, chunks: readonly Uint8Array[]): void {
  let at = offset
  for (const chunk of chunks) for (const byte of chunk) assert.equal(byte, byteAt(at++), `the byte at ${at - 1}`)
}

export interface WatchedOptions {
  readonly capacity: number
  readonly readers: number
  readonly begin?: number
  readonly stallPolicy?: StallPolicy
}

/** For windows whose slowest branch is never let go. */
const NEVER: StallPolicy = { graceMs: 2 ** 30, share: 0 }

export function watched({ capacity, readers, begin = 0, stallPolicy = NEVER }: WatchedOptions) {
  const freed: number[] = []
  const window = new PartWindow({
    capacity,
    readers,
    begin,
    stallPolicy,
    onFree: (part) => {
      assert.ok(!freed.includes(part.offset), `the part at ${part.offset} is freed once`)
      freed.push(part.offset)
      part.bytes.fill(POISON)
    },
  })
  const never = new AbortController().signal
  /** Puts and publishes parts up to the archive's end at `total`. */
  const fill = async (total: number, signal = never, pause = () => Promise.resolve()): Promise<void> => {
    for (let offset = begin; offset < total; offset += PART) {
      await pause()
      const part = partAt(offset, Math.min(PART, total - offset))
      await window.put(part, signal)
      await pause()
      window.publish(offset + part.bytes.length)
    }
    await pause()
    window.close()
  }
  return { window, freed, fill }
}

/** Numbers from 0 up to below `limit`, the same for the same seed (mulberry32). */
export function dice(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) % limit
  }
}

/** Waits for all, but not for ever. */
export async function inTime<T>(what: string, all: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`${what} stands still`))
  }, 600_000)
  try {
    return await Promise.race([all, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
