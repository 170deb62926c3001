/** What a Windows has around the program: its console, its access rights, its database programs, and names in any script. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { DoctorResult, StatusResult } from '../../src/stages/contract/results.ts'
import { startMariaDb } from '../support/mariadb.ts'
import { needProgram } from '../support/needed-programs.ts'
import type { Check } from './checks.ts'
import { programs, type Answer, type Call } from './programs.ts'
import { asRestore, grown, IMAGES, MIB, mustBeStored, mustBeWhole } from './steps.ts'
import { built, inRepository, Windows } from './windows.ts'

/** No code page of Windows has all of it. */
const ANY_SCRIPT = 'Бэкап 放射線 ü-'
const SID = 'S-1-5-21-1-2-3-1001'
const FOLDER_RIGHTS = ['*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F', `*${SID}:(OI)(CI)F`]
const WHOAMI: Answer = { code: 0, stdout: `"vm\\root","${SID}"\r\n` }

/** The files that tests of other systems and of none are in: what Windows does otherwise shows in them. */
const PORTABLE = [
  'test/architecture.test.ts',
  'test/cli/exit.test.ts',
  'test/pipeline/journal/journal.test.ts',
  'test/pipeline/files/rename.test.ts',
  'test/stages/config/load.test.ts',
  'test/stages/restore/files/replace.test.ts',
  'test/stages/restore/safe-path.test.ts',
  'test/stages/windows/private-path.test.ts',
  // Its server is not there.
  'test/stages/database/inspect.test.ts',
]

