import { hash } from 'node:crypto'

const known = new WeakMap<Uint8Array, Buffer>()

/** Notes the SHA-256 (hex) of bytes that will not change as long as anyone holds this view of them. */
export function noteDigest(block: Uint8Array, sha256: string): void {
  known.set(block, Buffer.from(sha256, 'hex'))
}

/** The SHA-256 of a block: as it was noted for this very view, else made now. */
export function digestOf(block: Uint8Array): Buffer {
  return known.get(block) ?? hash('sha256', block, 'buffer')
}
