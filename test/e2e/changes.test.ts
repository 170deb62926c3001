/** What happens to the archive folder while a run goes on never spoils the archive, and its manifest tells the truth. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { appendFile, mkdir, open, readdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import type { RunResult } from '../../src/stages/backup/results.ts'
import { makeRig, SECRETS, type Rig } from '../support/rig.ts'
import { READERS, readEntries, readManifest, type ReadEntry } from '../support/zip-readers.ts'

const POSIX_ONLY = process.platform === 'win32' && 'Windows does not let go of files that are open'
const NEEDS_ROOT = process.getuid?.() !== 0 && 'needs a file system of its own, so root'
const MIB = 1024 * 1024
/** More than a run keeps on its way: what comes after it has not been read while Dropbox stands still. */
const FILLER_BYTES = 72 * MIB

/** Goes to Dropbox, which can be held up, and to a folder; stores as it is, so that empty files fill the window. */
async function slowRig(t: TestContext): Promise<Rig> {
  return await makeRig(t, {
    archive: { compression: 'store' },
    destinations: [
      { name: 'dropbox', type: 'dropbox', folder: '/DICOM_Backups', accessToken: SECRETS.dropboxToken },
      { name: 'nas', type: 'local', folder: 'nas' },
    ],
  })
}

/**
 * A file of zeros, which takes no time to make. Put a small one before it: an archive without a dump begins with the first
 * small file there is.
 */
async function putZeros(rig: Rig, name: string, bytes: number): Promise<void> {
  await rig.put(name, '')
  await truncate(path.join(rig.root, name), bytes)
}

const partial = (rig: Rig): number =>
  readdirSync(rig.nas)
    .filter((name) => name.endsWith('.partial'))
    .reduce((sum, name) => sum + statSync(path.join(rig.nas, name)).size, 0)

/** Waits until nothing moves any more because Dropbox stands still. */
async function heldUp(rig: Rig): Promise<void> {
  let last = 0
  let since = Date.now()
  while (last === 0 || Date.now() - since < 300) {
    await sleep(20)
    const now = partial(rig)
    if (now === last) continue
    last = now
    since = Date.now()
  }
}

interface Run {
  readonly code: number | null
  readonly result: RunResult
}

/** A run that is held up in its middle for `change`. */
async function runDuring(rig: Rig, change: () => Promise<unknown>): Promise<Run> {
  rig.dropbox.pause()
  const changing = Promise.withResolvers<undefined>()
  const meanwhile = async (): Promise<void> => {
    try {
      await heldUp(rig)
      await change()
      changing.resolve(undefined)
    } catch (error) {
      changing.reject(error)
    } finally {
      rig.dropbox.resume()
    }
  }
  const onStart = (): void => {
    void meanwhile()
  }
  const { code, stdout } = await rig.cliWith({ onStart }, 'run', '--json')
  await changing.promise
  return { code, result: JSON.parse(stdout) as RunResult }
}

/** Opens the archive in every reader, holds each entry against its manifest line, and returns the entries by name. */
async function checkedArchive(
  rig: Rig,
  { result }: Run,
): Promise<{ entries: Map<string, ReadEntry>; skipped: Map<string, string> }> {
  const nas = path.join(rig.nas, result.archive!.name)
  for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(nas), `${reader} opens it`)
  const entries = await readEntries(nas)
  const [head, ...lines] = await readManifest(nas)
  const stored = lines.filter((line) => line['skipped'] === undefined)
  const skipped = lines.filter((line) => line['skipped'] !== undefined)
  assert.deepEqual(
    stored.map((line) => [line['path'], line['size'], line['sha256']]),
    entries.slice(0, -1).map(({ name, size, sha256 }) => [name, size, sha256]),
    'the manifest names every entry with the hash of its bytes',
  )
  assert.deepEqual(
    result.skippedFiles,
    skipped.map((line) => ({ path: line['path'], reason: line['skipped'] })),
  )
  const bytes = entries.slice(0, -1).reduce((sum, { size }) => sum + size, 0)
  assert.deepEqual(head?.['counts'], { files: stored.length, bytes, skipped: skipped.length })
  assert.equal(result.archive?.files, stored.length)
  return {
    entries: new Map(entries.map((entry) => [entry.name.replace('dicom_files/', ''), entry])),
    skipped: new Map(
      skipped.map((line) => [String(line['path']).replace('dicom_files/', ''), String(line['skipped'])]),
    ),
  }
}

