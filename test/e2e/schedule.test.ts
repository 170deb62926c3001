/** Backups by schedule, as the task scheduler and its administrator meet them. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { builtProgram } from '../../bench/built-program.ts'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { takeFolderLock } from '../../src/stages/state/folder-lock.ts'
import { SqliteState } from '../../src/stages/state/sqlite-state.ts'
import { findProgram } from '../support/find-program.ts'
import { makeRig, onlyNas, type Rig } from '../support/rig.ts'
import { atClock, noShiftedClock, shiftedClock } from '../support/shifted-clock.ts'
import { withThisProcess } from '../support/with-this-process.ts'

const BERLIN = 'Europe/Berlin'
const run = promisify(execFile)

/** An hourly call of the rig's at a local time in Berlin; what came of it. */
async function hourly(rig: Rig, time: string): Promise<RunResult['status']> {
  const args = ['run', '--if-due', '--json', '--config', rig.configFile]
  const { code, stdout, stderr } = await atClock(time, BERLIN, args)
  const result = JSON.parse(stdout) as RunResult
  assert.equal(code, result.status === 'failed' ? 1 : 0, stdout + stderr)
  return result.status
}

describe('run --if-due', { skip: noShiftedClock }, () => {
  test("goes through the guide's day: 12:00 runs, 1 to 5 PM skip, 6 PM runs", async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    const day = new Map<string, string>()
    for (let hour = 12; hour <= 18; hour += 1) day.set(`${hour}:00`, await hourly(rig, `2026-11-23 ${hour}:00:02`))
    assert.deepEqual(Object.fromEntries(day), {
      '12:00': 'completed',
      '13:00': 'skipped',
      '14:00': 'skipped',
      '15:00': 'skipped',
      '16:00': 'skipped',
      '17:00': 'skipped',
      '18:00': 'completed',
    })
    const skipped = await atClock('2026-11-23 19:00:00', BERLIN, ['run', '--if-due', '--config', rig.configFile])
    assert.deepEqual(
      [skipped.code, skipped.stdout, skipped.stderr],
      [0, 'The next backup is due at 2026-11-24 00:00.\n', ''],
    )
    const state = SqliteState.openToRead(rig.state)
    t.after(() => state?.close())
    assert.deepEqual(
      (await state?.history(5))?.map(({ trigger, startedAt }) => [trigger, startedAt.slice(0, 16)]),
      [
        ['scheduled', '2026-11-23T18:00'],
        ['scheduled', '2026-11-23T12:00'],
      ],
    )
  })

  test('tries a failed run again an hour later, and goes on with one that is not everywhere', async (t) => {
    const nas = { name: 'nas', type: 'local', folder: 'nas' }
    const gone = { name: 'gone', type: 'local', folder: 'gone' }
    const rig = await makeRig(t, { destinations: [gone] })
    await rig.put('a.dcm', 'x')
    assert.equal(await hourly(rig, '2026-11-23 12:00:02'), 'failed')
    await rig.configure({ destinations: [nas, gone] })
    const partial = await atClock('2026-11-23 13:00:02', BERLIN, [
      'run',
      '--if-due',
      '--json',
      '--config',
      rig.configFile,
    ])
    assert.equal(partial.code, 3, partial.stdout)
    const again = await atClock('2026-11-23 14:00:02', BERLIN, [
      'run',
      '--if-due',
      '--json',
      '--config',
      rig.configFile,
    ])
    assert.equal((JSON.parse(again.stdout) as RunResult).resumed, true, 'what a destination lacks is tried every hour')
    assert.deepEqual((await rig.visible()).length, 1, 'of the same archive')
  })

  test('called twice at the same moment makes one backup', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    const args = ['run', '--if-due', '--json', '--config', rig.configFile]
    for (let n = 0; n < 5; n += 1) {
      const time = `2026-11-${23 + n} 12:00:00`
      const both = await Promise.all([atClock(time, BERLIN, args), atClock(time, BERLIN, args)])
      const made = both.filter(({ stdout }) => stdout.includes('"completed"'))
      assert.equal(made.length, 1, both.map(({ code, stdout }) => `${code} ${stdout}`).join('\n'))
      assert.ok(both.every(({ code }) => code === 0 || code === 4))
    }
    assert.equal((await rig.visible()).length, 5)
  })

  test('looks at an earlier archive every week with verify: weekly, and tells what is not well', async (t) => {
    const rig = await makeRig(t, { ...onlyNas, schedule: { verify: 'weekly' } })
    await rig.put('a.dcm', 'x')
    for (const day of [1, 2, 5]) assert.equal(await hourly(rig, `2026-11-0${day} 12:00:00`), 'completed')
    const looked = async (): Promise<string | undefined> => {
      const state = SqliteState.openToRead(rig.state)
      try {
        return (await state?.lastVerification())?.archive
      } finally {
        await state?.close()
      }
    }
    const [first, , third = ''] = await rig.visible()
    assert.equal(await looked(), first, 'the only one at first')
    await writeFile(path.join(rig.nas, third), 'damaged')
    const args = ['run', '--if-due', '--json', '--config', rig.configFile]
    const { code, stdout } = await atClock('2026-11-08 12:00:00', BERLIN, args)
    assert.equal(code, 3, stdout)
    const { status, warnings } = JSON.parse(stdout) as RunResult
    assert.deepEqual([status, warnings.map((one) => one.code)], ['partial', ['verify-failed']])
    assert.ok(warnings[0]?.message.startsWith(`${third} was verified again and is damaged. nas: `))
    assert.equal(await looked(), third)
  })
})

