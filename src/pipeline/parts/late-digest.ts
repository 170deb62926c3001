import { DigestThread } from '../digests/digest-thread.ts'
import { type DigestName, PART_BYTES } from '../contract/digests.ts'
import { abortError, BackupError } from '../contract/errors.ts'
import type { PartReader } from './part-reader.ts'

/**
 * A digest of a whole archive of so many bytes that nobody needed while it was made: all parts are read once more. Rejects
 * with E_SOURCE when one cannot be had any more.
 */
export async function lateDigest(
  name: DigestName,
  bytes: number,
  reader: PartReader,
  signal: AbortSignal,
): Promise<string> {
  const digest = await DigestThread.open([name])
  let isEnded = false
  try {
    for (let n = 0; n * PART_BYTES < bytes; n += 1) {
      if (signal.aborted) throw abortError(signal)
      const part = await reader.read(n, signal)
      try {
        await digest.add(part.bytes)
      } finally {
        reader.recycle(part)
      }
    }
    isEnded = true
    const { [name]: made } = await digest.end()
    if (made === undefined) throw new BackupError('E_INTERNAL', `no digest ${name}`)
    return made
  } finally {
    if (!isEnded) await digest.end().catch(() => undefined)
    await reader.close()
  }
}
