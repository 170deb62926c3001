/** Retention and history, as an administrator meets them. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { archiveName } from '../../src/stages/contract/archive-name.ts'
import type { HistoryResult } from '../../src/stages/contract/history.ts'
import type { PruneResult } from '../../src/stages/contract/results.ts'
import { takeFolderLock } from '../../src/stages/state/folder-lock.ts'
import { makeRig, onlyNas, type Rig } from '../support/rig.ts'

const NOW = Date.now()
const nameOf = (daysAgo: number): string => archiveName('dicom_backup', new Date(NOW - daysAgo * 86_400_000))
const retention = { days: 30, keepAtLeast: 2 }

/** Archives of earlier days, and a file of somebody else's, in the folder. */
async function leave(rig: Rig, ...days: readonly number[]): Promise<void> {
  for (const name of ['notes.txt', ...days.map(nameOf)]) await writeFile(path.join(rig.nas, name), 'x'.repeat(100))
}

describe('a run with a retention', () => {
  test('deletes what is past it where it stored its archive, and nothing else', async (t) => {
    const rig = await makeRig(t, { retention })
    await rig.put('a.dcm', 'x')
    await leave(rig, 40, 50, 60)
    const { code, result } = await rig.run()
    assert.deepEqual([code, result.warnings], [0, []])
    const left = (await rig.visible()).filter((name) => name !== result.archive?.name)
    assert.deepEqual(left, [nameOf(40), 'notes.txt'], 'the second newest stays')
  })

  test('keeps everything without one', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    await leave(rig, 40, 50, 600)
    await rig.run()
    assert.equal((await rig.visible()).length, 5)
    const { code, stdout } = await rig.cli('prune')
    assert.equal(code, 0)
    assert.match(stdout, /The configuration has no retention: every archive is kept/)
  })

  test('deletes nothing when its source has shrunk, and does once that is taken as it is', async (t) => {
    const rig = await makeRig(t, { ...onlyNas, retention })
    for (let n = 0; n < 10; n += 1) await rig.put(`${n}.dcm`, 'x'.repeat(100))
    await rig.run()
    await leave(rig, 40, 50, 60)
    await rig.configure({ ...onlyNas, retention, dicom: { root: 'dicom_files', exclude: ['[0-5].dcm'] } })
    const shrunk = await rig.run()
    assert.deepEqual([shrunk.code, shrunk.result.warnings.map((one) => one.code).includes('source-shrunk')], [3, true])
    assert.equal((await rig.visible()).length, 6)
    const taken = await rig.run('--accept-shrunk')
    assert.equal(taken.code, 0, JSON.stringify(taken.result))
    assert.deepEqual((await rig.visible()).filter((name) => name.startsWith('dicom')).length, 3)
  })

  test('tells what could not be deleted as a warning, and deletes the rest', async (t) => {
    const rig = await makeRig(t, { retention: { days: 1, keepAtLeast: 1 } })
    await rig.put('a.dcm', 'x')
    await rig.run()
    const old = ['dicom_backup_2020-01-01_00-00-00.zip', 'dicom_backup_2020-01-02_00-00-00.zip']
    for (const name of old) await writeFile(path.join(rig.nas, name), 'x'.repeat(100))
    rig.dropbox.faults.add({
      route: 'list',
      fault: { kind: 'answer', answer: { status: 403, headers: {}, body: '{}' } },
    })
    const { code, result } = await rig.run()
    assert.equal(code, 3, JSON.stringify(result))
    assert.ok(result.destinations.every(({ status }) => status === 'completed'))
    assert.deepEqual(
      result.warnings.map((one) => one.code),
      ['prune-failed'],
    )
    assert.match(result.warnings[0]?.message ?? '', /^hospital-dropbox: old archives were kept\. /)
    assert.ok(!(await rig.visible()).some((name) => old.includes(name)))
  })
})

