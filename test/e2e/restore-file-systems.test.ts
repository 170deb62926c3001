/** `restore` into real file systems that fill up, turn read-only or stop answering: plain words, and the next one completes it. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { RestoreResult } from '../../src/stages/contract/results.ts'
import { mountHanging, mountTmpfs, remount } from '../support/file-systems.ts'
import { makeRig, onlyNas, type Rig } from '../support/rig.ts'
import { runHere } from '../support/run-here.ts'

const words = (text: string): string => text.replaceAll(/\s+/g, ' ')

async function complete(rig: Rig, to: string): Promise<RestoreResult> {
  const { code, stdout } = await rig.cli('restore', '--to', to, '--json')
  assert.equal(code, 0, stdout)
  const restored = path.join(to, 'dicom_files')
  const names = await readdir(rig.root)
  assert.deepEqual((await readdir(restored)).sort(), names.sort())
  for (const name of names) {
    assert.ok((await readFile(path.join(restored, name))).equals(await readFile(path.join(rig.root, name))), name)
  }
  return JSON.parse(stdout) as RestoreResult
}

test('a disk that gets full, though its free bytes were enough: exit 1, and the same command resumes once there is room', async (t) => {
  const rig = await makeRig(t, onlyNas)
  // Each takes a page of 4 KiB there, which its size does not show.
  for (let n = 0; n < 200; n += 1) await rig.put(`${n}.dcm`, `${n}`)
  assert.equal((await runHere(rig)).code, 0)
  const to = await mountTmpfs(t, 'size=400k')
  if (to === null) return
  const full = await rig.cli('restore', '--to', to)
  assert.equal(full.code, 1, full.stdout)
  assert.match(words(full.stderr), /The disk of \S+ is full\. .*run the restore again: it resumes/)
  remount(to, 'size=8m')
  const { skipped, files } = await complete(rig, to)
  assert.ok(skipped > 0, `${skipped} were there already`)
  assert.ok(files > 0 && files < 202, `${files} were missing`)
})

test('a file system that is read-only all at once: plain words, no half file, and the same command resumes', async (t) => {
  const rig = await makeRig(t, { archive: { compression: 'store' } })
  for (let n = 0; n < 24; n += 1) await rig.put(`${n}.dcm`, randomBytes(400_000))
  assert.equal((await runHere(rig)).code, 0)
  const to = await mountTmpfs(t, 'size=64m')
  if (to === null) return
  rig.drive.faults.add({ route: 'download', nth: 'every', fault: { kind: 'slow', bytesPerSecond: 300_000 } })
  const there = async (): Promise<string[]> => {
    const all = await readdir(path.join(to, 'dicom_files')).catch(() => [])
    return all.filter((name) => name.endsWith('.dcm'))
  }
  const turn = async (isRunning: () => boolean): Promise<void> => {
    while (isRunning()) {
      await sleep(20)
      if ((await there()).length < 2) continue
      // What has come is written, and nothing is open for writing any more, however long that takes.
      rig.drive.pause()
      try {
        remount(to, 'ro')
        rig.drive.resume()
        return
      } catch {
        // A file is open for writing just now.
      }
    }
  }
  const { code, stderr } = await rig.cliWith(
    { onStart: (child) => void turn(() => child.exitCode === null) },
    'restore',
    ...['--from', 'hospital-drive', '--to', to],
  )
  assert.equal(code, 2, stderr)
  assert.match(words(stderr), /The folder \S+ cannot be restored into: its file system can only be read \(EROFS\)\./)
  const begun = await there()
  assert.ok(begun.length >= 2 && begun.length < 24, `${begun.length} files`)
  for (const name of begun) {
    const [copy, original] = [path.join(to, 'dicom_files', name), path.join(rig.root, name)]
    assert.ok((await readFile(copy)).equals(await readFile(original)), name)
  }
  remount(to, 'rw')
  assert.equal((await complete(rig, to)).skipped, begun.length)
})

test('a file system that never answers: one signal ends the restore, and says what it waits for', async (t) => {
  const rig = await makeRig(t, onlyNas)
  await rig.put('a.dcm', 'x')
  assert.equal((await runHere(rig)).code, 0)
  const restoring = async (then: (child: ChildProcess) => unknown, ...args: readonly string[]) => {
    const hanging = await mountHanging(t)
    if (hanging === null) return null
    const onStart = (child: ChildProcess): void => {
      void hanging.asked.then(() => {
        child.kill('SIGINT')
        then(child)
      })
    }
    return await rig.cliWith({ onStart }, 'restore', '--to', hanging.folder, ...args)
  }
  const one = await restoring(() => undefined, '--json')
  if (one === null) return
  assert.equal(one.code, 130, one.stderr)
  const { error } = JSON.parse(one.stdout) as { readonly error: { readonly code: string; readonly message: string } }
  assert.equal(error.code, 'E_ABORTED')
  assert.match(error.message, /stopped by SIGINT\. The file system had not answered for 10 seconds\./)
  assert.match(one.stderr, /Stopping; the file system has not answered yet\. Press again to stop at once\./)

  const two = await restoring((child) => {
    child.stderr?.on('data', (text: Buffer) => {
      if (text.includes('has not answered yet')) child.kill('SIGTERM')
    })
  })
  assert.deepEqual([two?.code, two?.stdout], [130, ''])
})
