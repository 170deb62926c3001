import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { WalkItem } from '../../../src/stages/plan/walk.ts'
import { WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { readEntries, readManifest } from '../../support/zip-entries.ts'
import { everyReaderAccepts, make, names, place, sha256 } from './archive-maker.ts'

const MIB = 1024 * 1024

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
        // The plan begins with a small file.
        const order = ['a', ...[...torn, ...others.keys()].filter((name) => name !== 'a').sort()]
        const dump = Buffer.from('-- dump')
        const onChunk = tearing(torn, (name) => change(path.join(here.root, name)), order)
        const { leftOut, counts, bytes } = await make(here, { compression, dump, onChunk })
        assert.deepEqual(
          leftOut,
          torn.map((name) => ({ path: name, reason: 'changed while it was read' })),
        )
        assert.deepEqual([counts.files, counts.skipped], [others.size, torn.length])
        assert.ok(counts.dead > torn.length * MIB)
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
    const items: WalkItem[] = []
    for (const name of ['stays', 'gone', 'gone-large', 'folder', 'link']) {
      const { size, mtimeMs } = await stat(path.join(here.root, name))
      items.push({ path: name, size, mtimeMs })
      if (name !== 'stays') await rm(path.join(here.root, name))
      if (name === 'folder') await mkdir(path.join(here.root, name))
      if (name === 'link') await symlink(path.join(here.root, 'stays'), path.join(here.root, name))
    }
    items.push({ leftOut: { path: 'a/pipe', reason: 'a named pipe' } })
    const { leftOut, progress, counts } = await make(here, { items })
    assert.equal(counts.dead, 0)
    const expected = new Map([
      ['gone', 'no longer there'],
      ['gone-large', 'no longer there'],
      ['folder', 'changed while it was read'],
      ['link', 'a symbolic link'],
      ['a/pipe', 'a named pipe'],
    ])
    assert.deepEqual(new Map(leftOut.map((left) => [left.path, left.reason])), expected)
    assert.deepEqual([progress.filesSkipped, progress.filesDone], [5, 5], 'the pipe was never one of the planned files')
    await everyReaderAccepts(here.archive)
    assert.deepEqual(names(await readEntries(here.archive)), ['dicom_files/stays', 'backup-manifest.ndjson'])
  })

  test('because the archive folder went away fails the archive', async (t) => {
    const here = await place(t)
    for (let n = 0; n < 100; n += 1) await here.put(String(n), randomBytes(1000))
    const onChunk = (_: number, filesBefore: number): Promise<void> | void =>
      filesBefore > 0 ? rm(here.root, { recursive: true, force: true }) : undefined
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
      if (filesBefore > 0) unmount()
    }
    await assert.rejects(make(here, { onChunk }), { code: 'E_SOURCE' })
    // Nor does one pass that is there no more when the files are looked for.
    mount()
    mounted = true
    const dump = Buffer.from('-- dump')
    await assert.rejects(make(here, { items: [], dump, onChunk: unmount }), { code: 'E_SOURCE' })
  })
})
