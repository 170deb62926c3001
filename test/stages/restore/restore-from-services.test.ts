/** Restoring from the services: the same files come back, over a line that breaks now and then, for few bytes. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { remoteFile } from '../../../src/stages/archive/remote-file.ts'
import { syntheticInstance } from '../../../src/stages/demo/synthetic-dicom.ts'
import type { StandIn } from '../../../src/stages/stand-ins/types.ts'
import { seeded } from '../../support/seed.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { never } from '../archive/stored-archive.ts'
import * as dropbox from '../destinations/dropbox-far-side.ts'
import * as drive from '../destinations/google-drive-far-side.ts'
import { make, place } from '../zip/archive-maker.ts'
import { filesBelow, restore } from './restoring.ts'

const MIB = 1024 * 1024
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }

const services: Record<string, (t: TestContext) => Promise<{ standIn: StandIn; destination: Destination }>> = {
  Dropbox: async (t) => {
    const { standIn, open } = await dropbox.startDropbox(t, { storage: { folder: await tempFolder(t) } })
    return { standIn, destination: open(dropbox.RENEWABLE) }
  },
  'Google Drive': async (t) => await drive.startDrive(t, { storage: { folder: await tempFolder(t) } }),
}

/** The destination, which counts what comes of it before anything is tried again. */
function countingReads(inner: Destination, fetched: { bytes: number }): Destination {
  return {
    ...inner,
    async *read(object, range, signal) {
      for await (const chunk of inner.read(object, range, signal)) {
        fetched.bytes += chunk.length
        yield chunk
      }
    },
  }
}

for (const [service, start] of Object.entries(services)) {
  test(`${service}: all files come back over a line that breaks, no byte twice; one study for its bytes`, async (t) => {
    const random = seeded('services')
    const at = await place(t)
    for (let n = 0; n < 60; n += 1) {
      const options = { patient: 1, study: n % 6, series: 1, instance: n, rows: 128, columns: 256 } as const
      await at.put(`${n % 6}/${n}.dcm`, syntheticInstance({ ...options, modality: 'CT', pixels: 'compressed' }))
    }
    await at.put('large.bin', random.bytes(9 * MIB))
    await make(at, { dump: Buffer.from('-- dump\n'.repeat(100_000)) })
    const { standIn, destination } = await start(t)
    const archive = await readFile(at.archive)
    const upload = await destination.begin('a.zip', never)
    const digest = new ObjectDigest()
    digest.update(archive)
    const stored = await upload.commit(
      { offset: 0, tail: [archive], bytes: archive.length, digests: digest.digests() },
      never,
    )
    for (const nth of [1, 2, 4]) standIn.faults.add({ route: 'download', nth, fault: { kind: 'cut', afterBytes: 999 } })

    const fetched = { bytes: 0 }
    const remote = remoteFile(withRetry(countingReads(destination, fetched), { policy }), stored)
    assert.equal(remote.name, 'a.zip')
    const to = path.join(at.folder, 'restored')
    const result = await restore(remote, to)
    assert.deepEqual([result.files, result.damagedFiles], [63, 0])
    assert.deepEqual(await filesBelow(path.join(to, 'dicom_files')), await filesBelow(at.root))
    assert.ok(fetched.bytes < archive.length + 70_000, `${fetched.bytes} of ${archive.length}`)

    const before = fetched.bytes
    const study = await restore(remote, `${to}-study`, { selection: { studies: ['2.25.160815.1.3'] } })
    assert.equal(study.files, 10)
    assert.ok(fetched.bytes - before < study.bytes + 150_000, `${fetched.bytes - before} for ${study.bytes}`)
  })
}
