import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { digestOf } from '../../../pipeline/digests/part-digest.ts'
import { sliceOf } from '../../../pipeline/parts/part.ts'
import { PART_BYTES } from '../../../pipeline/contract/digests.ts'

/**
 * The content hash (`DIGESTS.contentHash`) of one request, by which Dropbox refuses bytes that were damaged on
 * the way. A whole part is one block, of which the hash is known since it was cut; only what is none is hashed here, a
 * block at a time.
 */
export async function requestHash(chunks: readonly Uint8Array[]): Promise<string> {
  const overall = createHash('sha256')
  for (const block of blocks(chunks)) {
    overall.update(digestOf(block))
    await nextTurn()
  }
  return overall.digest('hex')
}

/** Blocks of 4 MiB, the last possibly shorter; without copying where a block lies within one chunk. */
function* blocks(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let views: Uint8Array[] = []
  let missing = PART_BYTES
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const view = sliceOf(chunk, at, at + missing)
      views.push(view)
      at += view.length
      missing -= view.length
      if (missing > 0) continue
      yield mergeJoined(views)
      views = []
      missing = PART_BYTES
    }
  }
  if (views.length > 0) yield mergeJoined(views)
}

function mergeJoined(views: readonly Uint8Array[]): Uint8Array {
  const [only] = views
  return views.length === 1 && only !== undefined ? only : Buffer.concat(views)
}
