/** `archives`: what lies where, with this machine's record and without it. */
import assert from 'node:assert/strict'
import { copyFile, readdir, rename, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { ArchivesResult, RestoreResult } from '../../src/stages/contract/results.ts'
import type { HistoryResult } from '../../src/stages/contract/history.ts'
import { makeRig, type Rig } from '../support/rig.ts'

const NAMES = ['hospital-dropbox', 'hospital-drive', 'nas']

async function listed(rig: Rig, ...args: readonly string[]): Promise<{ code: number | null; result: ArchivesResult }> {
  const { code, stdout } = await rig.cli('archives', '--json', ...args)
  return { code, result: JSON.parse(stdout) as ArchivesResult }
}

async function backup(rig: Rig): Promise<string> {
  const { code, result } = await rig.run()
  assert.equal(code, 0, JSON.stringify(result))
  return result.archive?.name ?? ''
}

describe('archives', () => {
  test('shows the backups newest first, with where they lie and when they were verified', async (t) => {
    const rig = await makeRig(t)
    assert.match((await rig.cli('archives')).stdout, /No backup found/)
    await rig.put('a.dcm', 'x')
    const first = await backup(rig)
    await rig.put('b.dcm', 'y')
    const second = await backup(rig)
    await rm(path.join(rig.nas, first))

    const { code, result } = await listed(rig)
    assert.equal(code, 0)
    assert.deepEqual(
      result.backups.map(({ name, kind, base, pinned }) => [name, kind, base, pinned]),
      [second, first].map((name) => [name, 'full', null, false]),
    )
    const { runs } = JSON.parse((await rig.cli('history', '--json')).stdout) as HistoryResult
    for (const [index, { startedAt, bytes, destinations }] of result.backups.entries()) {
      const run = runs[index]
      assert.deepEqual([startedAt, bytes], [run?.startedAt, run?.bytes])
      for (const one of destinations) assert.deepEqual([one.verifiedAt, one.ok], [run?.finishedAt, true])
    }
    assert.deepEqual(
      result.backups.map(({ destinations }) => destinations.map(({ name }) => name).toSorted()),
      [NAMES.toSorted(), NAMES.slice(0, 2).toSorted()],
    )

    await truncate(path.join(rig.nas, second), 100)
    const { stdout } = await rig.cli('archives')
    const lines = stdout.split('\n')
    assert.ok(Math.max(...lines.map((line) => line.length)) < 80, stdout)
    const [at, below] = [
      lines.findIndex((line) => line.includes(second)),
      lines.findIndex((line) => line.includes('nas')),
    ]
    assert.ok(at >= 0 && below === at + 1, stdout)
    assert.match(lines[below] ?? '', /nas \(damaged\)/)
    assert.match((await rig.cli('history')).stdout, new RegExp(second), "the history shows the archive's name")
  })

  test('on a new machine shows them by the listings and their manifests', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    const name = await backup(rig)
    const known = (await listed(rig)).result.backups[0]
    await rm(rig.state, { recursive: true })
    const { result } = await listed(rig)
    assert.deepEqual(result.backups.length, 1)
    const [found] = result.backups
    assert.deepEqual(
      [found?.name, Date.parse(found?.startedAt ?? ''), found?.bytes],
      [name, Math.floor(Date.parse(known?.startedAt ?? '') / 1000) * 1000, known?.bytes],
    )
    for (const one of found?.destinations ?? []) assert.deepEqual([one.verifiedAt, one.ok], [null, null])
    assert.match((await rig.cli('archives')).stdout, /not yet[^]*verify NAME/)
    assert.deepEqual((await readdir(rig.folder)).includes('.dicom-backup'), false, 'nothing was made')
  })

  test('names a destination that cannot be asked, shows the others and exits with 3; with none exits with 1', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    const name = await backup(rig)
    await rename(rig.nas, `${rig.nas}.away`)
    const { code, result } = await listed(rig)
    assert.equal(code, 3)
    assert.deepEqual(
      result.unreachable.map((one) => [one.name, one.error.code]),
      [['nas', 'E_DESTINATION']],
    )
    assert.deepEqual(
      result.backups.map((one) => one.name),
      [name],
    )
    assert.match((await rig.cli('archives')).stdout, /Could not be asked[^]*nas/)
    assert.equal((await rig.cli('archives', '--from', 'nas')).code, 1)
    assert.equal((await rig.cli('archives', '--from', 'nowhere')).code, 2)
  })

  test('is what list, snapshots and their like mean', async (t) => {
    const rig = await makeRig(t)
    for (const word of ['list', 'ls', 'snapshots', 'backups', 'archive']) {
      const { code, stderr } = await rig.cli(word)
      assert.equal(code, 2, word)
      assert.match(stderr, /Unknown command '\w+'\. Did you mean: dicom-backup archives/, word)
    }
  })
})

describe('the newest backup', () => {
  test('is no archive of the future: restore, verify and archives say so and take the one begun last', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    const name = await backup(rig)
    const future = 'dicom_backup_2038-01-01_00-00-00.zip'
    // The manifest tells when it was begun, so it must not be one of ours.
    await copyFile(rig.configFile, path.join(rig.nas, future))
    await rm(rig.state, { recursive: true })

    const to = path.join(rig.folder, 'back')
    const restore = await rig.cli('restore', '--json', '--to', to)
    assert.equal(restore.code, 0, restore.stderr)
    assert.equal((JSON.parse(restore.stdout) as RestoreResult).archive, name)
    assert.match(restore.stderr, new RegExp(`future by a wrong clock.*${future}.*The newest is ${name}`))
    const verify = await rig.cli('verify', '--json')
    assert.equal((JSON.parse(verify.stdout) as { archive: string }).archive, name)
    assert.match(verify.stderr, new RegExp(`future by a wrong clock.*${future}`))
    const { result } = await listed(rig)
    assert.deepEqual([result.backups.map((one) => one.name), result.ahead], [[name, future], [future]])
    assert.match((await rig.cli('archives')).stdout, /Started in the future by a wrong clock/)
  })

  test('is the one begun last when the local time of its name came twice, with the record and without', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    const first = await backup(rig)
    await rig.put('b.dcm', 'y')
    const second = await backup(rig)
    // The first one's name has the later time now: as at 02:50 before the clock went back, and 02:10 after it.
    const [, date = ''] = /_(\d{4}-\d\d-\d\d)_/.exec(second) ?? []
    const renamed = { [first]: `dicom_backup_${date}_02-50-00.zip`, [second]: `dicom_backup_${date}_02-10-00.zip` }
    for (const [from, to] of Object.entries(renamed)) {
      await copyFile(path.join(rig.nas, from), path.join(rig.nas, to))
      await rm(path.join(rig.nas, from))
    }
    await rm(rig.state, { recursive: true })
    const { stdout } = await rig.cli('restore', '--json', '--from', 'nas', '--to', path.join(rig.folder, 'back'))
    assert.equal((JSON.parse(stdout) as RestoreResult).archive, renamed[second])
  })
})
