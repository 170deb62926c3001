/**
 * Memory stays flat and the disk stays free, whatever a backup's size. Both services at once, in a process of their
 * own.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RING_PARTS } from '../../src/pipeline/deliver.ts'
import { PART_BYTES } from '../../src/pipeline/part.ts'
import { engineRun } from '../../bench/engine-run.ts'
import { oneLargeFile } from '../../bench/sample-archive.ts'
import { manyFiles } from '../support/many-files.ts'

const MB = 1_000_000
const LIMIT = 250 * MB
/** For ten times as much. */
const GROWTH = 1.15

// As at a first start: what Node has kept of the sources makes a short run smaller than a long one, and both smaller.
process.env['NODE_DISABLE_COMPILE_CACHE'] = '1'

type Fill = (root: string) => Promise<void> | void

const CASES: Record<string, readonly [tenth: Fill, whole: Fill]> = {
  '1.5 GB in one file': [(root) => oneLargeFile(root, 150 * MB), (root) => oneLargeFile(root, 1500 * MB)],
  '100,000 small files': [
    (root) => {
      manyFiles(root, 10_000, 4096)
    },
    (root) => {
      manyFiles(root, 100_000, 4096)
    },
  ],
}

describe('memory', { skip: process.platform !== 'linux' && 'only Linux tells the peak of another process' }, () => {
  for (const [what, [tenth, whole]] of Object.entries(CASES)) {
    test(`${what}: peak below 250 MB, and at most 15 % above that of a tenth`, async (t) => {
      const small = await engineRun(tenth, 'store')
      const large = await engineRun(whole, 'store')
      for (const run of [small, large]) assert.equal(run.result.status, 'completed', run.stderr)
      t.diagnostic(
        `peak ${Math.round(small.peakBytes! / MB)} MB for a tenth, ${Math.round(large.peakBytes! / MB)} MB for all`,
      )
      assert.ok(large.peakBytes! < LIMIT, `${large.peakBytes} bytes`)
      assert.ok(large.peakBytes! < small.peakBytes! * GROWTH, `${large.peakBytes} after ${small.peakBytes}`)
      // The ring has its size. The plan, the directory and the manifest grow with the number of files, some 300 bytes a
      // file; the index of parts has 512 bytes for 4 MiB.
      const { files, bytes } = large.result.archive!
      const most = MB + RING_PARTS * PART_BYTES + files * 600 + (bytes / PART_BYTES) * 512
      assert.ok(large.stateBytes < most, `${large.stateBytes} bytes in the state folder`)
    })
  }
})
