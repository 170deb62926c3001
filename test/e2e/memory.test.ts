/**
 * Memory stays flat and the disk stays free, whatever a backup's size. Both services at once, in a process of their
 * own.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RING_PARTS } from '../../src/pipeline/deliver.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { engineRun } from '../../bench/engine-run.ts'
import { oneLargeFile } from '../../bench/sample-archive.ts'
import { liveMemory } from '../support/live-memory.ts'
import { manyFiles } from '../support/many-files.ts'

const MB = 1_000_000
const LIMIT = 250 * MB
/**
 * From the second quarter of a run to its last half of the archive is made: with 60 bytes for each of 50,000 files they
 * would take this.
 */
const OBJECTS_GROWTH = 3 * MB
/** The window, the requests under way and what is being made; a run that kept one byte of 20 would have more. */
const BUFFERS_LIMIT = 120 * MB

// As at a first start: what Node has kept of the sources makes a run smaller.
process.env['NODE_DISABLE_COMPILE_CACHE'] = '1'

const CASES: Record<string, (root: string) => Promise<void> | void> = {
  '1.5 GB in one file': (root) => oneLargeFile(root, 1500 * MB),
  '100,000 small files': (root) => {
    manyFiles(root, 100_000, 4096)
  },
}

describe('memory', { skip: process.platform !== 'linux' && 'only Linux tells the peak of another process' }, () => {
  for (const [what, fill] of Object.entries(CASES)) {
    test(`${what}: peak below 250 MB`, async (t) => {
      const run = await engineRun(fill, 'store')
      mustBeSmallOnDisk(run)
      t.diagnostic(`peak ${Math.round(run.peakBytes / MB)} MB`)
      assert.ok(run.peakBytes < LIMIT, `${run.peakBytes} bytes`)
    })

    // The peak is also a matter of when garbage is collected, which a busy machine does later; what is in use is not.
    test(`${what}: what is in use does not grow`, async (t) => {
      const { second, last } = await liveMemory(t, async () => {
        mustBeSmallOnDisk(await engineRun(fill, 'store'))
      })
      t.diagnostic(JSON.stringify({ second, last }))
      assert.ok(last.objects < second.objects + OBJECTS_GROWTH, `${last.objects} bytes after ${second.objects}`)
      assert.ok(last.buffers < BUFFERS_LIMIT, `${last.buffers} bytes of buffers`)
    })
  }
})

/**
 * The ring has its size. The plan, the directory and the manifest grow with the number of files, some 300 bytes a file;
 * the index of parts has 512 bytes for 4 MiB.
 */
function mustBeSmallOnDisk({ result, stderr, folderBytes }: Awaited<ReturnType<typeof engineRun>>): void {
  assert.equal(result.status, 'completed', stderr)
  const { files, bytes } = result.archive!
  const most = MB + RING_PARTS * PART_BYTES + files * 600 + (bytes / PART_BYTES) * 512
  assert.ok(folderBytes < most, `${folderBytes} bytes in the state folder`)
}
