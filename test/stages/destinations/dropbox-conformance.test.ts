import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { withRetry } from '../../../src/pipeline/retry.ts'
import { describeDestination } from '../../conformance/destination.ts'
import type { DestinationUnderTest } from '../../conformance/destination.ts'
import { startDropbox } from './dropbox-far-side.ts'

async function make(finishedSession: 'closed' | 'not_found'): Promise<DestinationUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-test-'))
  const cleanups: (() => Promise<void>)[] = []
  const cleanup = { after: (done: () => Promise<void>) => void cleanups.push(done) }
  const { standIn, destination } = await startDropbox(cleanup, { storage: { folder }, finishedSession })
  return {
    destination,
    visible: () => Promise.resolve(standIn.objects().map((object) => path.posix.basename(object.path))),
    async read(name) {
      const object = standIn.objects().find((one) => one.path.endsWith(`/${name}`))
      if (object === undefined) throw new Error(`There is no ${name}.`)
      const chunks: Buffer[] = []
      for await (const chunk of standIn.read(object)) chunks.push(chunk)
      return Buffer.concat(chunks)
    },
    async close() {
      for (const done of cleanups) await done()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

describeDestination('Dropbox', () => make('closed'))

describeDestination('Dropbox behind the retry wrapper', async () => {
  const inner = await make('not_found')
  const policy = { firstPauseMs: 1, longestPauseMs: 5, patienceMs: 50 }
  return { ...inner, destination: withRetry(inner.destination, policy) }
})
