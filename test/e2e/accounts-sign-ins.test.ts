/** What becomes of a sign-in after `accounts connect`: revoked, damaged, forgotten. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import {
  connectWithBrowser,
  DRIVE,
  DROPBOX,
  nextSecond,
  signInsOf,
  statusOf,
  UNCONNECTED,
  unconnectedRig,
} from '../support/connecting.ts'
import { onlyNas } from '../support/rig.ts'

const POSIX_ONLY = process.platform === 'win32' && 'the browser of these tests is a shell script'

describe('a sign-in that was revoked', { skip: POSIX_ONLY }, () => {
  test('is told in plain words, costs the others nothing, and is mended by connecting again', async (t) => {
    const name = DRIVE
    const rig = await unconnectedRig(t)
    await rig.configure({ destinations: UNCONNECTED.destinations.filter((one) => [name, 'nas'].includes(one.name)) })
    assert.equal((await connectWithBrowser(rig, name)).code, 0)
    rig.drive.revoke(signInsOf(rig)[0]?.refreshToken ?? '')
    const says = new RegExp(`no longer accepts the sign-in .*Connect it again: dicom-backup accounts connect ${name}`)
    const { code, stdout } = await rig.cli('accounts', 'test')
    assert.equal(code, 3)
    assert.match(stdout.replaceAll(/\n */g, ' '), says)
    const { result } = await rig.run()
    assert.match(result.destinations[0]?.error?.message ?? '', says)
    assert.deepEqual(
      result.destinations.map((one) => [one.status, one.error?.code ?? null]),
      [
        ['failed', 'E_AUTH'],
        ['completed', null],
      ],
    )
    const lapsed = await statusOf(rig)
    assert.deepEqual([lapsed.code, lapsed.of(name)], [3, 'lapsed'])
    await nextSecond()
    // A run that does not have it says nothing of it.
    await rig.run('--destination', 'nas')
    assert.equal((await connectWithBrowser(rig, name)).code, 0)
    await rig.run('--destination', 'nas')
    assert.equal((await statusOf(rig)).of(name), 'ok')
    assert.equal((await rig.run()).code, 0)
    const again = await statusOf(rig)
    assert.deepEqual([again.code, again.of(name)], [0, 'ok'])
  })
})

describe('a sign-in in the state folder', { skip: POSIX_ONLY }, () => {
  test('that is damaged costs the others no backup; it outlives the record of runs', async (t) => {
    const rig = await unconnectedRig(t)
    await rig.configure({ destinations: [UNCONNECTED.destinations[0], UNCONNECTED.destinations[2]] })
    assert.equal((await connectWithBrowser(rig, DROPBOX)).code, 0)
    const [name = ''] = await readdir(path.join(rig.state, 'sign-ins'))
    const file = path.join(rig.state, 'sign-ins', name)
    const whole = await readFile(file)
    await writeFile(file, whole.subarray(0, 40))
    const { code, result } = await rig.run()
    assert.equal(code, 3)
    assert.match(result.destinations[0]?.error?.message ?? '', /sign-ins.*\.json, is damaged\. Connect it again: /)
    assert.deepEqual(
      result.destinations.map((one) => [one.status, one.error?.code ?? null]),
      [
        ['failed', 'E_AUTH'],
        ['completed', null],
      ],
    )
    const status = await statusOf(rig)
    assert.deepEqual([status.code, status.of(DROPBOX)], [3, 'lapsed'])
    await writeFile(file, whole)
    await writeFile(path.join(rig.state, 'state.sqlite'), 'no database')
    const tested = await rig.cli('accounts', 'test')
    assert.equal(tested.code, 0, tested.stdout)
  })
})

describe('accounts disconnect', { skip: POSIX_ONLY }, () => {
  test('forgets a sign-in, a damaged one and that of a destination which is gone; then there is none', async (t) => {
    const rig = await unconnectedRig(t)
    const out = async (): Promise<[number | null, unknown]> => {
      const { code, stdout } = await rig.cli('accounts', 'disconnect', DROPBOX, '--json')
      return [code, JSON.parse(stdout)]
    }
    for (const prepare of [
      () => Promise.resolve(),
      async () => {
        const folder = path.join(rig.state, 'sign-ins')
        for (const file of await readdir(folder)) await writeFile(path.join(folder, file), '{')
      },
      () => rig.configure(onlyNas),
    ]) {
      assert.equal((await connectWithBrowser(rig, DROPBOX)).code, 0)
      await prepare()
      assert.deepEqual(await out(), [0, { name: DROPBOX, forgotten: true }])
      assert.deepEqual(signInsOf(rig), [])
    }
    assert.equal((await out())[0], 2)
    await rig.configure(UNCONNECTED)
    assert.deepEqual(await out(), [0, { name: DROPBOX, forgotten: false }])
    assert.equal((await statusOf(rig)).of(DROPBOX), 'none')
  })
})
