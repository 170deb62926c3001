import { createCipheriv, createHash } from 'node:crypto'

/** Draws that a seed repeats. */
export interface Seeded {
  /** From 0 up to, but not including, 1. */
  next(): number
  /** A whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number
  pick<T>(list: readonly T[]): T
  /** True with this probability. */
  chance(probability: number): boolean
  /** Bytes that deflate cannot make smaller. */
  bytes(length: number): Buffer
}

/** The same words give the same draws, on every machine. */
export function seeded(...words: readonly (string | number)[]): Seeded {
  const key = createHash('sha256').update(words.join('/')).digest().subarray(0, 16)
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const bytes = (length: number): Buffer => stream.update(Buffer.alloc(length))
  const next = (): number => bytes(4).readUInt32LE() / 2 ** 32
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    between: (least, most) => least + below(most - least + 1),
    pick<T>(list: readonly T[]): T {
      const one = list[below(list.length)]
      if (one === undefined) throw new Error('There is nothing to pick from.')
      return one
    },
    chance: (probability) => next() < probability,
    bytes,
  }
}

/** The seed of this run: KILL_SEED, to replay one that failed, or a new one. */
export function seedOfRun(): string {
  return process.env['KILL_SEED'] ?? String(Date.now())
}
