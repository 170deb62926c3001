import { setTimeout as wait } from 'node:timers/promises'

/** Holds everything that passes through it, together, to a number of bytes a second. */
export interface Pace {
  /** Cuts a chunk into pieces small enough that waiting between them is even. */
  pieces(chunk: Buffer): Iterable<Buffer>
  /** Resolves when `bytes` more may have passed; rejects when the signal aborts. */
  passed(bytes: number, signal: AbortSignal): Promise<void>
}

/** A timer that comes late does not make the line slower: so much of what went unused may be made up for. ms. */
const LATE_MS = 4

/** Null: no limit. */
export function pace(bytesPerSecond: number | null): Pace {
  if (bytesPerSecond === null) return { pieces: (chunk) => [chunk], passed: () => Promise.resolve() }
  const largest = Math.max(1, Math.floor(bytesPerSecond / 20))
  let freeAt = 0
  return {
    *pieces(chunk) {
      for (let at = 0; at < chunk.length; at += largest) yield chunk.subarray(at, at + largest)
    },
    async passed(bytes, signal) {
      const now = performance.now()
      freeAt = Math.max(now - LATE_MS, freeAt) + (bytes / bytesPerSecond) * 1000
      const ms = freeAt - now
      if (ms >= 1) await wait(ms, undefined, { signal })
    },
  }
}
