import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, truncate } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { readPlan } from '../../../src/stages/plan/plan-reader.ts'
import { WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { openFiles } from '../../support/open-files.ts'
import { make, place, type Place } from './archive-maker.ts'

const LINUX_ONLY = process.platform !== 'linux' && 'looks into /proc'
/** APPNOTE 4.3.16: what an archive ends with. */
const END_RECORD_BYTES = 22

describe('an archive that breaks off', { skip: LINUX_ONLY }, () => {
  /** Streams close their files a little after they end. */
  async function noneStaysOpen(before: number, when: string): Promise<void> {
    for (let n = 0; n < 200 && openFiles() > before; n += 1) await sleep(10)
    assert.ok(openFiles() <= before, `${openFiles() - before} files stay open ${when}`)
  }

  async function withFiles(t: TestContext): Promise<Place> {
    const here = await place(t)
    for (let n = 0; n < 12; n += 1) await here.put(`small-${n}`, randomBytes(20_000))
    await here.put('small-6-large', randomBytes(WHOLE_FILE_BYTES + 5))
    await here.put('zz-large', Buffer.alloc(2 * WHOLE_FILE_BYTES, 'pixel'))
    return here
  }
  const broken = (): BackupError => new BackupError('E_DUMP', 'the dump broke off')
  test('at any piece of the dump, which was cut short, says so and leaves no file open', async (t) => {
    const here = await withFiles(t)
    await make(here)
    const before = openFiles()
    const dump = Buffer.alloc(600_000, 'INSERT INTO')
    for (let n = 0; n < 12; n += 1) {
      const onPrepared = (files: { readonly dump: string }): Promise<void> => truncate(files.dump, n * 50_000)
      await assert.rejects(make(here, { dump, onPrepared }), { code: 'E_STATE' })
      await noneStaysOpen(before, `after ${n} pieces`)
    }
  })

  test('at any file of the plan, which was cut short, says so and leaves no file open', async (t) => {
    const here = await withFiles(t)
    await make(here)
    const before = openFiles()
    for (let n = 0; n < 14; n += 1) {
      const onPrepared = async ({ plan }: { readonly plan: string }): Promise<void> => {
        const ends: number[] = []
        for await (const { end } of readPlan(plan)) ends.push(end)
        assert.equal(ends.length, 14)
        await truncate(plan, (ends[n] ?? 0) - 1)
      }
      await assert.rejects(make(here, { onPrepared }), { code: 'E_STATE' })
      await noneStaysOpen(before, `after ${n} files`)
    }
  })

  test('at the manifest passes its error on and leaves no file open', async (t) => {
    const here = await withFiles(t)
    await make(here)
    const before = openFiles()
    const onManifest = (): never => {
      throw broken()
    }
    await assert.rejects(make(here, { onManifest }), { code: 'E_DUMP' })
    await noneStaysOpen(before, 'after the manifest')
  })

  for (const compression of ['store', 'fast'] as const) {
    test(`because its reader stops anywhere leaves no file open (${compression})`, async (t) => {
      const here = await withFiles(t)
      const dump = Buffer.alloc(2_000_000, 'INSERT INTO')
      // By bytes: into how many chunks they come depends on who was faster.
      const { bytes } = await make(here, { compression, dump })
      const lastChunk = bytes - END_RECORD_BYTES
      const before = openFiles()
      for (let n = 0; n <= 30; n += 1) {
        const onChunk = (at: number): void => {
          if (at >= (lastChunk * n) / 30) throw broken()
        }
        await assert.rejects(make(here, { compression, dump, onChunk }), { code: 'E_DUMP' })
        await noneStaysOpen(before, `after ${n} thirtieths`)
      }
    })
  }

  test('because the disk of the state folder is full says so, wherever it happens', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('needs a small disk of its own, so root')
      return
    }
    const here = await place(t)
    for (let n = 0; n < 600; n += 1) await here.put(`${'long'.repeat(37)}-${n}`, Buffer.from('x'))
    const disk = path.join(here.folder, 'disk')
    await mkdir(disk)
    const before = openFiles()
    // The manifest takes 200 KB, the directory 130 KB.
    for (const sizeKiB of [4, 140, 260]) {
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKiB}k`, 'tmpfs', disk], { stdio: 'pipe' })
      } catch {
        t.skip('this machine mounts no tmpfs')
        return
      }
      try {
        await assert.rejects(make(here, { workFolder: disk }), { code: 'E_QUOTA' }, `${sizeKiB} KiB`)
      } finally {
        execFileSync('umount', ['-l', disk])
      }
      await noneStaysOpen(before, `with ${sizeKiB} KiB`)
    }
  })
})
