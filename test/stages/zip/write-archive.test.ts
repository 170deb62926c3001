import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, readdirSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../../src/pipeline/errors.ts'
import { PART_BYTES } from '../../../src/pipeline/part.ts'
import { newProgress, type Progress } from '../../../src/pipeline/progress.ts'
import type { Compression } from '../../../src/stages/config/types.ts'
import { readPlan, writePlan } from '../../../src/stages/plan/plan-file.ts'
import type { LeftOut } from '../../../src/stages/plan/types.ts'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import { Ledger } from '../../../src/stages/zip/ledger.ts'
import type { ManifestHead } from '../../../src/stages/zip/manifest.ts'
import { WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { writeArchive } from '../../../src/stages/zip/write-archive.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { readEntries, READERS, readManifest, type ReadEntry } from '../../support/zip-readers.ts'

const MIB = 1024 * 1024
const LINUX_ONLY = process.platform !== 'linux' && 'looks into /proc'
const POSIX_ONLY = process.platform === 'win32' && 'Windows has no such names'
const never = new AbortController().signal
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

interface Place {
  readonly root: string
  readonly folder: string
  readonly archive: string
  /** Puts a file into the archive folder. */
  put(name: string, bytes: Buffer, mtime?: Date): Promise<string>
}

async function place(t: TestContext): Promise<Place> {
  const folder = await tempFolder(t)
  const root = path.join(folder, 'dicom_files')
  await mkdir(root)
  const put = async (name: string, bytes: Buffer, mtime?: Date): Promise<string> => {
    const file = path.join(root, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, bytes)
    if (mtime !== undefined) await utimes(file, mtime, mtime)
    return file
  }
  return { root, folder, archive: path.join(folder, 'a.zip'), put }
}

interface Attempt {
  readonly compression?: Compression
  readonly dump?: AsyncIterable<Uint8Array>
  /** Instead of all that lies in the archive folder. */
  readonly files?: () => AsyncIterable<WalkItem>
  readonly head?: () => ManifestHead
  /** Where the ledger keeps its files, instead of a new folder. */
  readonly workFolder?: string
  /** Called before each chunk is written, with the bytes and the files before it; what it throws ends the reading. */
  readonly onChunk?: (bytesBefore: number, filesBefore: number) => void | Promise<void>
}

interface Made {
  readonly ledger: Ledger
  readonly progress: Progress
  readonly leftOut: LeftOut[]
  readonly bytes: number
}

/** Makes an archive of what lies in the archive folder, as a run does: plan, then archive. */
async function make({ root, folder, archive }: Place, attempt: Attempt = {}): Promise<Made> {
  const work = attempt.workFolder ?? (await mkdtemp(path.join(folder, 'work-')))
  const plan = await writePlan(
    path.join(await mkdtemp(path.join(folder, 'plan-')), 'plan.ndjson'),
    root,
    { include: ['**/*'], exclude: [], skipFolders: [] },
    never,
  )
  const ledger = await Ledger.create(work)
  const progress = newProgress([])
  const leftOut: LeftOut[] = []
  const head = (): ManifestHead => ({
    tool: 'dicom-backup',
    version: '0',
    runId: 'run',
    startedAt: '',
    writtenAt: '',
    database: null,
    counts: { files: ledger.files, bytes: ledger.fileBytes, skipped: ledger.skipped },
  })
  const source = writeArchive(
    {
      root,
      compression: attempt.compression ?? 'auto',
      dump:
        attempt.dump === undefined
          ? null
          : { name: 'database/viewer.sql', mtime: new Date(2026, 10, 23, 12, 0, 0), bytes: attempt.dump },
      files: attempt.files ?? (() => readPlan(plan.path)),
      head: attempt.head ?? head,
      onLeftOut: (left) => leftOut.push(left),
      progress,
    },
    ledger,
  )
  const out = createWriteStream(archive)
  let bytes = 0
  try {
    for await (const chunk of source) {
      await attempt.onChunk?.(bytes, progress.filesDone)
      bytes += chunk.length
      if (!out.write(Buffer.from(chunk))) await once(out, 'drain')
    }
  } finally {
    await ledger.close()
    out.end()
    await once(out, 'close')
  }
  return { ledger, progress, leftOut, bytes }
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function everyReaderAccepts(archive: string): Promise<void> {
  for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(archive), reader)
}

const names = (entries: readonly ReadEntry[]): string[] => entries.map(({ name }) => name)

describe('an archive', () => {
  for (const compression of ['store', 'fast'] as const) {
    test(`holds files of every size around a piece, a small file and a part, and says so (${compression})`, async (t) => {
      const here = await place(t)
      const files = new Map<string, Buffer>()
      for (const edge of [0, MIB, WHOLE_FILE_BYTES, 2 * PART_BYTES]) {
        for (const size of [edge - 1, edge, edge + 1].filter((one) => one >= 0)) {
          const half = Math.ceil(size / 2)
          files.set(`study/${size}.bin`, Buffer.concat([randomBytes(half), Buffer.alloc(size - half, 'pixel')]))
        }
      }
      const mtime = new Date(2020, 5, 7, 8, 9, 10, 123)
      for (const [name, bytes] of files) await here.put(name, bytes, mtime)
      const dump = randomBytes(3 * MIB + 1)
      const { ledger, progress, leftOut, bytes } = await make(here, { compression, dump: inPieces(dump, 70_001) })

      assert.equal((await stat(here.archive)).size, bytes)
      assert.equal(ledger.offset, bytes)
      await everyReaderAccepts(here.archive)
      const entries = await readEntries(here.archive)
      assert.equal(entries.length, files.size + 2)
      assert.equal(ledger.entries, entries.length)
      const lines = new Map((await readManifest(here.archive)).slice(1).map((line) => [line['path'], line]))
      assert.equal(lines.size, files.size + 1, 'a line for each entry but the manifest')
      const expected = new Map([...files].map(([name, content]) => [`dicom_files/${name}`, content]))
      for (const [name, content] of expected.set('database/viewer.sql', dump)) {
        const entry = entries.find((one) => one.name === name)
        assert.equal(entry?.size, content.length, name)
        assert.equal(entry.sha256, sha256(content), name)
        assert.equal(entry.method, compression === 'store' ? 0 : 8, name)
        const line = lines.get(name)
        assert.deepEqual([line?.['size'], line?.['sha256']], [content.length, sha256(content)], name)
        if (content === dump) continue
        assert.deepEqual(entry.date, [2020, 6, 7, 8, 9, 10], name)
        assert.equal(line?.['mtime'], mtime.toISOString(), name)
      }
      const fileBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0)
      assert.deepEqual([ledger.files, ledger.fileBytes, ledger.skipped], [files.size, fileBytes, 0])
      assert.deepEqual(
        [progress.filesDone, progress.bytesDone, progress.dumpBytes],
        [files.size, fileBytes, dump.length],
      )
      assert.deepEqual(leftOut, [])
    })
  }

  test('begins with the dump, has the files in the order of the plan and ends with the manifest', async (t) => {
    const here = await place(t)
    // Small and large ones by turns, and more of them than are read ahead.
    for (let n = 0; n < 150; n += 1) await here.put(`${n}`, Buffer.alloc(n % 30 === 7 ? WHOLE_FILE_BYTES + n : n, n))
    const planned: string[] = []
    const files = async function* (): AsyncGenerator<WalkItem> {
      for (let n = 149; n >= 0; n -= 1) {
        const name = String((n * 7) % 150)
        planned.push(`dicom_files/${name}`)
        const { size, mtimeMs } = await stat(path.join(here.root, name))
        yield { path: name, size, mtimeMs }
      }
    }
    await make(here, { files, dump: inPieces(Buffer.from('-- dump'), 3) })
    const order = ['database/viewer.sql', ...planned, 'backup-manifest.ndjson']
    assert.deepEqual(names(await readEntries(here.archive)), order)
    assert.deepEqual(
      (await readManifest(here.archive)).slice(1).map((line) => line['path']),
      order.slice(0, -1),
    )
  })

  test('without dump and files is one all the same, with its manifest', async (t) => {
    const here = await place(t)
    await make(here)
    await everyReaderAccepts(here.archive)
    assert.deepEqual(names(await readEntries(here.archive)), ['backup-manifest.ndjson'])
  })

  test(
    'takes names with backslashes, dots and line separators as they are, of small and of large files',
    { skip: POSIX_ONLY },
    async (t) => {
      const here = await place(t)
      const odd = ['ends\\', '..\\up.dcm', 'a\\..\\..\\b', 'C:\\x', 'line\u2028separator', 'paragraph\u2029', '\\']
      for (const name of odd) {
        await here.put(`small-${name}`, Buffer.from(name))
        await here.put(`large-${name}`, Buffer.alloc(WHOLE_FILE_BYTES + 1, name))
      }
      const { leftOut } = await make(here)
      assert.deepEqual(leftOut, [])
      const stored = names(await readEntries(here.archive)).slice(0, -1)
      const expected = odd.flatMap((name) => [`dicom_files/small-${name}`, `dicom_files/large-${name}`])
      assert.deepEqual(stored.sort(), expected.sort())
      for (const reader of ['bsdtar', 'python'] as const) await assert.doesNotReject(READERS[reader]!(here.archive))
    },
  )

  test('takes files of any age; their exact times stand in the manifest', async (t) => {
    const here = await place(t)
    const times = [
      -1,
      -1000,
      Date.UTC(1904, 0, 1),
      0,
      Date.UTC(1979, 11, 31),
      Date.UTC(2038, 0, 20),
      Date.UTC(2200, 1, 2),
    ]
    for (const [n, time] of times.entries()) {
      await here.put(`small-${n}`, Buffer.from('x'), new Date(time))
      await here.put(`large-${n}`, Buffer.alloc(WHOLE_FILE_BYTES + 1), new Date(time))
    }
    const { leftOut } = await make(here)
    assert.deepEqual(leftOut, [])
    await everyReaderAccepts(here.archive)
    for (const line of (await readManifest(here.archive)).slice(1)) {
      const name = String(line['path']).replace('dicom_files/', '')
      const { mtime } = await stat(path.join(here.root, name))
      assert.equal(line['mtime'], mtime.toISOString(), name)
    }
  })
})

