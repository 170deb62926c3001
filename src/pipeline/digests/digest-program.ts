/** The program of the thread that makes digests (digest-thread.ts). */
import { parentPort } from 'node:worker_threads'
import { ArchiveDigest, type DigestState } from './archive-digest.ts'
import type { DigestName, ObjectDigests } from '../contract/digests.ts'

/** What the thread is asked `id`: which archive's digest. */
export type DigestRequest = { readonly id: number } & (
  | { readonly is: 'open'; readonly from: readonly DigestName[] | DigestState }
  | { readonly is: 'add'; readonly part: Uint8Array }
  | { readonly is: 'end' }
)

export interface PartDigest {
  /** SHA-256 of the part, hex. */
  readonly sha256: string
  /** Of the archive up to the part's end. */
  readonly state: DigestState
}

const digests = new Map<number, ArchiveDigest>()

async function answer(request: DigestRequest): Promise<PartDigest | ObjectDigests | null> {
  if (request.is === 'open') {
    digests.set(request.id, await ArchiveDigest.open(request.from))
    return null
  }
  const digest = digests.get(request.id)
  if (digest === undefined) throw new RangeError(`no digest ${request.id}`)
  if (request.is === 'add') return { sha256: digest.add(request.part), state: digest.save() }
  digests.delete(request.id)
  return digest.digests()
}

let last: Promise<void> = Promise.resolve()
parentPort?.on('message', (request: DigestRequest) => {
  last = last.then(async () => {
    parentPort?.postMessage(await answer(request))
  })
})
