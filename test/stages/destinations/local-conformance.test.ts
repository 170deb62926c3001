import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { countBytes } from '../../../src/pipeline/flow/count-bytes.ts'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { describeDestination, type DestinationUnderTest } from '../../conformance/destination.ts'

async function make(wrap = (destination: Destination) => destination): Promise<DestinationUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-test-'))
  return {
    open: () => wrap(localDestination({ type: 'local', name: 'nas', folder, chunkSize: null })),
    visible: async () => (await readdir(folder)).filter((name) => name.endsWith('.zip')),
    read: (object) => readFile(path.join(folder, object)),
    async storeBelow(object) {
      await mkdir(path.join(folder, 'below'))
      await writeFile(path.join(folder, 'below', object), 'x')
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 50, openingBudgetMs: 50 }

describeDestination('a folder', () => make())
describeDestination('a folder whose bytes are counted', () => make((inner) => countBytes(inner, () => undefined)))
describeDestination('a folder behind the retry wrapper', () => make((inner) => withRetry(inner, { policy })))
describeDestination('a folder behind both', () =>
  make((inner) =>
    withRetry(
      countBytes(inner, () => undefined),
      { policy },
    ),
  ),
)
