import { ObjectDigest, type DigestName } from '../../src/pipeline/contract/digests.ts'

interface Known {
  readonly bytes: Buffer
  readonly digest: string
}

const KNOWN_BUFFERS = 8
const known = new Map<DigestName, Known[]>()

/** The digest of a buffer that nobody changes any more. Of equal ones it is made once: to compare them takes far less. */
export function digestOf(bytes: Buffer, name: DigestName): string {
  const all = known.get(name) ?? []
  known.set(name, all)
  const found = all.find((one) => one.bytes.equals(bytes))
  if (found !== undefined) return found.digest
  const hashing = new ObjectDigest([name])
  hashing.update(bytes)
  const digest = hashing.digests()[name]
  all.unshift({ bytes, digest })
  all.length = Math.min(all.length, KNOWN_BUFFERS)
  return digest
}
