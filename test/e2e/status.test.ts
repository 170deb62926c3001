/** `status`, `resume` and `run --fresh`: where the backups stand, and what becomes of a run that was interrupted. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, readdir, rm, stat, symlink } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { isoLocal } from '../../src/stages/contract/time.ts'
import type { RunResult, StatusResult } from '../../src/stages/contract/results.ts'
import { SqliteState } from '../../src/stages/state/sqlite-state.ts'
import { makeRig, onlyNas, type Rig } from '../support/rig.ts'

const WINDOWS = process.platform === 'win32' && 'Windows has no signals to send'

const NAS_AND_GONE = {
  destinations: [
    { name: 'nas', type: 'local', folder: 'nas' },
    { name: 'gone', type: 'local', folder: 'gone' },
  ],
}

async function statusOf(rig: Rig): Promise<{ readonly code: number | null; readonly result: StatusResult }> {
  const { code, stdout } = await rig.cli('status', '--json')
  return { code, result: JSON.parse(stdout) as StatusResult }
}

const reasonsIn = ({ reasons }: StatusResult): string => reasons.map((one) => `${one.code} ${one.message}`).join('\n')

/** Every file below a folder, with its size and the time it was written. */
async function everything(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const rows = names.map(async (name) => {
    const found = await stat(path.join(folder, name))
    return found.isDirectory() ? name : `${name} ${found.size} ${found.mtimeMs}`
  })
  return (await Promise.all(rows)).sort()
}

/** A run that is killed while Dropbox stands still and the folder has some of the archive. */
async function killed(rig: Rig): Promise<void> {
  for (let n = 0; n < 30; n += 1) await rig.put(`${n}.bin`, randomBytes(1 << 20))
  rig.dropbox.pause()
  const onStart = async (child: { kill: (signal: NodeJS.Signals) => boolean }): Promise<void> => {
    const begun = (): boolean => readdirSync(rig.nas).some((name) => statSync(path.join(rig.nas, name)).size > 0)
    while (!begun()) await sleep(5)
    child.kill('SIGKILL')
  }
  await rig.cliWith({ onStart: (child) => void onStart(child) }, 'run', '--json')
  rig.dropbox.resume()
}

describe('status', () => {
  test('before the first run has nothing to tell, and writes nothing', async (t) => {
    const rig = await makeRig(t)
    const before = await everything(rig.folder)
    const { code, result } = await statusOf(rig)
    assert.equal(code, 3, 'a backup is scheduled and there is none')
    assert.deepEqual([result.backedUp, result.schedule.lastRunAt, result.interruptedRun], [0, null, null])
    assert.deepEqual(
      result.accounts.map(({ name, lastBackupAt, lastStatus }) => [name, lastBackupAt, lastStatus]),
      [
        ['hospital-dropbox', null, null],
        ['hospital-drive', null, null],
        ['nas', null, null],
      ],
    )
    const people = await rig.cli('status')
    assert.match(
      people.stdout,
      /No backup yet.*Backed Up {2}0 verified copies, counted over all runs.*every destination +No backup here yet\. Run\s+"dicom-backup run"/s,
    )
    assert.equal(people.stderr, '')
    assert.deepEqual(await everything(rig.folder), before)
    assert.equal(rig.dropbox.requests.count() + rig.drive.requests.count(), 0, 'and asks no service')
  })

  test('after runs counts their copies and tells each destination’s own; it writes nothing', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    const first = await rig.run()
    const second = await rig.run('--destination', 'nas')
    const before = await everything(rig.folder)
    const { code, result } = await statusOf(rig)
    assert.equal(code, 0)
    assert.equal(result.backedUp, 4)
    assert.equal(result.schedule.lastRunAt, second.result.startedAt)
    assert.deepEqual(
      result.accounts.map(({ lastBackupAt, lastStatus, lastError }) => [lastBackupAt, lastStatus, lastError]),
      [
        [first.result.startedAt, 'completed', null],
        [first.result.startedAt, 'completed', null],
        [second.result.startedAt, 'completed', null],
      ],
    )
    assert.match((await rig.cli('status')).stdout, /\bBacked up: the newest backup started .* ago\n/)
    assert.deepEqual(await everything(rig.folder), before)
  })

  test('exits with 3 when the newest backup is older than twice the interval', async (t) => {
    const rig = await makeRig(t, { ...onlyNas, schedule: { every: '3h' } })
    await rig.put('a.dcm', 'x')
    const { result } = await rig.run()
    const store = SqliteState.open(rig.state)
    const recorded = async (hours: number): Promise<void> => {
      const at = isoLocal(new Date(Date.now() - hours * 3_600_000))
      await store.saveRun({
        runId: result.runId ?? '',
        trigger: 'manual',
        plannedName: 'x.zip',
        digests: null,
        status: 'completed',
        startedAt: at,
        finishedAt: at,
        archive: 'x.zip',
        bytes: 7,
        source: null,
        sane: true,
        warnings: [],
        destinations: result.destinations,
      })
    }
    await recorded(5.9)
    assert.equal((await statusOf(rig)).code, 0)
    await recorded(6.1)
    assert.equal((await statusOf(rig)).code, 3)
    await store.close()
    assert.match((await rig.cli('status')).stdout, /Overdue: the newest backup started 6 h 6 min ago/)
    await rig.configure({ ...onlyNas, schedule: { enabled: false } })
    assert.equal((await statusOf(rig)).code, 0)
  })

  test('while a run goes on says so, and does not call it interrupted', { skip: WINDOWS }, async (t) => {
    const rig = await makeRig(t)
    for (let n = 0; n < 30; n += 1) await rig.put(`${n}.bin`, randomBytes(1 << 20))
    rig.dropbox.pause()
    const seen: { people?: string; result?: StatusResult } = {}
    const look = async (): Promise<void> => {
      while (rig.dropbox.requests.count('start') === 0) await sleep(5)
      seen.people = (await rig.cli('status')).stdout
      seen.result = (await statusOf(rig)).result
      rig.dropbox.resume()
    }
    const ended = await rig.cliWith({ onStart: () => void look() }, 'run', '--json')
    assert.equal(ended.code, 0, ended.stdout)
    assert.match(seen.people ?? '', /Running +a run is active since \S+ \S+ \(\w+/)
    assert.equal(seen.result?.interruptedRun, null)
    const { running } = seen.result ?? {}
    assert.deepEqual(
      running?.destinations.map(({ name }) => name),
      ['hospital-dropbox', 'hospital-drive', 'nas'],
    )
    assert.ok(Date.now() - Date.parse(running?.movedAt ?? '') < 600_000)
    assert.equal(existsSync(path.join(rig.state, 'running.json')), false, 'it goes with the run')
  })
})

