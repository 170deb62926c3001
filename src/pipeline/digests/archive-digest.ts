import { createHash } from 'node:crypto'
import {
  DIGESTS,
  isDigestName,
  type DigestName,
  type ObjectDigests,
  type PartHashing,
  PART_BYTES,
} from '../contract/digests.ts'

/** How far each digest of an archive has come, as text: a later process continues from it. */
export type DigestState = Readonly<Partial<Record<DigestName, string>>>

/** Some digests of the archive, part by part, in a form that outlives the process. */
export class ArchiveDigest {
  readonly #hashings: readonly (readonly [DigestName, PartHashing])[]

  private constructor(hashings: readonly (readonly [DigestName, PartHashing])[]) {
    this.#hashings = hashings
  }

  /** From the archive's start those of these names, or from where `state` was saved those that it has. */
  static async open(from: readonly DigestName[] | DigestState): Promise<ArchiveDigest> {
    const states: readonly (readonly [DigestName, Uint8Array | null])[] = isNames(from)
      ? from.map((name) => [name, null])
      : Object.entries(from).flatMap(([name, state]) =>
          isDigestName(name) ? [[name, Buffer.from(state, 'base64')] as const] : [],
        )
    return new ArchiveDigest(
      await Promise.all(states.map(async ([name, state]) => [name, await DIGESTS[name].byParts(state)] as const)),
    )
  }

  /** Takes the next part, of PART_BYTES bytes unless it is the last. Gives its SHA-256, hex. */
  add(part: Uint8Array): string {
    if (part.length > PART_BYTES) throw new RangeError('a part is at most one block of the content hash')
    const sha256 = createHash('sha256').update(part).digest()
    for (const [, hashing] of this.#hashings) hashing.add(part, sha256)
    return sha256.toString('hex')
  }

  save(): DigestState {
    return Object.fromEntries(
      this.#hashings.map(([name, hashing]) => [name, Buffer.from(hashing.save()).toString('base64')]),
    )
  }

  /** Nothing can be added after it. */
  digests(): ObjectDigests {
    return Object.fromEntries(this.#hashings.map(([name, hashing]) => [name, hashing.digest()]))
  }
}

const isNames = (from: readonly DigestName[] | DigestState): from is readonly DigestName[] => Array.isArray(from)