describe('a file that cannot be stored in one state', () => {
  const size = 8 * MIB
  const changes: Record<string, (file: string) => Promise<void>> = {
    grows: (file) => appendFile(file, 'more'),
    shrinks: (file) => truncate(file, size - MIB),
    'is emptied': (file) => truncate(file, 0),
    'is rewritten': async (file) => {
      await writeFile(file, randomBytes(size))
      await utimes(file, new Date(), new Date(Date.now() + 5000))
    },
  }
  /** Tears each of `torn` when a MiB of it has come out; `order` is that of the archive's files. */
  const tearing = (torn: readonly string[], tear: (name: string) => Promise<void>, order: readonly string[]) => {
    const done = new Set<string>()
    let [current, begin] = [-1, 0]
    return async (at: number, filesBefore: number): Promise<void> => {
      if (filesBefore !== current) [current, begin] = [filesBefore, at]
      const name = order[current] ?? ''
      if (!torn.includes(name) || done.has(name) || at - begin < MIB) return
      done.add(name)
      await tear(name)
    }
  }

  for (const [what, change] of Object.entries(changes)) {
    for (const compression of what === 'grows' ? (['store', 'fast'] as const) : (['fast'] as const)) {
      test(`because it ${what} in mid-read leaves dead bytes, and everything else right (${compression})`, async (t) => {
        const here = await place(t)
        const torn = ['0-first', 'k', 'm', 'zz-last']
        const others = new Map(['a', 'l', 'm2', 'z'].map((name) => [name, randomBytes(1000)]))
        others.set('l2', randomBytes(WHOLE_FILE_BYTES + 5))
        for (const [name, bytes] of others) await here.put(name, bytes)
        for (const name of torn) await here.put(name, randomBytes(size))
        const order = [...torn, ...others.keys()].sort()
        const dump = inPieces(Buffer.from('-- dump'), 3)
        const onChunk = tearing(torn, (name) => change(path.join(here.root, name)), order)
        const { leftOut, ledger, bytes } = await make(here, { compression, dump, onChunk })
        assert.deepEqual(
          leftOut,
          torn.map((name) => ({ path: name, reason: 'changed while it was read' })),
        )
        assert.deepEqual([ledger.files, ledger.skipped], [others.size, torn.length])
        assert.ok(bytes > WHOLE_FILE_BYTES + torn.length * MIB, 'dead bytes are there')
        await everyReaderAccepts(here.archive)
        const entries = await readEntries(here.archive)
        const left = order.filter((name) => others.has(name))
        assert.deepEqual(names(entries), [
          'database/viewer.sql',
          ...left.map((name) => `dicom_files/${name}`),
          'backup-manifest.ndjson',
        ])
        for (const [name, content] of others) {
          assert.equal(entries.find((one) => one.name === `dicom_files/${name}`)?.sha256, sha256(content), name)
        }
        const skipped = (await readManifest(here.archive)).filter((line) => 'skipped' in line)
        assert.deepEqual(
          skipped.map((line) => line['path']),
          torn.map((name) => `dicom_files/${name}`),
        )
      })
    }
  }

  test('and would be the first of all does not spoil the archive: it begins with a small file, or with the folder', async (t) => {
    const cases = [
      { order: ['small', '0-large', '1-large', 'z-small'], stored: ['dicom_files/small', 'dicom_files/z-small'] },
      { order: ['0-large', '1-large'], stored: ['dicom_files/'] },
    ]
    for (const { order, stored } of cases) {
      const here = await place(t)
      for (const name of order) await here.put(name, randomBytes(name.endsWith('large') ? size : 1000))
      const torn = order.filter((name) => name.endsWith('large'))
      const onChunk = tearing(torn, (name) => appendFile(path.join(here.root, name), 'x'), order)
      const { leftOut } = await make(here, { onChunk })
      assert.deepEqual(
        leftOut.map((left) => left.path),
        torn,
      )
      await everyReaderAccepts(here.archive)
      assert.deepEqual(names(await readEntries(here.archive)), [...stored, 'backup-manifest.ndjson'])
    }
  })

  test('because it is gone, or something else by now, is told and takes no room', async (t) => {
    const here = await place(t)
    for (const name of ['gone', 'gone-large', 'folder', 'link', 'stays']) {
      await here.put(name, Buffer.alloc(name === 'gone-large' ? WHOLE_FILE_BYTES + 1 : 10))
    }
    const files = async function* (): AsyncGenerator<WalkItem> {
      for (const name of ['gone', 'gone-large', 'folder', 'link', 'stays']) {
        const { size, mtimeMs } = await stat(path.join(here.root, name))
        if (name !== 'stays') await rm(path.join(here.root, name))
        if (name === 'folder') await mkdir(path.join(here.root, name))
        if (name === 'link') await symlink(path.join(here.root, 'stays'), path.join(here.root, name))
        yield { path: name, size, mtimeMs }
      }
      yield { leftOut: { path: 'a/pipe', reason: 'a named pipe' } }
    }
    const { leftOut, progress } = await make(here, { files })
    const expected = new Map([
      ['gone', 'no longer there'],
      ['gone-large', 'no longer there'],
      ['folder', 'changed while it was read'],
      ['link', 'a symbolic link'],
      ['a/pipe', 'a named pipe'],
    ])
    if (process.platform === 'win32') expected.delete('link')
    assert.deepEqual(new Map(leftOut.map((left) => [left.path, left.reason])), expected)
    assert.deepEqual([progress.filesSkipped, progress.filesDone], [5, 5], 'the pipe was never one of the planned files')
    await everyReaderAccepts(here.archive)
    assert.deepEqual(names(await readEntries(here.archive)), ['dicom_files/stays', 'backup-manifest.ndjson'])
  })

  test('because the archive folder went away fails the archive', async (t) => {
    const here = await place(t)
    for (let n = 0; n < 100; n += 1) await here.put(String(n), randomBytes(1000))
    const onChunk = (_: number, filesBefore: number): Promise<void> | void =>
      filesBefore === 5 ? rm(here.root, { recursive: true, force: true }) : undefined
    await assert.rejects(make(here, { onChunk }), { code: 'E_SOURCE' })
  })

  test('because its drive was taken away fails the archive, though an empty folder is left in its place', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('needs a drive of its own, so root')
      return
    }
    const here = await place(t)
    const mount = (): void => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', here.root], { stdio: 'pipe' })
    }
    try {
      mount()
    } catch {
      t.skip('this machine mounts no tmpfs')
      return
    }
    let mounted = true
    const unmount = (): void => {
      if (mounted) execFileSync('umount', ['-l', here.root])
      mounted = false
    }
    t.after(unmount)
    for (let n = 0; n < 200; n += 1) await here.put(String(n), randomBytes(1000))
    const onChunk = (_: number, filesBefore: number): void => {
      if (filesBefore === 5) unmount()
    }
    await assert.rejects(make(here, { onChunk }), { code: 'E_SOURCE' })
    // Nor does one pass that is there no more when the files are looked for.
    mount()
    mounted = true
    const files = async function* (): AsyncGenerator<WalkItem> {
      unmount()
      yield* await Promise.resolve([])
    }
    await assert.rejects(make(here, { files }), { code: 'E_SOURCE' })
  })
})

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
    test(`because its reader stops at any chunk leaves no file open (${compression})`, async (t) => {
      const here = await withFiles(t)
      const dump = (): AsyncGenerator<Uint8Array> => inPieces(Buffer.alloc(120_000, 'INSERT INTO'), 40_000)
      let chunks = 0
      await make(here, { compression, dump: dump(), onChunk: () => void (chunks += 1) })
      const before = openFiles()
      assert.ok(chunks > 30, `${chunks} chunks`)
      const step = Math.ceil(chunks / 30)
      for (let n = 0; n < chunks; n += step) {
        let left = n
        const onChunk = (): void => {
          if (left-- === 0) throw broken()
        }
        await assert.rejects(make(here, { compression, dump: dump(), onChunk }), { code: 'E_DUMP' })
        await noneStaysOpen(before, `after ${n} chunks`)
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