describe('files that change after they were planned and before they are read', { skip: POSIX_ONLY }, () => {
  test('are in the archive as they are then, or told', async (t) => {
    const rig = await slowRig(t)
    const at = (name: string): string => path.join(rig.root, name)
    await rig.put('0 first', 'x')
    await putZeros(rig, 'A filler', FILLER_BYTES)
    const names = [
      'as it was',
      'gone',
      'grows',
      'shrinks',
      'emptied',
      'rewritten',
      'made large',
      'to a link',
      'to a folder',
      'folder gone/x',
      'folder gone/y',
      'to a file/x',
    ]
    for (const name of names) await rig.put(name, Buffer.alloc(100_000, name))

    const run = await runDuring(rig, async () => {
      await rm(at('gone'))
      await appendFile(at('grows'), Buffer.alloc(50_000, 'more'))
      await truncate(at('shrinks'), 40_000)
      await truncate(at('emptied'), 0)
      await writeFile(at('rewritten'), Buffer.alloc(100_000, 'other bytes'))
      await truncate(at('made large'), 9 * MIB)
      await rm(at('to a link'))
      await symlink(at('as it was'), at('to a link'))
      await rm(at('to a folder'))
      await mkdir(at('to a folder'))
      await rename(at('folder gone'), path.join(rig.folder, 'folder gone'))
      await rm(at('to a file'), { recursive: true })
      await writeFile(at('to a file'), 'x')
      await rig.put('new', 'comes with the next backup')
    })

    assert.equal(run.code, 3)
    assert.equal(run.result.status, 'partial')
    assert.deepEqual(
      run.result.warnings.map(({ code }) => code),
      ['files-skipped'],
    )
    assert.deepEqual(
      run.result.destinations.map(({ status }) => status),
      ['completed', 'completed'],
    )
    const { entries, skipped } = await checkedArchive(rig, run)
    assert.deepEqual(Object.fromEntries(skipped), {
      gone: 'no longer there',
      'to a link': 'a symbolic link',
      'to a folder': 'changed while it was read',
      'folder gone/x': 'no longer there',
      'folder gone/y': 'no longer there',
      'to a file/x': 'changed while it was read',
    })
    const sizes = Object.fromEntries([...entries].map(([name, { size }]) => [name, size]))
    delete sizes['backup-manifest.ndjson']
    assert.deepEqual(sizes, {
      '0 first': 1,
      'A filler': FILLER_BYTES,
      'as it was': 100_000,
      grows: 150_000,
      shrinks: 40_000,
      emptied: 0,
      rewritten: 100_000,
      'made large': 9 * MIB,
    })
  })
})

