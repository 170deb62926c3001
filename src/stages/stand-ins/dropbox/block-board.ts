import { createHash } from 'node:crypto'

export const BLOCK = 4 * 1024 * 1024

/** The SHA-256 of a run of whole blocks, the last possibly shorter, while its bytes pass. */
export class BlockRun {
  readonly digests: Buffer[] = []
  bytes = 0
  #block = createHash('sha256')

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + BLOCK - (this.bytes % BLOCK))
      this.#block.update(piece)
      this.bytes += piece.length
      at += piece.length
      if (this.bytes % BLOCK === 0) this.#take()
    }
  }

  end(): void {
    if (this.bytes % BLOCK !== 0) this.#take()
  }

  #take(): void {
    this.digests.push(this.#block.digest())
    this.#block = createHash('sha256')
  }
}

/** Which blocks of a concurrent session have come, by their digests. */
export class BlockBoard {
  readonly #digests = new Map<number, Buffer>()
  /** Where the furthest run ends, in bytes. */
  bytes = 0

  place(offset: number, run: BlockRun): void {
    run.digests.forEach((digest, n) => this.#digests.set(offset / BLOCK + n, digest))
    this.bytes = Math.max(this.bytes, offset + run.bytes)
  }

  /** Drops every block that does not lie within the first `bytes`. */
  forget(bytes: number): void {
    for (const n of this.#digests.keys()) if ((n + 1) * BLOCK > bytes) this.#digests.delete(n)
  }

  isWhole(): boolean {
    return this.#digests.size === Math.ceil(this.bytes / BLOCK)
  }

  contentHash(): string {
    const all = createHash('sha256')
    for (let n = 0; n < this.#digests.size; n++) all.update(this.#digests.get(n) ?? Buffer.alloc(0))
    return all.digest('hex')
  }
}
