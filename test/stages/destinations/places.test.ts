/** Destinations that are one place, and folders whose disk is missing. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { loadConfig, type LoadedConfig } from '../../../src/stages/config/load.ts'
import { withPlaceFaults } from '../../../src/stages/destinations/places.ts'
import { startDriveStandIn } from '../../../src/stages/stand-ins/google-drive/stand-in.ts'
import { mountTmpfs } from '../../support/file-systems.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const signal = new AbortController().signal
const WINDOWS = process.platform === 'win32' && 'links need rights there'

async function configured(t: TestContext, destinations: string): Promise<LoadedConfig & { readonly base: string }> {
  const base = await tempFolder(t)
  const file = path.join(base, 'dicom-backup.yaml')
  await writeFile(file, `dicom: { root: x }\nstate: { dir: state }\ndestinations:\n${destinations}`)
  await mkdir(path.join(base, 'state'))
  return { ...loadConfig(file), base }
}
const faultsOf = ({ destinations }: LoadedConfig): (string | null)[] =>
  destinations.map(({ fault }) => (fault === undefined ? null : `${fault.code} ${fault.message}`))

const LOCAL = ['a', 'b', 'c'].map((name) => `  - { name: ${name}, type: local, folder: ${name} }\n`).join('')

test('a folder that is reached by a link is the fault of the second alone', { skip: WINDOWS }, async (t) => {
  const config = await configured(t, LOCAL)
  await mkdir(path.join(config.base, 'a'))
  await mkdir(path.join(config.base, 'c'))
  await symlink('a', path.join(config.base, 'b'))
  const [a, b] = ['a', 'b'].map((name) => path.join(config.base, name))
  const same = `E_CONFIG b: its folder ${b} is the same place as ${a} of a.`
  assert.deepEqual(faultsOf(await withPlaceFaults(config, { signal, note: false })), [null, same, null])
  assert.deepEqual(await readdir(config.state.dir), [], 'nothing is written')
})

test('so is one that is mounted at two places', async (t) => {
  const config = await configured(t, LOCAL)
  const [a = '', b = ''] = ['a', 'b', 'c'].map((name) => path.join(config.base, name))
  for (const name of ['a', 'b', 'c']) await mkdir(path.join(config.base, name))
  const aside = await mountTmpfs(t, 'size=1m')
  if (aside === null) return
  execFileSync('mount', ['--bind', aside, a], { stdio: 'pipe' })
  execFileSync('mount', ['--bind', aside, b], { stdio: 'pipe' })
  try {
    const faults = faultsOf(await withPlaceFaults(config, { signal, note: false }))
    assert.deepEqual(faults, [null, `E_CONFIG b: its folder ${b} is the same place as ${a} of a.`, null])
  } finally {
    for (const folder of [a, b]) execFileSync('umount', [folder], { stdio: 'pipe' })
  }
})

test('folders that are not there are no place', async (t) => {
  const config = await configured(t, LOCAL)
  assert.deepEqual(faultsOf(await withPlaceFaults(config, { signal, note: true })), [null, null, null])
})

test('a Google Drive folder by its id and by its name is one place', async (t) => {
  const drive = await startDriveStandIn({ storage: { discard: true }, refreshTokens: ['r1', 'r2'], scope: 'drive' })
  t.after(() => drive.close())
  const id = drive.addForeignFolder('Radiology')
  const one = (name: string, folder: string, token: string): string =>
    `  - { name: ${name}, type: google-drive, folder: '${folder}', oauth: { clientId: client-id, clientSecret: client-secret, refreshToken: ${token} } }\n`
  const config = await configured(t, one('a', `id:${id}`, 'r1') + one('b', 'Radiology', 'r2') + one('c', 'Other', 'r2'))
  const endpoints = { 'google-drive': drive.origin }
  const faults = faultsOf(await withPlaceFaults({ ...config, endpoints }, { signal, note: false }))
  assert.deepEqual(faults, [null, `E_CONFIG b: its folder Radiology is the same place as id:${id} of a.`, null])
})

test('a mount point without its disk is the fault of its destination, until the disk is back', async (t) => {
  const config = await configured(t, '  - { name: nas, type: local, folder: disk/backups }\n')
  const disk = path.join(config.base, 'disk')
  const mount = (): void => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' })
  }
  const unmount = (): void => {
    execFileSync('umount', [disk], { stdio: 'ignore' })
  }
  const faults = async (note: boolean): Promise<(string | null)[]> =>
    faultsOf(await withPlaceFaults(config, { signal, note }))
  await mkdir(path.join(disk, 'backups'), { recursive: true })
  assert.deepEqual(await faults(true), [null])
  try {
    mount()
  } catch {
    t.skip('no disk can be mounted here')
    return
  }
  try {
    await mkdir(path.join(disk, 'backups'))
    assert.deepEqual(await faults(true), [null], 'noted')
    unmount()
    const missing = `E_DESTINATION nas: the disk of ${disk}/backups is not there: nothing is mounted at ${disk}, as it was at earlier runs.`
    for (const note of [false, true, true]) assert.deepEqual(await faults(note), [missing])
  } finally {
    mount()
  }
  try {
    await mkdir(path.join(disk, 'backups'))
    assert.deepEqual(await faults(true), [null])
  } finally {
    unmount()
  }
})
