/** What goes wrong for administrators, each tried, each ending as the contract says. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, onlyNas, SECRETS, type Settings } from '../support/rig.ts'
import { createViewerDatabase } from '../support/viewer-database.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb({ tcp: true })
  await createViewerDatabase(server, { patients: 3 })
})
after(() => server.close())

const database = (change: Settings = {}): Settings => ({
  database: { socket: server.socket, user: server.user, password: server.password, name: 'dicom_viewer', ...change },
})
const overTcp = (change: Settings): Settings => ({
  database: {
    host: '127.0.0.1',
    port: server.port,
    user: server.user,
    password: server.password,
    name: 'dicom_viewer',
    ...change,
  },
})

describe('a run whose sources fail stores nothing anywhere, exits with 1 and says why', () => {
  const cases: Record<string, { sections: () => Settings; code: string; says: RegExp }> = {
    'a wrong database password': {
      sections: () => database({ password: 'wrong' }),
      code: 'E_AUTH',
      says: /Access denied/,
    },
    'an unknown database': { sections: () => database({ name: 'nowhere' }), code: 'E_DUMP', says: /nowhere/ },
    'a missing dump program': {
      sections: () => database({ dumpCommand: 'no-such-dump' }),
      code: 'E_DUMP',
      says: /no-such-dump/,
    },
    'a database port where nobody listens': {
      sections: () => overTcp({ port: 1 }),
      code: 'E_DUMP',
      says: /127\.0\.0\.1|connect/i,
    },
    'a database host that cannot be found': {
      sections: () => overTcp({ host: 'no-such-host.invalid' }),
      code: 'E_DUMP',
      says: /no-such-host/,
    },
    'an archive folder that does not exist': {
      sections: () => ({ dicom: { root: 'gone' } }),
      code: 'E_SOURCE',
      says: /gone does not exist/,
    },
    'an archive folder that is a file': {
      sections: () => ({ dicom: { root: 'dicom-backup.yaml' } }),
      code: 'E_SOURCE',
      says: /not a folder/,
    },
  }
  for (const [what, { sections, code, says }] of Object.entries(cases)) {
    test(what, async (t) => {
      const rig = await makeRig(t)
      await rig.configure(sections())
      await rig.put('a.dcm', 'x')
      const { code: exit, result } = await rig.run()
      assert.equal(exit, 1)
      assert.equal(result.status, 'failed')
      assert.match(result.reason ?? '', says)
      assert.equal(result.archive, null)
      for (const one of result.destinations) {
        assert.equal(one.status, 'failed')
        assert.equal(one.error?.code, code)
      }
      assert.deepEqual(await rig.visible(), [])
    })
  }
})

describe('one destination that fails does not keep the others from theirs: exit 3', () => {
  const folders = (change: Settings): Settings => ({
    destinations: [
      { name: 'good', type: 'local', folder: 'nas' },
      { name: 'bad', type: 'local', folder: 'elsewhere', ...change },
    ],
  })
  const cloud = (change: Settings): Settings => ({
    destinations: [
      { name: 'good', type: 'local', folder: 'nas' },
      { name: 'bad', type: 'dropbox', folder: '/x', accessToken: SECRETS.dropboxToken, ...change },
    ],
  })
  const cases: Record<string, { sections: Settings; code: string; says: RegExp }> = {
    'a folder that does not exist': { sections: folders({}), code: 'E_DESTINATION', says: /does not exist/ },
    'a signed-out account': {
      sections: cloud({ accessToken: 'sl.revoked-token-000000000' }),
      code: 'E_AUTH',
      says: /bad/,
    },
  }
  for (const [what, { sections, code, says }] of Object.entries(cases)) {
    test(what, async (t) => {
      const rig = await makeRig(t, sections)
      await rig.put('a.dcm', 'x')
      const { code: exit, result } = await rig.run()
      assert.equal(exit, 3, JSON.stringify(result))
      assert.equal(result.status, 'partial')
      const [good, bad] = result.destinations
      assert.equal(good?.status, 'completed')
      assert.equal(bad?.status, 'failed')
      assert.equal(bad.error?.code, code)
      assert.match(bad.error.message, says)
      assert.equal((await rig.visible()).length, 1)
    })
  }

  test('a full account', async (t) => {
    const rig = await makeRig(t)
    rig.dropbox.quotaBytes = 10
    await rig.put('a.dcm', Buffer.alloc(100_000, 'x'))
    const { code, result } = await rig.run()
    assert.equal(code, 3)
    assert.equal(result.destinations[0]?.error?.code, 'E_QUOTA')
    assert.deepEqual(
      result.destinations.slice(1).map(({ status }) => status),
      ['completed', 'completed'],
    )
  })

  test(
    'a full disk at the folder',
    { skip: process.getuid?.() !== 0 && 'needs a file system of its own, so root' },
    async (t) => {
      const rig = await makeRig(t)
      const small = path.join(rig.folder, 'small')
      await mkdir(small)
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small], { stdio: 'pipe' })
      } catch {
        t.skip('this machine mounts no tmpfs')
        return
      }
      try {
        await rig.configure(folders({ folder: 'small' }))
        await rig.put('a.dcm', randomBytes(3 << 20))
        const { code, result } = await rig.run()
        assert.equal(code, 3, JSON.stringify(result))
        assert.equal(result.destinations[1]?.error?.code, 'E_QUOTA')
        assert.deepEqual(await readdir(small), [`${result.archive?.name}.partial`], 'the next run goes on there')
        execFileSync('mount', ['-o', 'remount,size=8m', small], { stdio: 'pipe' })
        const next = await rig.run()
        assert.equal(next.code, 0, JSON.stringify(next.result))
        const [good, bad] = next.result.destinations
        assert.deepEqual([good?.bytesSent, next.result.archive], [0, result.archive])
        assert.ok(bad!.bytesSent > 0 && bad!.bytesSent <= result.archive!.bytes)
        assert.deepEqual(await readdir(small), [result.archive?.name])
        const name = result.archive!.name
        assert.ok((await readFile(path.join(small, name))).equals(await readFile(path.join(rig.nas, name))))
      } finally {
        execFileSync('umount', ['-l', small])
      }
    },
  )

  test("one flipped byte in a service's storage is told, and that copy removed", async (t) => {
    const rig = await makeRig(t)
    rig.drive.faults.add({ route: 'final', nth: 1, fault: { kind: 'flip' } })
    await rig.put('a.dcm', 'x')
    const { code, result } = await rig.run()
    assert.equal(code, 3, JSON.stringify(result))
    assert.equal(result.destinations[1]?.error?.code, 'E_INTEGRITY')
    assert.deepEqual(rig.drive.objects(), [])
    assert.deepEqual(rig.drive.faults.unused(), [])
  })
})

test('when every destination fails nothing is stored: exit 1, and each says why', async (t) => {
  const rig = await makeRig(t)
  await rig.put('a.dcm', 'x')
  rig.dropbox.expireTokens()
  rig.drive.revoke(SECRETS.refreshToken)
  await rm(rig.nas, { recursive: true })
  const { code, result } = await rig.run()
  assert.equal(code, 1)
  assert.equal(result.status, 'failed')
  assert.deepEqual(
    result.destinations.map(({ error }) => error?.code),
    ['E_AUTH', 'E_AUTH', 'E_DESTINATION'],
  )
})

test('an empty archive folder is stored but told: exit 3', async (t) => {
  const rig = await makeRig(t)
  const { code, result } = await rig.run()
  assert.equal(code, 3)
  assert.deepEqual(
    result.warnings.map((warning) => warning.code),
    ['source-empty'],
  )
  assert.deepEqual(
    result.destinations.map(({ status }) => status),
    ['completed', 'completed', 'completed'],
  )
})

test('a state folder that cannot be used is told before anything is begun: exit 1', async (t) => {
  const rig = await makeRig(t, onlyNas)
  await writeFile(path.join(rig.folder, 'file'), '')
  await rig.configure({ ...onlyNas, state: { dir: 'file/state' } })
  const { code, stdout } = await rig.cli('run', '--json')
  assert.equal(code, 1)
  assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'E_STATE')
})

test('a run that cannot be recorded is stored all the same, and told: exit 3', async (t) => {
  const rig = await makeRig(t)
  await rig.put('a.dcm', 'x')
  assert.equal((await rig.run()).code, 0)
  const state = new DatabaseSync(path.join(rig.state, 'state.sqlite'))
  state.exec("CREATE TRIGGER full BEFORE INSERT ON runs BEGIN SELECT RAISE(FAIL, 'no room'); END")
  state.close()
  const { code, result } = await rig.run()
  assert.equal(code, 3, JSON.stringify(result))
  assert.deepEqual(
    result.warnings.map((warning) => warning.code),
    ['state-unusable'],
  )
  assert.ok(result.destinations.every(({ status }) => status === 'completed'))
})