export const SURROUNDINGS: Readonly<Record<string, Check>> = {
  'Ctrl-C on the console stops a run, and the next resumes it': async (windows) => {
    await windows.configure({ archive: { compression: 'store' } })
    await writeFile(windows.path('images/large.dcm'), randomBytes(96 * MIB))
    const running = windows.onConsole([built('cli/main.js'), 'run'])
    await grown(windows.path('nas'), '.partial', 32 * MIB, running)
    running.interrupt()
    const { code, stdout, stderr } = await running.end
    assert.equal(code, 130, `${stdout}${stderr}`)
    const { result } = await windows.json('status')
    const name = (result as StatusResult).interruptedRun?.archive
    const run = await mustBeStored(windows)
    assert.deepEqual([run.resumed, run.archive?.name], [true, name])
    mustBeWhole(windows.path('nas', name ?? ''))
  },

  'access rights are set by icacls, in the words that it knows': async (windows) => {
    const calls: (readonly string[])[] = []
    await withSystem(windows, ({ name, words }) => {
      if (name === 'whoami') return WHOAMI
      calls.push(words)
      const saved = words[words.indexOf('/save') + 1]
      if (words.includes('/save'))
        writeFileSync(toUnix(windows, saved), Buffer.from('x\r\nD:PAI(A;;FA;;;SY)', 'utf16le'))
      return { code: 0 }
    })
    const init = await windows.cli('init')
    assert.deepEqual([init.code, /may be able to read/.test(init.stdout)], [0, false], init.stderr)
    const file = windows.windowsPath('dicom-backup.yaml')
    const own = ['*S-1-5-18:F', '*S-1-5-32-544:F', `*${SID}:F`]
    assert.deepEqual(calls.splice(0), [[file, '/inheritance:r', '/grant:r', ...own, '/Q']])
    await windows.write(IMAGES)
    await windows.configure()
    await mustBeStored(windows)
    const state = windows.windowsPath('.dicom-backup')
    assert.deepEqual(calls.splice(0), [[state, '/inheritance:r', '/grant:r', ...FOLDER_RIGHTS, '/Q']])
    assert.match(await readFile(windows.path('.dicom-backup/.htaccess'), 'utf8'), /denied/)
    assert.equal((await doctorCheck(windows, 'access rights'))?.detail, undefined)
    assert.deepEqual(
      calls.map(([of, option]) => [of, option]),
      [file, state].map((of) => [of, '/save']),
    )
  },

  'rights that icacls could not set are told, and those that are too wide': async (windows) => {
    let sddl: string | null = null
    await withSystem(windows, ({ name, words }) => {
      if (name === 'whoami') return WHOAMI
      if (sddl === null || !words.includes('/save')) return { code: 5, stderr: 'Access is denied.\r\n' }
      writeFileSync(toUnix(windows, words[words.indexOf('/save') + 1]), Buffer.from(sddl, 'utf16le'))
      return { code: 0 }
    })
    const init = await windows.cli('init')
    assert.equal(init.code, 0, init.stderr)
    assert.match(init.stdout, /Other accounts of this computer may be able to read it/)
    await windows.configure()
    assert.match((await doctorCheck(windows, 'access rights'))?.detail ?? '', /could not be read/)
    sddl = 'dicom-backup.yaml\r\nD:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)\r\n'
    assert.match((await doctorCheck(windows, 'access rights'))?.detail ?? '', /can be read by Users/)
  },

  "a database goes and comes back through XAMPP's programs, in a folder that no code page can name": async (outer) => {
    const windows = await Windows.in(outer.machine, ANY_SCRIPT)
    const server = await startMariaDb({ tcp: true })
    const xampp = path.join(outer.machine.drive, 'xampp')
    const optionFiles: string[] = []
    let task = ''
    const system = await withSystem(windows, ({ name, words, input }) => {
      if (name === 'whoami') return WHOAMI
      if (name === 'icacls') return { code: 0 }
      if (name === 'schtasks') {
        const xml = words[words.indexOf('/XML') + 1]
        if (words.includes('/Create')) task = readFileSync(toUnix(windows, xml), 'utf16le')
        return { code: 0 }
      }
      const [option, file] = /^--defaults-extra-file=(.*)$/.exec(words[0] ?? '') ?? []
      if (file !== undefined) optionFiles.push(file)
      const first = option === undefined ? words[0]! : `--defaults-extra-file=${toUnix(windows, file)}`
      const program = needProgram(name === 'mysql' ? 'mariadb' : 'mariadb-dump')
      const { status, stdout, stderr } = spawnSync(program, [first, ...words.slice(1)], { input, maxBuffer: 64 * MIB })
      // Windows programs write text with CR LF.
      return {
        code: status ?? 1,
        stdout: Buffer.from(stdout.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
        stderr,
      }
    })
    try {
      system.place(path.join(xampp, 'mysql/bin'), ['mysqldump', 'mysql'])
      await server.query(`CREATE DATABASE viewer; USE viewer; CREATE TABLE studies (id INT PRIMARY KEY, name TEXT, b BLOB);
        INSERT INTO studies VALUES (1, 'Müller 放射線\r\n', 0x00ff0d0a1a), (2, NULL, '')`)
      const { host, port, user, password } = server
      await windows.write(IMAGES)
      await windows.configure({ database: { host, port, user, password, name: 'viewer' } })
      await mustBeStored(windows)
      const verified = await windows.cli('verify', '--restore-test')
      assert.equal(verified.code, 0, `${verified.stdout}${verified.stderr}`)
      const words = ['restore', '--to', windows.windowsPath('zurück 放'), '--database', 'copy']
      const { code, result } = await asRestore(windows, ...words)
      assert.deepEqual([code, result.database?.tables], [0, 1], JSON.stringify(result))
      const rows = 'SELECT id, name, HEX(b) AS b FROM studies ORDER BY id'
      assert.deepEqual(await server.query(rows, 'copy'), await server.query(rows, 'viewer'))
      for (const [name, bytes] of Object.entries(IMAGES)) {
        const back = windows.path('zurück 放', name.replace('images', 'dicom_files'))
        assert.deepEqual(await readFile(back), bytes, name)
      }
      assert.ok(optionFiles.length >= 3)
      for (const file of optionFiles) assert.match(file, /^[\x20-\x7e]+$/, 'a program of the code page can open it')
      const job = await windows.cli('schedule', 'install')
      assert.equal(job.code, 0, `${job.stdout}${job.stderr}`)
      assert.ok(task.includes(`--config &quot;${windows.windowsPath('dicom-backup.yaml')}&quot;`), task)
      assert.equal((await windows.cli('status')).code, 0)
    } finally {
      system.close()
      await server.close()
      rmSync(xampp, { recursive: true, force: true })
      await windows.remove()
    }
  },

  'npm test prepares what there is, and its tests pass or say what they lack': async (windows) => {
    const prepared = await windows.start([inRepository('test/support/prepare.ts')]).end
    assert.equal(prepared.code, 0, prepared.stderr)
    assert.match(prepared.stdout, /Skipped on Windows are the tests that need: mariadbd/)
    const preload = `--import=file:///${inRepository('test/support/compile-cache.ts')}`
    const files = PORTABLE.map(inRepository)
    const words = ['--test', '--test-reporter=tap', '--test-concurrency=2', ...files]
    const { code, stdout, stderr } = await windows.start([preload, ...words]).end
    assert.equal(code, 0, `${stdout}${stderr}`)
    assert.match(stdout, /inspect\.test\.ts # SKIP this machine lacks mariadbd/)
    assert.match(stdout, /^# pass [1-9]\d+$/m)
  },
}

/** Programs of Windows' own that Wine has not, or that do nothing there, answer so from now on. */
async function withSystem(windows: Windows, answer: (call: Call) => Answer) {
  const made = await programs(windows.machine, answer)
  made.place(windows.path('Windows/System32'), ['icacls', 'whoami', 'schtasks'])
  windows.env = made.env
  // Wine sets the variable itself.
  const change = `process.env.SystemRoot = ${JSON.stringify(windows.windowsPath('Windows'))}`
  windows.preload = [`--import=data:text/javascript,${encodeURIComponent(change)}`]
  windows.atEnd(() => {
    made.close()
  })
  return made
}

/** Of this machine, for a path on C: */
const toUnix = ({ machine }: Windows, file = ''): string =>
  path.join(machine.drive, ...file.replace(/^C:\\/i, '').split('\\'))

async function doctorCheck(windows: Windows, name: string) {
  const { result } = await windows.json('doctor')
  return (result as DoctorResult).checks.find((one) => one.name === name)
}