describe('status --check', () => {
  test('finds a backup that somebody deleted at a service, until that is accepted', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    const { result: made } = await rig.run()
    const checked = await rig.cli('status', '--check', '--json')
    assert.equal(checked.code, 0, checked.stdout)
    const { copies } = JSON.parse(checked.stdout) as StatusResult
    assert.deepEqual(
      copies.map(({ destination, gone, error }) => [destination, gone, error]),
      ['hospital-dropbox', 'hospital-drive', 'nas'].map((name) => [name, [], null]),
    )

    await rm(path.join(rig.nas, made.archive?.name ?? ''))
    assert.equal((await statusOf(rig)).code, 0, 'status alone asks no destination')
    const again = await rig.cli('status', '--check')
    assert.equal(again.code, 3)
    assert.match(again.stdout, /Backed up, but action is needed.*\[!!\] nas +1 backup is gone or has another size/s)
    const { code, result } = await statusOf(rig)
    assert.equal(code, 3, 'it is remembered')
    assert.match(reasonsIn(result), new RegExp(`^copies-gone nas: 1 backup is gone .*${made.archive?.name}`))

    assert.equal((await rig.cli('status', '--check', '--accept-gone')).code, 0)
    assert.equal((await rig.cli('status', '--check')).code, 0)
  })

  test('a run of the schedule lists each destination once a day', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    assert.equal((await rig.cli('run', '--if-due')).code, 0)
    const { copies } = (await statusOf(rig)).result
    assert.deepEqual(
      copies.map(({ destination, gone, error }) => [destination, gone, error]),
      ['hospital-dropbox', 'hospital-drive', 'nas'].map((name) => [name, [], null]),
    )
    const [listed, other] = [rig.dropbox.requests.count('list'), rig.drive.requests.count('list')]
    assert.ok(listed > 0 && other > 0)
    assert.equal((await rig.cli('run', '--if-due')).code, 0)
    assert.equal(rig.dropbox.requests.count('list'), listed)
  })

  test('a destination that cannot be listed is reported', async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    await rig.run()
    rig.dropbox.lackScope('files.metadata.read', 'token')
    const { code, stdout } = await rig.cli('status', '--check', '--json')
    assert.equal(code, 3)
    assert.match(
      reasonsIn(JSON.parse(stdout) as StatusResult),
      /^copies-unknown hospital-dropbox: its backups could not be listed .* the permission files\.metadata\.read/,
    )
  })
})

test('of two destinations that are one folder the second fails alone', { skip: WINDOWS }, async (t) => {
  const rig = await makeRig(t, {
    destinations: [
      { name: 'nas', type: 'local', folder: 'nas' },
      { name: 'again', type: 'local', folder: 'again' },
    ],
  })
  await rig.put('a.dcm', 'x')
  await symlink('nas', path.join(rig.folder, 'again'))
  const { code, result } = await rig.run()
  assert.equal(code, 3)
  assert.deepEqual(
    result.destinations.map(({ name, status, error }) => [name, status, error?.code ?? null]),
    [
      ['nas', 'completed', null],
      ['again', 'failed', 'E_CONFIG'],
    ],
  )
  assert.deepEqual(await readdir(rig.nas), [result.archive?.name])
  for (const words of [['doctor'], ['accounts', 'test']] as const) {
    const [command, ...rest] = words
    assert.match(
      (await rig.cli(command, ...rest)).stdout.replaceAll(/\s+/g, ' '),
      /is the same place as \S+\/nas of nas\./,
    )
  }
})

