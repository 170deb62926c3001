/** In a file of its own, and so in a process of its own: its thread that makes digests is gone after. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { DigestThread } from '../../src/pipeline/digests/digest-thread.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { ProgressReporter } from '../../src/pipeline/contract/progress.ts'
import type { Source } from '../../src/pipeline/contract/source.ts'
import { deliver } from '../support/deliver.ts'
import { madeUp } from '../support/byte-source.ts'
import { openKeeping, ringFile } from '../support/keeping.ts'
import { memoryDestination } from '../support/memory-destination.ts'
import { tempFolder } from '../support/temp-folder.ts'

const archive = madeUp('archive', 4 * PART_BYTES)

test(
  'a thread that ends while it makes digests fails the run, which leaves nothing open',
  { timeout: 600_000 },
  async (t) => {
    const folder = await tempFolder(t)
    const run = async (source: Source) => {
      const runStore = await openKeeping(folder)
      const reporter = new ProgressReporter(['d'])
      const { signal } = new AbortController()
      try {
        return await deliver({
          source,
          object: 'a.zip',
          destinations: [memoryDestination('d')],
          runStore,
          reporter,
          signal,
        })
      } finally {
        await runStore.close()
      }
    }
    let open = 0
    const source: Source = {
      make: async function* ({ end }) {
        yield await Promise.resolve(archive.subarray(end, 2 * PART_BYTES + 1))
        throw new BackupError('E_DUMP', 'the dump broke off')
      },
      sync: () => Promise.resolve(),
      remake: async function* () {
        open += 1
        try {
          for (let at = 0; at < archive.length; at += 1000) yield await Promise.resolve(archive.subarray(at, at + 1000))
        } finally {
          open -= 1
        }
      },
    }
    assert.equal((await run(source)).failure?.code, 'E_DUMP')
    // Now what lies between the last place and the last part has to be made again, and then the thread ends.
    await rm(ringFile(folder))
    let remade = 0
    const { failure } = await run({
      ...source,
      make: async function* ({ end }) {
        remade = open
        const broken = await DigestThread.open([])
        await assert.rejects(broken.add(new Uint8Array(PART_BYTES + 1)), { code: 'E_INTERNAL' })
        for (let at = end; at < archive.length; at += PART_BYTES) yield archive.subarray(at, at + PART_BYTES)
      },
    })
    assert.equal(failure?.code, 'E_INTERNAL')
    assert.match(failure.message, /helper thread has ended/)
    assert.ok(remade > 0)
    assert.equal(open, 0)
  },
)