describe('the hourly call, as a job makes it', () => {
  test('is silent when all is well, and tells on stderr what is wrong', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    const well = await rig.cli('run', '--if-due')
    assert.deepEqual([well.code, well.stderr], [0, ''])
    await rig.configure({ destinations: [{ name: 'gone', type: 'local', folder: 'gone' }], state: { dir: 'other' } })
    const failed = await rig.cli('run', '--if-due')
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /gone/)
    await writeFile(rig.configFile, 'dicom: [')
    const broken = await rig.cli('run', '--if-due')
    assert.deepEqual([broken.code, broken.stdout], [2, ''])
    assert.match(broken.stderr, /1 fault in /)
  })

  test('while another run is active ends with 4, and makes no mail', async (t) => {
    const rig = await makeRig(t, onlyNas)
    await rig.put('a.dcm', 'x')
    await SqliteState.open(rig.state).close()
    const lock = await takeFolderLock(rig.state)
    t.after(() => lock.release())
    const { code, stdout, stderr } = await rig.cli('run', '--if-due')
    assert.deepEqual([code, stderr], [4, ''])
    assert.match(stdout, /Another backup run is active/)
  })
})

describe('schedule', () => {
  test('shows, sets, turns off and on, as JSON too', async (t) => {
    const rig = await makeRig(t, onlyNas)
    const json = async (...args: string[]): Promise<unknown> => {
      const { code, stdout } = await rig.cliWith({}, 'schedule', ...args, '--json')
      assert.equal(code, 0, stdout)
      const { enabled, every } = JSON.parse(stdout) as { enabled: boolean; every: string }
      return [enabled, every]
    }
    assert.deepEqual(await json('show'), [true, '6h'])
    assert.deepEqual(await json('set', '--every', '24h'), [true, '24h'])
    assert.deepEqual(await json('disable'), [false, '24h'])
    const off = await rig.cli('run', '--if-due')
    assert.deepEqual([off.code, off.stdout], [0, 'The schedule is off.\n'])
    assert.deepEqual(await json('enable'), [true, '24h'])
    assert.match((await rig.cli('schedule', 'show')).stdout, /A backup every 24 h/)
  })

  test('told wrong words says what would be right, and changes nothing', async (t) => {
    const rig = await makeRig(t, onlyNas)
    const before = await readFile(rig.configFile, 'utf8')
    for (const [words, right] of [
      [['set'], /--every with one of 1h, 3h, 6h, 12h, 24h/],
      [['set', '--every', '5h'], /1h, 3h, 6h, 12h, 24h/],
      [['set', '--every', ''], /1h, 3h, 6h, 12h, 24h/],
      [['install', '--with', 'anacron'], /systemd, cron, task-scheduler/],
      [['bogus'], /Unknown command 'schedule bogus'/],
      [['show', '--every', '6h'], /[Uu]nknown option '--every'/],
    ] as const) {
      const { code, stderr } = await rig.cliWith({}, 'schedule', ...words)
      assert.equal(code, 2, words.join(' '))
      assert.match(stderr.replaceAll(/\s+/g, ' '), right, words.join(' '))
    }
    for (const other of ['--dry-run', '--fresh', '--accept-shrunk']) {
      assert.equal((await rig.cli('run', '--if-due', other)).code, 2, other)
    }
    assert.equal(await readFile(rig.configFile, 'utf8'), before)
  })

  const isolated =
    process.getuid?.() === 0 &&
    noShiftedClock === false &&
    ['unshare', 'crontab', 'cron'].every((name) => findProgram(name) !== null)
  test(
    'install sets a line that a real cron starts every hour, and uninstall takes just that away',
    { skip: !isolated && 'needs root, unshare, cron and libfaketime', timeout: 600_000 },
    async (t) => {
      const rig = await makeRig(t, onlyNas)
      await rig.put('a.dcm', 'x')
      const line = path.join(rig.folder, 'crontab')
      const program = await builtProgram()
      const schedule = (words: string): string =>
        `'${process.execPath}' '${program}' schedule ${words} --config '${rig.configFile}'`
      // In namespaces of its own: this machine's crontabs are neither seen nor touched, and cron ends with the script.
      const script = `
      set -e
      mount --make-rprivate /
      mount -t tmpfs -o mode=1730,gid=crontab tmpfs /var/spool/cron/crontabs
      mount -t tmpfs tmpfs /etc/cron.d
      mount -t tmpfs tmpfs /run
      mount -t tmpfs tmpfs /dev/shm
      mount --bind /dev/null /etc/crontab
      echo '5 4 * * * true # mine' | crontab -
      ${schedule('install --with cron')}
      ${schedule('install --with cron')}
      crontab -l > '${line}'
      ${shiftedClock('2026-11-23 11:59:56')
        .map((word) => `'${word}'`)
        .join(' ')} cron -f &
      until test -f '${rig.state}/done'; do sleep 0.1; done
      ${schedule('uninstall')}
      crontab -l > '${line}.after'`
      const isolation = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
      const [starter, ...words] = withThisProcess([...isolation, 'sh', '-c', script])
      const child = spawn(starter, words, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NO_COLOR: '1' },
      })
      t.after(() => child.kill('SIGKILL'))
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (said += text))
      const ended = once(child, 'close') as Promise<[number | null]>
      const recorded = async (): Promise<boolean> => {
        const state = SqliteState.openToRead(rig.state)
        try {
          return ((await state?.history(1)) ?? []).length > 0
        } finally {
          await state?.close()
        }
      }
      while (child.exitCode === null && !(await recorded())) await sleep(100)
      await writeFile(path.join(rig.state, 'done'), '').catch(() => undefined)
      const [code] = await ended
      if (said.includes('mount:')) {
        t.skip(`no mounts here: ${said.trim().slice(0, 100)}`)
        return
      }
      assert.equal(code, 0, said)
      const table = await readFile(line, 'utf8')
      assert.deepEqual([...table.matchAll(/run'|# mine|# dicom-backup-/g)].length, 3, table)
      assert.equal(await readFile(`${line}.after`, 'utf8'), '5 4 * * * true # mine\n')
      const state = SqliteState.openToRead(rig.state)
      t.after(() => state?.close())
      assert.deepEqual(
        (await state?.history(9))?.map(({ trigger, status }) => [trigger, status]),
        [['scheduled', 'completed']],
      )
      await rm(path.join(rig.state, 'done'))
    },
  )

  test('install --print shows what may be pasted, names the variables that the job will lack, and sets nothing', async (t) => {
    const rig = await makeRig(t, { ...onlyNas, archive: { prefix: '${CLINIC}' } })
    const env = { CLINIC: 'north' }
    for (const [scheduler, form] of [
      ['systemd', /OnCalendar=hourly[\s\S]*systemctl .*enable --now dicom-backup-/],
      ['cron', /^# Add this line to the crontab \("crontab -e"\):\n0 \* \* \* \* cd .*\n\n#/],
      ['task-scheduler', /<Interval>PT1H<[\s\S]*schtasks\.exe \/Create/],
    ] as const) {
      const { code, stdout } = await rig.cliWith({ env }, 'schedule', 'install', '--print', '--with', scheduler)
      assert.equal(code, 0)
      assert.match(stdout, form)
      assert.ok(stdout.includes(rig.configFile), 'with absolute paths')
      assert.match(stdout, /# The job will not have these environment variables, .*: CLINIC\n$/)
    }
    if (findProgram('crontab') !== null) {
      const { stdout } = await run('crontab', ['-l']).catch(() => ({ stdout: '' }))
      assert.ok(!stdout.includes(rig.configFile))
    }
  })
})