describe('a large file that changes while it is being read', { skip: POSIX_ONLY }, () => {
  const changes: Record<string, (file: string) => Promise<unknown>> = {
    'and grows': (file) => appendFile(file, 'more'),
    'and shrinks': (file) => truncate(file, 10 * MIB),
    'and is written to in its middle': async (file) => {
      const handle = await open(file, 'r+')
      try {
        await handle.write('x', 50 * MIB)
      } finally {
        await handle.close()
      }
    },
    'and is given another time': (file) => utimes(file, 1_000_000, 1_000_000),
  }
  for (const [what, change] of Object.entries(changes)) {
    test(`${what} is left out and told, and the archive is whole`, async (t) => {
      const rig = await slowRig(t)
      await rig.put('a', randomBytes(100_000))
      await putZeros(rig, 'large', FILLER_BYTES)
      await rig.put('z', randomBytes(100_000))
      const run = await runDuring(rig, () => change(path.join(rig.root, 'large')))
      assert.equal(run.code, 3)
      assert.deepEqual(
        run.result.warnings.map(({ code }) => code),
        ['files-skipped'],
      )
      const { entries, skipped } = await checkedArchive(rig, run)
      assert.deepEqual([...skipped], [['large', 'changed while it was read']])
      assert.deepEqual([...entries.keys()], ['a', 'z', 'backup-manifest.ndjson'])
    })
  }

  test('and is replaced by another is in the archive as it was when it was opened', async (t) => {
    const rig = await slowRig(t)
    await rig.put('a', 'x')
    await putZeros(rig, 'large', FILLER_BYTES)
    await writeFile(path.join(rig.folder, 'other'), 'other')
    const run = await runDuring(rig, () => rename(path.join(rig.folder, 'other'), path.join(rig.root, 'large')))
    assert.equal(run.code, 0, JSON.stringify(run.result))
    assert.equal((await checkedArchive(rig, run)).entries.get('large')?.size, FILLER_BYTES)
  })
})

test('files that are written to all the time are in the archive in one state, or told', async (t) => {
  const rig = await makeRig(t)
  for (let n = 0; n < 40; n += 1) await rig.put(`${n}.dcm`, Buffer.alloc(200_000, n))
  let on = true
  const write = async (): Promise<void> => {
    for (let n = 0; on; n = (n + 1) % 40) await appendFile(path.join(rig.root, `${n}.dcm`), 'more')
  }
  const writing = write()
  const { code, result } = await rig.run()
  on = false
  await writing
  assert.ok(code === 0 || code === 3, JSON.stringify(result))
  const { entries, skipped } = await checkedArchive(rig, { code, result })
  assert.equal(entries.size - 1 + skipped.size, 40)
})

describe('an archive folder that goes away while a run goes on', { skip: POSIX_ONLY }, () => {
  async function filled(rig: Rig): Promise<void> {
    await rig.put('0 first', 'x')
    await putZeros(rig, 'A filler', FILLER_BYTES)
    await rig.put('b', 'x')
  }

  async function assertNothing(rig: Rig, { code, result }: Run): Promise<void> {
    assert.equal(code, 1, JSON.stringify(result))
    assert.equal(result.status, 'failed')
    assert.match(result.reason ?? '', /dicom_files (?:went away|does not exist)/)
    assert.equal(result.archive, null)
    assert.deepEqual(
      result.destinations.map(({ status, error }) => [status, error?.code]),
      [
        ['failed', 'E_SOURCE'],
        ['failed', 'E_SOURCE'],
      ],
    )
    assert.deepEqual(await rig.visible(), [], 'nothing that looks like a backup, and nothing half made')
    assert.deepEqual(await readdir(path.join(rig.state, 'runs')), [], 'and no work folder')
  }

  test('fails the run: exit 1, nothing is stored anywhere', async (t) => {
    const rig = await slowRig(t)
    await filled(rig)
    await assertNothing(rig, await runDuring(rig, () => rename(rig.root, path.join(rig.folder, 'unplugged'))))
  })

  test('fails it also where a drive that is unplugged leaves an empty folder', { skip: NEEDS_ROOT }, async (t) => {
    const rig = await slowRig(t)
    try {
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', rig.root], { stdio: 'pipe' })
    } catch {
      t.skip('this machine mounts no tmpfs')
      return
    }
    const unplug = (): void => {
      execFileSync('umount', ['-l', rig.root], { stdio: 'pipe' })
    }
    try {
      await filled(rig)
      await assertNothing(
        rig,
        await runDuring(rig, () => {
          unplug()
          return Promise.resolve()
        }),
      )
    } finally {
      if (readdirSync(rig.root).length > 0) unplug()
    }
  })
})