describe('prune', () => {
  test('--dry-run shows what would go and why the rest stays; prune deletes just that', async (t) => {
    const rig = await makeRig(t, { ...onlyNas, retention: { days: 90, keepAtLeast: 1 } })
    await rig.put('a.dcm', 'x')
    const { result } = await rig.run()
    await leave(rig, 40, 50, 60)
    await rig.configure({ ...onlyNas, retention })
    const planned = await rig.cli('prune', '--dry-run', '--json')
    assert.equal(planned.code, 0, planned.stderr)
    const plan = JSON.parse(planned.stdout) as PruneResult
    assert.deepEqual(
      plan.deleted,
      [60, 50].map((days) => ({ destination: 'nas', name: nameOf(days) })),
    )
    assert.deepEqual(
      plan.kept.map(({ name, reason }) => [name, reason]),
      [
        [result.archive?.name, 'the newest stored'],
        [nameOf(40), 'one of the newest 2'],
      ],
    )
    assert.equal((await rig.visible()).length, 5)
    const shown = await rig.cli('prune', '--dry-run')
    assert.match(shown.stdout, /2 archives would be deleted[\s\S]*To delete[\s\S]*Kept[\s\S]*one of the newest 2/)

    const lock = await takeFolderLock(rig.state)
    assert.equal((await rig.cli('prune')).code, 4, 'not while a run is active')
    await lock.release()
    const done = await rig.cli('prune')
    assert.deepEqual([done.code, done.stdout.includes('2 archives deleted')], [0, true], done.stdout)
    assert.deepEqual((await rig.visible()).length, 3)
    assert.equal((await rig.cli('prune', '--destination', 'nowhere')).code, 2)
  })

  test('without a good backup of late deletes nothing and says why; with no destination to ask fails', async (t) => {
    const rig = await makeRig(t, { ...onlyNas, retention })
    await leave(rig, 40, 50, 60)
    const { code, stdout } = await rig.cli('prune')
    assert.equal(code, 0)
    assert.match(stdout.replaceAll(/\s+/g, ' '), /is not recorded as stored there by this program; nothing was deleted/)
    assert.equal((await rig.visible()).length, 4)
    await rig.configure({ destinations: [{ name: 'gone', type: 'local', folder: 'gone' }], retention })
    assert.equal((await rig.cli('prune')).code, 1)
  })
})

describe('history', () => {
  test('shows past runs, newest first, with what went wrong', async (t) => {
    const rig = await makeRig(t, onlyNas)
    assert.equal((await rig.cli('history')).stdout, 'No runs yet.\n')
    await rig.put('a.dcm', 'x')
    const first = await rig.run()
    await rig.configure({
      destinations: [...(onlyNas['destinations'] as []), { name: 'gone', type: 'local', folder: 'gone' }],
    })
    const second = await rig.run()
    assert.equal(second.code, 3)
    const { runs } = JSON.parse((await rig.cli('history', '--json')).stdout) as HistoryResult
    assert.deepEqual(
      runs.map(({ runId, status, archive, bytes, trigger }) => [runId, status, archive, bytes, trigger]),
      [second, first].map(({ result }) => [
        result.runId,
        result.status,
        result.archive?.name,
        result.archive?.bytes,
        'manual',
      ]),
    )
    assert.deepEqual(
      runs[0]?.destinations.map(({ name, status, error }) => [name, status, error?.code]),
      [
        ['nas', 'completed', undefined],
        ['gone', 'failed', second.result.destinations[1]?.error?.code],
      ],
    )
    const { stdout } = await rig.cli('history')
    assert.match(stdout, /Began[\s\S]*partial[\s\S]*gone: [\s\S]*completed/)
    assert.equal(
      (JSON.parse((await rig.cli('history', '--json', '--limit', '1')).stdout) as HistoryResult).runs.length,
      1,
    )
    for (const wrong of ['0', '-1', 'x', '1.5', ''])
      assert.equal((await rig.cli('history', '--limit', wrong)).code, 2, wrong)
  })
})
