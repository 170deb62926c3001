/** The program of the thread that makes digests (digest-thread.ts). */
import { parentPort } from 'node:worker_threads'
import { ArchiveDigest } from './archive-digest.ts'
import type { DigestRequest, PartDigest } from './digest-thread.ts'
import type { ObjectDigests } from './digests.ts'

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