test('a last run that stored with warnings is no reason to say ok', { skip: WINDOWS }, async (t) => {
  const rig = await makeRig(t, onlyNas)
  await rig.put('a.dcm', 'x')
  await symlink('nowhere', path.join(rig.root, 'link.dcm'))
  assert.equal((await rig.run()).code, 3)
  const { code, result } = await statusOf(rig)
  assert.equal(code, 3)
  assert.match(
    reasonsIn(result),
    /^run-partial The last run, of .*, stored the backup with warnings: 1 file was left out/,
  )
  await rm(path.join(rig.root, 'link.dcm'))
  assert.equal((await rig.run()).code, 0)
  assert.equal((await statusOf(rig)).code, 0)
})

describe('a backup that is not stored everywhere', () => {
  test('is shown with what is lacking, and completed by the next run with the same archive', async (t) => {
    const rig = await makeRig(t, NAS_AND_GONE)
    await rig.put('a.dcm', randomBytes(100_000))
    const first = await rig.run()
    assert.equal(first.code, 3)
    const { archive } = first.result
    const { code, result } = await statusOf(rig)
    assert.equal(code, 3, 'one destination has no backup')
    assert.match(reasonsIn(result), /destination-failed gone: the last run failed here: the folder .* does not exist/)
    assert.deepEqual([result.interruptedRun?.whole, result.interruptedRun?.archive], [true, archive?.name])
    assert.deepEqual(
      result.interruptedRun?.destinations.map(({ name, status, heldBytes }) => [name, status, heldBytes]),
      [
        ['nas', 'completed', archive?.bytes],
        ['gone', 'failed', 0],
      ],
    )
    assert.equal(result.accounts[1]?.lastStatus, 'failed')
    assert.match((await rig.cli('status')).stdout, /Not stored everywhere yet.*run" sends only what is missing/s)

    await mkdir(path.join(rig.folder, 'gone'))
    const second = await rig.run()
    assert.equal(second.code, 0)
    assert.deepEqual([second.result.resumed, second.result.archive], [true, archive])
    assert.deepEqual(
      second.result.destinations.map(({ name, bytesSent }) => [name, bytesSent]),
      [
        ['nas', 0],
        ['gone', archive?.bytes],
      ],
    )
    const after = (await statusOf(rig)).result
    assert.deepEqual([after.interruptedRun, after.backedUp], [null, 2])
  })
})

describe('a run that was killed', { skip: WINDOWS }, () => {
  test('is shown by status, and finished by resume, which then has nothing to do', async (t) => {
    const rig = await makeRig(t)
    await killed(rig)
    const { result } = await statusOf(rig)
    const run = result.interruptedRun
    assert.ok(run !== null && run.archiveBytes > 0)
    assert.deepEqual(
      run.destinations.map(({ name }) => name),
      ['hospital-dropbox', 'hospital-drive', 'nas'],
    )
    const shown = (await rig.cli('status')).stdout
    assert.match(shown, /Interrupted run\n.*hospital-drive +.* uploaded of .* made so far.*run" resumes it; .*--fresh/s)

    const people = await rig.cli('resume')
    assert.equal(people.code, 0, people.stderr)
    assert.match(people.stdout, /Backup completed\n {2}Resumed the run of .* were\s+uploaded\s+already/)
    assert.deepEqual(await rig.visible(), [run.archive, run.archive, run.archive])
    assert.equal((await statusOf(rig)).result.interruptedRun, null)

    const nothing = await rig.cli('resume')
    assert.equal(nothing.code, 0)
    assert.doesNotMatch(nothing.stderr, /Looking|Storing|Ended/)
    assert.match(nothing.stdout, /Nothing to do\n {2}There is no interrupted run\.\n$/)
  })

  test('is abandoned by run --fresh: a new backup, and nothing of the old one', async (t) => {
    const rig = await makeRig(t)
    await killed(rig)
    const before = (await statusOf(rig)).result.interruptedRun
    const { code, result } = await rig.run('--fresh')
    assert.equal(code, 0, JSON.stringify(result))
    assert.equal(result.resumed, false)
    assert.notEqual(result.runId, before?.runId)
    assert.deepEqual(await rig.visible(), Array<string | undefined>(3).fill(result.archive?.name))
    assert.equal((await statusOf(rig)).result.interruptedRun, null)
    const { stdout } = await rig.cli('resume', '--json')
    assert.equal((JSON.parse(stdout) as RunResult).status, 'skipped')
  })
})
