/**
 * Digests that are computed while bytes pass and can go back: `copy` keeps the state of a moment. They are written
 * apart from the engine's own, so that the two prove each other.
 */

import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'

/** Lower-case hex, by name. */
export type Digests = Readonly<Record<string, string>>

export interface Digester {
  update(chunk: Uint8Array): void
  copy(): Digester
  /** The digests of what passed so far; more may follow. */
  digests(): Digests
}

const BLOCK = 4 * 1024 * 1024

/**
 * Dropbox's content hash: SHA-256 over the SHA-256 digests of 4 MiB blocks.
 * https://www.dropbox.com/developers/reference/content-hash
 */
export class ContentHash implements Digester {
  #blocks: Hash
  #block: Hash
  #filled: number
  /** Of what passed since this was made; null when that was within a block. */
  readonly #own: Hash | null

  constructor(blocks = createHash('sha256'), block = createHash('sha256'), filled = 0) {
    this.#blocks = blocks
    this.#block = block
    this.#filled = filled
    this.#own = filled === 0 ? createHash('sha256') : null
  }

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + BLOCK - this.#filled)
      this.#block.update(piece)
      this.#filled += piece.length
      at += piece.length
      if (this.#filled < BLOCK) continue
      const digest = this.#block.digest()
      this.#blocks.update(digest)
      this.#own?.update(digest)
      this.#block = createHash('sha256')
      this.#filled = 0
    }
  }

  copy(): ContentHash {
    return new ContentHash(this.#blocks.copy(), this.#block.copy(), this.#filled)
  }

  digests(): { readonly contentHash: string } {
    return { contentHash: this.#ended(this.#blocks) }
  }

  /** The content hash of what passed since this was made or copied; null when that was within a block. */
  ofOwn(): string | null {
    return this.#own === null ? null : this.#ended(this.#own)
  }

  #ended(whole: Hash): string {
    const blocks = whole.copy()
    if (this.#filled > 0) blocks.update(this.#block.copy().digest())
    return blocks.digest('hex')
  }
}

/** Any of Node's hashes side by side: `hashes('md5', 'sha256')`. */
export function hashes(...names: readonly string[]): Digester {
  return sideBySide(new Map(names.map((name) => [name, createHash(name)])))
}

function sideBySide(all: ReadonlyMap<string, Hash>): Digester {
  const map = <T>(change: (hash: Hash) => T): [string, T][] => [...all].map(([name, hash]) => [name, change(hash)])
  return {
    update(chunk) {
      for (const hash of all.values()) hash.update(chunk)
    },
    copy: () => sideBySide(new Map(map((hash) => hash.copy()))),
    digests: () => Object.fromEntries(map((hash) => hash.copy().digest('hex'))),
  }
}
