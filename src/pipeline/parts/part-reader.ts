import { hash } from 'node:crypto'
import type { Copies, Copy } from './copies.ts'
import { BackupError } from '../contract/errors.ts'
import { type Part, type PartPool } from './part.ts'
import { PART_BYTES } from '../contract/digests.ts'
import { noteDigest } from '../digests/part-digest.ts'
import type { PartFact, PartIndex } from './part-index.ts'
import type { PartRing } from './part-ring.ts'
import type { Source } from '../contract/source.ts'

type Remakes = Pick<Source, 'remake'>

/** Where parts can be had again. */
export interface PartSources {
  readonly index: PartIndex
  readonly ring: PartRing
  /** A promise as long as there is none yet. */
  readonly source: Remakes | Promise<Remakes>
  readonly copies: Copies
  readonly pool: PartPool
}

/** A run of remade bytes, and where in the archive it has come to. */
interface Remaking {
  readonly chunks: AsyncGenerator<Uint8Array>
  offset: number
  rest: Uint8Array
}

/**
 * Reads parts that are made already: from the ring of the last ones, else made again from the source, else out of a whole
 * copy at another destination. Each is what was sent, by its SHA-256, or it is not given.
 */
export class PartReader {
  readonly #from: PartSources
  #remaking: Remaking | null = null

  constructor(from: PartSources) {
    this.#from = from
  }

  /**
   * The n-th part, in a buffer that is to be given back. Waits for another destination's copy when there is no other
   * way; rejects with E_SOURCE when there is none.
   */
  async read(n: number, signal: AbortSignal): Promise<Part> {
    for (;;) {
      const known = this.#from.copies.all.length
      const part = await this.tryRead(n, signal)
      if (part !== null) return part
      await this.#from.copies.next(signal, known)
    }
  }

  /** The same; null when the part cannot be had now. */
  async tryRead(n: number, signal: AbortSignal): Promise<Part | null> {
    const { index, ring, copies, pool } = this.#from
    const fact = await index.read(n)
    const part = { offset: n * PART_BYTES, bytes: pool.take().subarray(0, fact.bytes) }
    try {
      if ((await ring.read(n, part.bytes)) && isRight(part, fact)) return part
      if ((await this.#remake(n, part)) && isRight(part, fact)) return part
      await this.close()
      for (const copy of copies.all) if ((await fetch(copy, part, signal)) && isRight(part, fact)) return part
    } catch (error) {
      this.recycle(part)
      throw error
    }
    this.recycle(part)
    return null
  }

  recycle(part: Part): void {
    this.#from.pool.recycle(part)
  }

  /** Ends what is under way. Reading may begin again. */
  async close(): Promise<void> {
    const remaking = this.#remaking
    this.#remaking = null
    await remaking?.chunks.return(undefined)
  }

  /** Whether the part could be filled with bytes made again. */
  async #remake(n: number, part: Part): Promise<boolean> {
    const isGoingOn = this.#remaking?.offset === n * PART_BYTES
    const filled = await this.#fill(n, part)
    if (filled || !isGoingOn) return filled
    // It knew of no more than there was when it began.
    await this.close()
    return await this.#fill(n, part)
  }

  async #fill(n: number, part: Part): Promise<boolean> {
    try {
      const remaking = await this.#remakingAt(n)
      let filled = 0
      while (filled < part.bytes.length) {
        if (remaking.rest.length === 0 && !(await advance(remaking))) return false
        const skipped = Math.min(part.offset + filled - remaking.offset, remaking.rest.length)
        pass(remaking, skipped)
        const piece = remaking.rest.subarray(0, part.bytes.length - filled)
        part.bytes.set(piece, filled)
        filled += piece.length
        pass(remaking, piece.length)
      }
      return true
    } catch (error) {
      if (error instanceof BackupError && error.code === 'E_SOURCE') return false
      throw error
    }
  }

  /** The present run when it stands right before the part, else one from the last mark before it. */
  async #remakingAt(n: number): Promise<Remaking> {
    const { index } = this.#from
    if (this.#remaking?.offset === n * PART_BYTES) return this.#remaking
    await this.close()
    const mark = n === 0 ? null : (await index.read(n - 1)).mark
    const source = await this.#from.source
    const chunks = source.remake(mark)
    return (this.#remaking = { chunks, offset: mark?.offset ?? 0, rest: new Uint8Array(0) })
  }
}

async function advance(remaking: Remaking): Promise<boolean> {
  const next = await remaking.chunks.next()
  if (next.done === true) return false
  remaking.rest = next.value
  return true
}

function pass(remaking: Remaking, bytes: number): void {
  remaking.offset += bytes
  remaking.rest = remaking.rest.subarray(bytes)
}

function isRight({ bytes }: Part, { sha256 }: PartFact): boolean {
  if (hash('sha256', bytes) !== sha256) return false
  noteDigest(bytes, sha256)
  return true
}

/** Whether the part could be filled from a whole copy. */
async function fetch({ destination, stored }: Copy, { offset, bytes }: Part, signal: AbortSignal): Promise<boolean> {
  let filled = 0
  try {
    for await (const chunk of destination.read(stored, { from: offset, to: offset + bytes.length }, signal)) {
      bytes.set(chunk, filled)
      filled += chunk.length
    }
  } catch (error) {
    if (signal.aborted) throw error
    return false
  }
  return filled === bytes.length
}
