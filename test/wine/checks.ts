/** What a user of Windows relies on, each done with the build as they would do it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, utimes } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import manifest from '../../package.json' with { type: 'json' }
import type { StatusResult } from '../../src/stages/contract/results.ts'
import { built, inRepository, type Windows } from './windows.ts'
import {
  MIB,
  IMAGES,
  contentHash,
  asRun,
  asRestore,
  asFailure,
  mustBeStored,
  mustBeWhole,
  holdOpen,
  demo,
  killedRun,
  linuxBackup,
} from './steps.ts'

export type Check = (windows: Windows) => Promise<void>

export const CHECKS: Readonly<Record<string, Check>> = {
  'the program starts, and says what it can do': async (windows) => {
    const version = await windows.cli('--version')
    assert.deepEqual([version.code, version.stdout.trim()], [0, manifest.version], version.stderr)
    assert.match((await windows.cli('--help')).stdout, /Usage: dicom-backup/)
  },

  "demo, the README's first command, stores its archive at all three destinations": async (windows) => {
    await demo(windows, windows.start([built('cli/main.js'), 'demo']))
  },

  'so does what `npm run demo` calls': async (windows) => {
    const [program, script = '', ...words] = manifest.scripts.demo.split(' ')
    assert.equal(program, 'node')
    await demo(windows, windows.start([inRepository(script), ...words]))
  },

  'init writes a configuration that Notepad shows, and never over one': async (windows) => {
    assert.equal((await windows.cli('init')).code, 0)
    const text = await readFile(windows.path('dicom-backup.yaml'), 'utf8')
    assert.equal(text.replaceAll('\r\n', '').includes('\n'), false, 'each line ends with CR LF')
    assert.equal((await windows.cli('init')).code, 2)
    assert.equal(
      (await windows.cli('schedule', 'set', '--every', '12h')).code,
      2,
      'it names a password file that is not there',
    )
    await windows.write({ 'database-password.txt': 'secret' })
    const set = await windows.cli('schedule', 'set', '--every', '12h')
    assert.equal(set.code, 0, set.stderr)
    assert.equal(await readFile(windows.path('dicom-backup.yaml'), 'utf8'), text.replace('every: 6h', 'every: 12h'))
  },

  'a backup is whole, is found again, and comes back as it was': async (windows) => {
    await windows.write(IMAGES)
    await windows.configure()
    const time = new Date(1_700_000_000_123)
    for (const name of Object.keys(IMAGES)) await utimes(windows.path(name), time, time)
    const run = await mustBeStored(windows)
    const archive = windows.path('nas', run.archive?.name ?? '')
    assert.equal(contentHash(await readFile(archive)), run.archive?.contentHash)
    mustBeWhole(archive)
    assert.equal((await windows.cli('verify', '--deep')).code, 0)
    assert.match((await windows.cli('history')).stdout, /completed/)
    assert.equal((await windows.cli('status')).code, 0)
    const { code, result } = await asRestore(windows, 'restore', '--to', windows.windowsPath('back'))
    assert.equal(code, 0, JSON.stringify(result))
    for (const [name, bytes] of Object.entries(IMAGES)) {
      const back = windows.path('back', name.replace('images', 'dicom_files'))
      assert.deepEqual(await readFile(back), bytes, name)
      assert.equal(Math.trunc((await stat(back)).mtimeMs), time.getTime(), name)
    }
  },

  'a run that is killed is resumed by the next, where the folder is': async (windows) => {
    const name = await killedRun(windows, 96 * MIB)
    const { result } = await windows.json('status')
    assert.equal((result as StatusResult).interruptedRun?.archive, name)
    const run = await mustBeStored(windows)
    assert.deepEqual([run.resumed, run.archive?.name], [true, name])
    assert.ok((run.destinations[0]?.bytesSent ?? Infinity) < 96 * MIB)
    mustBeWhole(windows.path('nas', name))
  },

  'an interrupted run is resumed while another program reads its journal': async (windows) => {
    const name = await killedRun(windows, 64 * MIB)
    const [folder = ''] = await readdir(windows.path('.dicom-backup/runs'))
    const close = await holdOpen(windows, windows.windowsPath('.dicom-backup/runs', folder, 'journal'))
    try {
      const run = await mustBeStored(windows)
      assert.deepEqual([run.resumed, run.archive?.name], [true, name])
    } finally {
      await close()
    }
    mustBeWhole(windows.path('nas', name))
  },

  'and kept while another program lets nobody read it': async (windows) => {
    const name = await killedRun(windows, 64 * MIB)
    const [folder = ''] = await readdir(windows.path('.dicom-backup/runs'))
    const close = await holdOpen(windows, windows.windowsPath('.dicom-backup/runs', folder, 'journal'), true)
    const { code, result } = await asFailure(windows, 'run')
    await close()
    assert.deepEqual([code, result.error.code], [1, 'E_STATE'], JSON.stringify(result))
    assert.match(result.error.message, /^An interrupted backup cannot be resumed now\./)
    const run = await mustBeStored(windows)
    assert.deepEqual([run.resumed, run.archive?.name], [true, name])
  },

  'two runs at once: the second says that another is active': async (windows) => {
    await windows.write(IMAGES)
    // A service that takes every request and answers none: the first run waits for it.
    const service = createServer().listen(0, '127.0.0.1')
    await once(service, 'listening')
    const { port } = service.address() as AddressInfo
    await windows.configure({
      endpoints: { dropbox: `http://127.0.0.1:${port}` },
      destinations: [{ name: 'cloud', type: 'dropbox', folder: '/x', accessToken: 'token' }],
    })
    const first = windows.start([built('cli/main.js'), 'run'])
    await once(service, 'request')
    const { code, result } = await asFailure(windows, 'run')
    first.process.kill('SIGKILL')
    await first.end
    service.closeAllConnections()
    service.close()
    assert.deepEqual([code, result.error.code], [4, 'E_LOCKED'], JSON.stringify(result))
  },

  'a source file that another program has for itself is left out by name, the others are stored': async (windows) => {
    await windows.write(IMAGES)
    await windows.configure()
    const close = await holdOpen(windows, windows.windowsPath('images/empty.dcm'), true)
    const { code, result } = await asRun(windows, 'run')
    await close()
    assert.equal(code, 3)
    assert.deepEqual(
      result.skippedFiles.map((one) => one.path),
      ['dicom_files/empty.dcm'],
    )
    assert.equal(result.archive?.files, Object.keys(IMAGES).length - 1)
  },

  'what is in the way of one file costs a restore that one file': async (windows) => {
    await windows.write(IMAGES)
    await windows.configure()
    await mustBeStored(windows)
    const open = 'back/dicom_files/Müller, Jörg/CT 1/IM0001.dcm'
    const folder = 'back/dicom_files/empty.dcm'
    await windows.write({ [open]: 'in use' })
    await mkdir(windows.path(folder))
    const close = await holdOpen(windows, windows.windowsPath(open))
    const words = ['restore', '--to', windows.windowsPath('back'), '--overwrite']
    const { code, result } = await asRestore(windows, ...words)
    await close()
    assert.equal(code, 1, JSON.stringify(result))
    assert.deepEqual(
      (result.damaged ?? []).map((one) => one.path).sort(),
      [open, folder].map((one) => one.slice('back/'.length)).sort(),
    )
    assert.equal(await readFile(windows.path(open), 'utf8'), 'in use')
    const others = Object.keys(IMAGES).filter(
      (name) => ![open, folder].includes(name.replace('images', 'back/dicom_files')),
    )
    for (const name of others) assert.ok(existsSync(windows.path(name.replace('images', 'back/dicom_files'))), name)
  },

  'names of a Linux backup that Windows does not take, or that differ in case only, come back with %HH': async (
    windows,
  ) => {
    const names = ['Case/x', 'case/x', 'IM1.dcm', 'im1.dcm', 'con.dcm', 'a:b', 'q"', 'dot.', 'e\u0301', 'é']
    for (const name of names) await windows.write({ [`linux/${name}`]: `content of ${name}` })
    await windows.configure()
    const archive = await linuxBackup(windows)
    const { code, result } = await asRestore(windows, 'restore', archive, '--to', windows.windowsPath('back'))
    assert.equal(code, 0, JSON.stringify(result))
    const back = ['Case/x', 'Case/%78', 'IM1.dcm', '%69m1.dcm', '%63on.dcm', 'a%3Ab', 'q%22', 'dot%2E', 'e\u0301', 'é']
    for (const [n, name] of back.entries()) {
      assert.equal(await readFile(windows.path('back/dicom_files', name), 'utf8'), `content of ${names[n]}`, name)
    }
  },

  'the hourly job is set and removed': async (windows) => {
    await windows.configure()
    const shown = await windows.cli('schedule', 'install', '--print')
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(shown.stdout, /System32\\schtasks\.exe/i)
    const set = await windows.cli('schedule', 'install')
    assert.equal(set.code, 0, `${set.stdout}${set.stderr}`)
    assert.match((await windows.cli('schedule')).stdout, /task-scheduler|Task Scheduler/)
    assert.equal((await windows.cli('schedule', 'uninstall')).code, 0)
  },
}
