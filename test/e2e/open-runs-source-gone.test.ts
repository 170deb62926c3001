/** An archive folder that goes away while a run goes on: nothing passes for a backup, and what was sent is not lost. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { checkedArchive, FILLER_BYTES, putZeros, runDuring, slowRig, type Run } from '../support/held-up.ts'
import type { Rig } from '../support/rig.ts'

const POSIX_ONLY = process.platform === 'win32' && 'Windows does not let go of files that are open'
const NEEDS_ROOT = process.getuid?.() !== 0 && 'needs a file system of its own, so root'

describe('an archive folder that goes away while a run goes on', { skip: POSIX_ONLY }, () => {
  async function filled(rig: Rig): Promise<void> {
    await rig.put('0 first', 'x')
    await putZeros(rig, 'A filler', FILLER_BYTES)
    await rig.put('b', 'x')
  }

  async function assertNothingStored(rig: Rig, { code, result }: Run): Promise<void> {
    assert.equal(code, 1, JSON.stringify(result))
    assert.equal(result.status, 'failed')
    assert.match(result.reason ?? '', /dicom_files (?:went away|does not exist)/)
    assert.equal(result.archive, null)
    assert.deepEqual(
      result.destinations.map(({ status, error }) => [status, error?.code]),
      [['failed', 'E_SOURCE']],
    )
    assert.deepEqual(await rig.visible(), [], 'nothing that looks like a backup')
    assert.equal((await readdir(path.join(rig.state, 'runs'))).length, 1, 'it can go on later')
  }

  test('fails the run, exit 1, and nothing is stored; when it is back the next run goes on', async (t) => {
    const rig = await slowRig(t)
    await filled(rig)
    const unplugged = path.join(rig.folder, 'unplugged')
    const failed = await runDuring(rig, () => rename(rig.root, unplugged))
    await assertNothingStored(rig, failed)
    const still = await rig.run()
    assert.deepEqual([still.code, still.result.resumed], [1, true], 'it is not there yet')
    await rename(unplugged, rig.root)
    const run = await rig.run()
    assert.equal(run.code, 0, JSON.stringify(run.result))
    assert.deepEqual([run.result.resumed, run.result.runId], [true, failed.result.runId])
    await checkedArchive(rig, run)
    assert.deepEqual(await readdir(path.join(rig.state, 'runs')), [])
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
      await assertNothingStored(
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
