/**
 * The digests by which destinations prove what they hold, by name. Each is made only where a destination of the run
 * needs it. A further one is a further line of `DIGESTS`.
 */
import { createHash, hash } from 'node:crypto'
import type { IHasher } from 'hash-wasm'

/**
 * 4 MiB: a block of the content hash (`contentHash`) and of a service's uploads in pieces at once, whose appends
 * start at and have a multiple of it; a multiple of every service's request granularity.
 */
export const PART_BYTES = 4 * 1024 * 1024

/** Fed piece by piece, in one process. */
export interface Hashing {
  update(bytes: Uint8Array): void
  /** Lower-case hex. May be called once. */
  digest(): string
}

/** Fed part by part; what it has come to can be saved, so that a later process continues. */
export interface PartHashing {
  /** The next part, of PART_BYTES unless it is the last, with its SHA-256. */
  add(part: Uint8Array, sha256: Uint8Array): void
  save(): Uint8Array
  /** Lower-case hex. Nothing can be added after it. */
  digest(): string
}

interface DigestAlgorithm {
  /** For people. */
  readonly title: string
  whole(): Hashing
  /** `state`: what an earlier one has saved; null: from the start. */
  byParts(state: Uint8Array | null): Promise<PartHashing>
}

/** Node's own hashes cannot be saved; hash-wasm's can, and its MD5 does 0.5 GB/s, Node's 0.75. */
function savable(hasher: IHasher, state: Uint8Array | null, input: 'part' | 'sha256'): PartHashing {
  hasher.init()
  if (state !== null) hasher.load(state)
  return {
    add: (part, sha256) => hasher.update(input === 'part' ? part : sha256),
    save: () => hasher.save(),
    digest: () => hasher.digest('hex'),
  }
}

/** RFC 1321, over all bytes. */
const md5: DigestAlgorithm = {
  title: 'MD5',
  whole() {
    const hashing = createHash('md5')
    return { update: (bytes) => void hashing.update(bytes), digest: () => hashing.digest('hex') }
  },
  byParts: async (state) => savable(await (await import('hash-wasm')).createMD5(), state, 'part'),
}

/**
 * SHA-256 over the SHA-256 digests of each 4 MiB block, the last of which may be shorter. A block is a part, and the
 * SHA-256 of parts is made in any case, so only those 32 bytes go through the slow, savable one. Test vectors:
 * https://www.dropbox.com/developers/reference/content-hash
 */
const contentHash: DigestAlgorithm = {
  title: 'content hash',
  whole: () => new ContentHash(),
  byParts: async (state) => savable(await (await import('hash-wasm')).createSHA256(), state, 'sha256'),
}

export const DIGESTS = { md5, contentHash } satisfies Readonly<Record<string, DigestAlgorithm>>

export type DigestName = keyof typeof DIGESTS

export const DIGEST_NAMES: readonly DigestName[] = Object.keys(DIGESTS).filter(isDigestName)

export function isDigestName(name: string): name is DigestName {
  return Object.hasOwn(DIGESTS, name)
}

/** Digests of a whole object, lower-case hex; those that nobody needed are absent. */
export type ObjectDigests = Readonly<Partial<Record<DigestName, string>>>

/** The digests among these values; null when there are none. */
export function digestsIn(values: Readonly<Record<string, unknown>>): ObjectDigests | null {
  const found = Object.entries(values).filter(([name, value]) => isDigestName(name) && typeof value === 'string')
  return found.length === 0 ? null : Object.fromEntries(found)
}

/** Some digests of a whole object, fed piece by piece; all of them unless named. */
export class ObjectDigest<N extends DigestName = DigestName> {
  readonly #hashings: readonly (readonly [N, Hashing])[]

  constructor(names?: readonly N[]) {
    const wanted = names ?? (DIGEST_NAMES as readonly N[])
    this.#hashings = wanted.map((name) => [name, DIGESTS[name].whole()])
  }

  update(bytes: Uint8Array): void {
    for (const [, hashing] of this.#hashings) hashing.update(bytes)
  }

  digests(): Readonly<Record<N, string>> {
    const all = this.#hashings.map(([name, hashing]) => [name, hashing.digest()])
    return Object.fromEntries(all) as Record<N, string>
  }
}

class ContentHash implements Hashing {
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

  digest(): string {
    if (this.#inBlock > 0) this.#closeBlock()
    return this.#overall.digest('hex')
  }
}
