import { createHash } from 'node:crypto'
import { DIGEST_BLOCK } from '../../../pipeline/digest.ts'

/**
 * The content hash (`ObjectDigests.contentHash`) of one request, by which Dropbox refuses bytes that were damaged on
 * the way. Computed beside the main thread, a block at a time: Node copies what it hashes there.
 */
export async function requestHash(chunks: readonly Uint8Array[]): Promise<string> {
  const overall = createHash('sha256')
  for (const block of blocks(chunks)) overall.update(Buffer.from(await crypto.subtle.digest('SHA-256', block)))
  return overall.digest('hex')
}

/** Blocks of 4 MiB, the last possibly shorter; without copying where a block lies within one chunk. */
function* blocks(chunks: readonly Uint8Array[]): Generator<Uint8Array<ArrayBuffer>> {
  let views: Uint8Array[] = []
  let missing = DIGEST_BLOCK
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const view = chunk.subarray(at, at + missing)
      views.push(view)
      at += view.length
      missing -= view.length
      if (missing > 0) continue
      yield joined(views)
      views = []
      missing = DIGEST_BLOCK
    }
  }
  if (views.length > 0) yield joined(views)
}

function joined(views: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [only] = views
  return views.length === 1 && only?.buffer instanceof ArrayBuffer
    ? new Uint8Array(only.buffer, only.byteOffset, only.length)
    : Buffer.concat(views)
}
