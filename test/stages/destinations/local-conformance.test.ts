import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { counted } from '../../../src/pipeline/counted.ts'
import { withRetry } from '../../../src/pipeline/retry.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { describeDestination, type DestinationUnderTest } from '../../conformance/destination.ts'

async function make(): Promise<DestinationUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-test-'))
  return {
    destination: localDestination({ type: 'local', name: 'nas', folder, chunkSize: null }),
    visible: async () => (await readdir(folder)).filter((name) => name.endsWith('.zip')),
    read: (object) => readFile(path.join(folder, object)),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

describeDestination('a folder', make)

describeDestination('a folder whose bytes are counted', async () => {
  const inner = await make()
  return { ...inner, destination: counted(inner.destination, () => undefined) }
})

describeDestination('a folder behind the retry wrapper', async () => {
  const inner = await make()
  const policy = { firstPauseMs: 1, longestPauseMs: 5, patienceMs: 50, openingPatienceMs: 50 }
  return { ...inner, destination: withRetry(inner.destination, policy) }
})
