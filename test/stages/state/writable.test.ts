/** Whether the state can be written: a full disk, rights, damaged files. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { takeFolderLock } from '../../../src/stages/state/folder-lock.ts'
import { SqliteState } from '../../../src/stages/state/sqlite-state.ts'
import { STATE_FILES, whyDamaged, whyNotWritable } from '../../../src/stages/state/writable.ts'
import { tempFolder } from '../../support/temp-folder.ts'

test('a state that works is found to, with a run and without, and nothing is left in it', async (t) => {
  const folder = await tempFolder(t)
  await SqliteState.open(folder).close()
  const lock = await takeFolderLock(folder)
  const before = await readdir(folder)
  assert.equal(await whyNotWritable(folder), null)
  for (const name of STATE_FILES) assert.equal(await whyDamaged(path.join(folder, name)), null)
  assert.deepEqual(await readdir(folder), before)
  await lock.release()
  for (const name of STATE_FILES) assert.equal(await whyDamaged(path.join(folder, name)), null)
})

test('where there is no state yet there is nothing to find, and none is made', async (t) => {
  const folder = path.join(await tempFolder(t), 'state')
  assert.equal(await whyNotWritable(folder), null)
  assert.equal(await whyDamaged(path.join(folder, 'state.sqlite')), null)
  await assert.rejects(readdir(folder), { code: 'ENOENT' })
})

for (const name of STATE_FILES) {
  test(`a damaged ${name} is named`, async (t) => {
    const file = path.join(await tempFolder(t), name)
    await writeFile(file, 'this is no database '.repeat(100))
    const fault = await whyDamaged(file)
    assert.ok(fault !== null)
    assert.ok(fault.detail.startsWith(`${file} is damaged (`), fault.detail)
    assert.ok(fault.remedy.includes(file))
  })
}

/** A disk of 1 MiB with nothing left on it; null where none can be made. */
async function fullDisk(folder: string): Promise<{ readonly unmount: () => void } | null> {
  await mkdir(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return null
  }
  await assert.rejects(writeFile(path.join(folder, 'filler'), Buffer.alloc(2 * 1024 * 1024)), { code: 'ENOSPC' })
  return { unmount: () => execFileSync('umount', [folder]) }
}

test('a full disk under the state is found', async (t) => {
  const folder = path.join(await tempFolder(t), 'state')
  const disk = await fullDisk(folder)
  if (disk === null) {
    t.skip('no disk can be mounted here')
    return
  }
  try {
    assert.deepEqual(await whyNotWritable(folder), {
      detail: `The disk of ${folder} is full.`,
      remedy: 'Free space there: without it no run can begin.',
    })
    assert.deepEqual(await readdir(folder), ['filler'])
  } finally {
    disk.unmount()
  }
})
