import { createHash, hash } from 'node:crypto'
import type { ObjectDigests } from './destination.ts'
import { PART_BYTES } from './part.ts'

const known = new WeakMap<Uint8Array, Buffer>()

/** Notes the SHA-256 (hex) of bytes that will not change as long as anyone holds this view of them. */
export function noteDigest(block: Uint8Array, sha256: string): void {
  known.set(block, Buffer.from(sha256, 'hex'))
}

/** The SHA-256 of a block: as it was noted for this very view, else made now. */
export function digestOf(block: Uint8Array): Buffer {
  return known.get(block) ?? hash('sha256', block, 'buffer')
}

/**
 * SHA-256 over the SHA-256 digests of each 4 MiB block, as `ObjectDigests.contentHash` is defined. Test vectors stand
 * on https://www.dropbox.com/developers/reference/content-hash
 */
export class ContentHash {
  readonly #overall = createHash('sha256')
  #block = createHash('sha256')
  #inBlock = 0

  update(bytes: Uint8Array): void {
    let rest = bytes
    while (rest.length > 0) {
      const piece = rest.subarray(0, PART_BYTES - this.#inBlock)
      if (piece.length === PART_BYTES) {
        this.#overall.update(hash('sha256', piece, 'buffer'))
      } else {
        this.#block.update(piece)
        this.#inBlock += piece.length
        if (this.#inBlock === PART_BYTES) this.#closeBlock()
      }
      rest = rest.subarray(piece.length)
    }
  }

  #closeBlock(): void {
    this.#overall.update(this.#block.digest())
    this.#block = createHash('sha256')
    this.#inBlock = 0
  }

  /** Lower-case hex. May be called once. */
  digest(): string {
    if (this.#inBlock > 0) this.#closeBlock()
    return this.#overall.digest('hex')
  }
}

/** Both digests of a whole object, fed piece by piece. */
export class ObjectDigest {
  readonly #md5 = createHash('md5')
  readonly #contentHash = new ContentHash()

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes)
    this.#contentHash.update(bytes)
  }

  digests(): ObjectDigests {
    return { md5: this.#md5.digest('hex'), contentHash: this.#contentHash.digest() }
  }
}
