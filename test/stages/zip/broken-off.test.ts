import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../../src/pipeline/errors.ts'
import { readPlan, writePlan } from '../../../src/stages/plan/plan-file.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import { WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { inPieces, make, place, type Place } from './archive-maker.ts'

const LINUX_ONLY = process.platform !== 'linux' && 'looks into /proc'
const never = new AbortController().signal
/** APPNOTE 4.3.16: what an archive ends with. */
const END_RECORD_BYTES = 22

describe('an archive that breaks off', { skip: LINUX_ONLY }, () => {
  const openFiles = (): number => readdirSync('/proc/self/fd').length

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
  const ioError = (): Error => Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
  const pieceOfDump = Buffer.alloc(50_000, 'INSERT INTO')

  test('at any piece of the dump passes its error on and leaves no file open', async (t) => {
    const here = await withFiles(t)
    await make(here)
    const before = openFiles()
    for (let n = 0; n < 12; n += 1) {
      const dump = async function* (): AsyncGenerator<Uint8Array> {
        for (let piece = 0; piece < n; piece += 1) yield await Promise.resolve(pieceOfDump)
        throw broken()
      }
      await assert.rejects(make(here, { dump: dump() }), { code: 'E_DUMP' })
      await noneStaysOpen(before, `after ${n} pieces`)
    }
  })

  test('at any file of the plan passes its error on and leaves no file open', async (t) => {
    const here = await withFiles(t)
    await make(here)
    const before = openFiles()
    for (let n = 0; n <= 14; n += 1) {
      const files = async function* (): AsyncGenerator<WalkItem> {
        let left = n
        const everything = { include: ['**/*'], exclude: [], skipFolders: [] }
        const plan = await writePlan(
          path.join(await mkdtemp(path.join(here.folder, 'p-')), 'plan'),
          here.root,
          everything,
          never,
        )
        for await (const item of readPlan(plan.path)) {
          if (left-- === 0) throw ioError()
          yield item
        }
        throw ioError()
      }
      await assert.rejects(make(here, { files }), { code: 'EIO' })
      await noneStaysOpen(before, `after ${n} files`)
    }
  })

  test('at the manifest passes its error on and leaves no file open', async (t) => {
    const here = await withFiles(t)
    await make(here)
    const before = openFiles()
    const head = (): never => {
      throw broken()
    }
    await assert.rejects(make(here, { head }), { code: 'E_DUMP' })
    await noneStaysOpen(before, 'after the manifest')
  })

  for (const compression of ['store', 'fast'] as const) {
    test(`because its reader stops anywhere leaves no file open (${compression})`, async (t) => {
      const here = await withFiles(t)
      const dump = (): AsyncGenerator<Uint8Array> => inPieces(Buffer.alloc(120_000, 'INSERT INTO'), 40_000)
      // By bytes: into how many chunks they come depends on who was faster.
      const { bytes } = await make(here, { compression, dump: dump() })
      const lastChunk = bytes - END_RECORD_BYTES
      const before = openFiles()
      for (let n = 0; n <= 30; n += 1) {
        const onChunk = (at: number): void => {
          if (at >= (lastChunk * n) / 30) throw broken()
        }
        await assert.rejects(make(here, { compression, dump: dump(), onChunk }), { code: 'E_DUMP' })
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
