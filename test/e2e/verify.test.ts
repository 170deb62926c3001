/** `verify`: what is stored is what was sent, or it is found out. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { StatusResult, VerifyCheck, VerifyResult } from '../../src/stages/backup/results.ts'
import { withStateIfAny } from '../../src/cli/workplace.ts'
import { openState } from '../../src/stages/state/open-state.ts'
import { verifyArchive, type VerifyOptions } from '../../src/stages/verify/verify.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, onlyNas, type Rig, type Settings } from '../support/rig.ts'
import { createViewerDatabase, type ViewerDatabase } from '../support/viewer-database.ts'

const NAMES = ['hospital-dropbox', 'hospital-drive', 'nas'] as const
type Name = (typeof NAMES)[number]
const WINDOWS = process.platform === 'win32' && 'Windows has no signals to send'

/** A rig with a stored archive of a few files, among them one with a patient's name in its own. */
async function stored(t: TestContext, sections: Settings = {}): Promise<{ rig: Rig; archive: string }> {
  const rig = await makeRig(t, { archive: { compression: 'store' }, ...sections })
  for (let n = 0; n < 5; n += 1) await rig.put(`Müller^Jürgen/${n}.dcm`, randomBytes(300_000))
  const { code, result } = await rig.run()
  assert.equal(code, 0, JSON.stringify(result))
  return { rig, archive: result.archive!.name }
}

async function look(rig: Rig, change: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const log: string[] = []
  const note = (fields: object, message: string): void => {
    log.push(`${message} ${JSON.stringify(fields)}`)
  }
  const result = await withStateIfAny(rig.configFile, openState, ({ config, state, lost }) => {
    if (lost !== null) note({}, lost.message)
    return verifyArchive(config, {
      state,
      archive: null,
      from: null,
      deep: false,
      restoreTest: false,
      onWork: () => undefined,
      log: { info: note, warn: note },
      signal: new AbortController().signal,
      ...change,
    })
  })
  assert.doesNotMatch(log.join('\n'), /Müller|Jürgen/)
  return result
}

const of = ({ checks }: VerifyResult, name: string): VerifyCheck => {
  const found = checks.find(({ destination }) => destination === name)
  assert.ok(found, `${name} is told of`)
  return found
}

/** Flips a bit in the middle of the archive, or where `position` says. */
async function damage(rig: Rig, archive: string, name: Name, position: number | null = null): Promise<void> {
  if (name !== 'nas') {
    const standIn = name === 'hospital-dropbox' ? rig.dropbox : rig.drive
    const object = standIn.objects().find((one) => path.posix.basename(one.path) === archive)!
    await standIn.flipByte(object, position ?? Math.floor(object.bytes / 2))
    return
  }
  const file = await open(path.join(rig.nas, archive), 'r+')
  const { size } = await file.stat()
  const at = position ?? Math.floor(size / 2)
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, at)
  await file.close()
}

async function takeDown(rig: Rig, name: Name): Promise<void> {
  if (name === 'nas') await rename(rig.nas, `${rig.nas}.away`)
  else await (name === 'hospital-dropbox' ? rig.dropbox : rig.drive).close()
}

describe('verify', () => {
  test('compares what each destination says it holds with what was sent, without a download', async (t) => {
    const { rig, archive } = await stored(t)
    const before = [rig.dropbox.requests.count('download'), rig.drive.requests.count('download')]
    const { code, stdout } = await rig.cli('verify', '--json')
    assert.equal(code, 0)
    const result = JSON.parse(stdout) as VerifyResult
    assert.deepEqual(
      { archive: result.archive, ok: result.ok, checks: result.checks.map(({ detail: _, ...check }) => check) },
      {
        archive,
        ok: true,
        checks: [
          { destination: 'hospital-dropbox', ok: true, checked: true, method: 'provider-hash' },
          { destination: 'hospital-drive', ok: true, checked: true, method: 'provider-hash' },
          { destination: 'nas', ok: true, checked: true, method: 'read-back' },
        ],
      },
    )
    assert.deepEqual([rig.dropbox.requests.count('download'), rig.drive.requests.count('download')], before)
    const status = JSON.parse((await rig.cli('status', '--json')).stdout) as StatusResult
    assert.deepEqual({ ...status.lastVerified, at: '' }, { archive, at: '', ok: true, method: 'provider-hash' })
    assert.match((await rig.cli('status')).stdout, new RegExp(`Looked at .*${archive}; it is well`, 's'))
  })

  for (const name of NAMES) {
    test(`finds one byte that changed at ${name}, by its hash and by reading, and says which copy is well`, async (t) => {
      const { rig, archive } = await stored(t)
      await damage(rig, archive, name)
      const quick = await look(rig)
      const deep = await look(rig, { deep: true })
      for (const result of [quick, deep]) {
        assert.equal(result.ok, false)
        assert.deepEqual(
          result.checks.map(({ destination, ok, checked }) => [destination, ok, checked]),
          NAMES.map((one) => [one, one !== name, true]),
        )
      }
      assert.match(of(quick, name).detail, /is not that of what was sent/)
      assert.deepEqual(of(deep, name).damaged, [
        { path: 'dicom_files/Müller^Jürgen/2.dcm', reason: 'its content has another checksum (CRC-32)' },
      ])
      const people = await rig.cli('verify', '--deep')
      assert.equal(people.code, 1)
      assert.match(
        people.stdout,
        /1 of 3 checks failed.*1 of \d+ entries is not as they should be.*restore from there/s,
      )
      assert.doesNotMatch(people.stdout + people.stderr, /Müller|Jürgen/)
      assert.doesNotMatch(await readFile(path.join(rig.folder, 'logs/backup_scheduler.log'), 'utf8'), /Müller|Jürgen/)
      assert.equal(
        (
          await rig.cli(
            'verify',
            '--from',
            NAMES.find((one) => one !== name)!,
          )
        ).code,
        0,
      )
    })

    test(`with ${name} down checks the others, and exits with 3`, async (t) => {
      const { rig } = await stored(t)
      await takeDown(rig, name)
      const result = await look(rig, { deep: true })
      assert.equal(result.ok, false)
      assert.deepEqual(
        result.checks.map(({ destination, ok, checked }) => [destination, ok, checked]),
        NAMES.map((one) => [one, one !== name, one !== name]),
      )
      const { code, stdout } = await rig.cli('verify')
      assert.equal(code, 3)
      assert.match(stdout, /Not everything could be checked/)
    })
  }

  test('tells of a destination that has lost the newest archive, though an older one is there', async (t) => {
    const { rig, archive } = await stored(t, onlyNas)
    const { result: second } = await rig.run()
    assert.equal((await look(rig)).archive, second.archive!.name)
    await rm(path.join(rig.nas, second.archive!.name))
    const result = await look(rig)
    assert.deepEqual([result.archive, result.ok], [second.archive!.name, false])
    assert.match(of(result, 'nas').detail, /is not there/)
    assert.equal((await rig.cli('verify')).code, 1)
    assert.equal((await look(rig, { archive })).ok, true)
  })

  test('asks only destinations that stored it', async (t) => {
    const { rig } = await stored(t, onlyNas)
    await rig.configure({})
    const { checks, ok } = await look(rig)
    assert.deepEqual([ok, checks.map(({ destination }) => destination)], [true, ['nas']])
    const elsewhere = await look(rig, { from: 'hospital-drive' })
    assert.deepEqual([elsewhere.ok, of(elsewhere, 'hospital-drive').checked], [false, true])
  })

  test('an archive that is nowhere is an error that names what is there', async (t) => {
    const { rig, archive } = await stored(t, onlyNas)
    const { code, stdout } = await rig.cli('verify', 'nothing.zip', '--json')
    assert.equal(code, 1)
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
    assert.equal(error.code, 'E_DESTINATION')
    assert.ok(error.message.includes(archive))
    assert.equal((await rig.cli('verify', '--from', 'nobody')).code, 2)
  })

  test('a stop ends it with 130', { skip: WINDOWS }, async (t) => {
    const { rig } = await stored(t)
    rig.drive.faults.add({ route: 'download', nth: 'every', fault: { kind: 'slow', bytesPerSecond: 50_000 } })
    const { code } = await rig.cliWith(
      {
        onStart: (child) => {
          void (async () => {
            while (child.exitCode === null && rig.drive.requests.count('download') === 0) await sleep(20)
            child.kill('SIGINT')
          })()
        },
      },
      'verify',
      '--deep',
    )
    assert.equal(code, 130)
  })
})

describe('verify on a machine that has nothing but the configuration', () => {
  test('compares the copies with each other, and says so', async (t) => {
    const { rig, archive } = await stored(t)
    await rm(rig.state, { recursive: true })
    const result = await look(rig)
    assert.deepEqual([result.archive, result.ok], [archive, true])
    for (const name of NAMES) assert.match(of(result, name).detail, /what was sent is not known here/)
  })

  for (const name of NAMES) {
    test(`finds that ${name} has something else than the others, or that they differ`, async (t) => {
      const { rig, archive } = await stored(t)
      await damage(rig, archive, name)
      await rm(rig.state, { recursive: true })
      const result = await look(rig)
      assert.equal(of(result, name).ok, false)
      assert.match(of(result, name).detail, /not the same as at/)
      // The folder is what both services can be compared with: without it nobody agrees with anybody.
      const well = NAMES.filter((one) => of(result, one).ok)
      assert.deepEqual(well, name === 'nas' ? [] : NAMES.filter((one) => one !== name))
      assert.deepEqual(
        (await look(rig, { deep: true })).checks.filter(({ ok }) => !ok).map(({ destination }) => destination),
        [name],
      )
    })
  }

  test('of a single copy tells that its content was not checked, and with --deep that it is well', async (t) => {
    const { rig } = await stored(t, onlyNas)
    await rm(rig.state, { recursive: true })
    const quick = await look(rig)
    assert.deepEqual([quick.ok, of(quick, 'nas').checked], [false, false])
    assert.match(of(quick, 'nas').detail, /directory and manifest tell the same 6 entries.*--deep/)
    await rm(rig.state, { recursive: true })
    assert.equal((await rig.cli('verify')).code, 3)
    await rm(rig.state, { recursive: true })
    assert.equal((await rig.cli('verify', '--deep')).code, 0)
  })

  test('finds a single copy that was cut short, wherever', async (t) => {
    const { rig, archive } = await stored(t, onlyNas)
    const file = path.join(rig.nas, archive)
    const whole = await readFile(file)
    for (const bytes of [whole.length - 1, whole.length - 30, whole.length - 500, 400_000, 10, 0]) {
      await rm(rig.state, { recursive: true, force: true })
      await truncate(file, bytes)
      const result = await look(rig)
      assert.deepEqual([result.ok, of(result, 'nas').checked], [false, true], `${bytes} of ${whole.length} bytes`)
      await writeFile(file, whole)
    }
  })

  test('an archive without manifest is read by its checksums', async (t) => {
    const rig = await makeRig(t, onlyNas)
    const name = 'dicom_backup_2024-03-31_02-30-00.zip'
    const script =
      "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\nfor n in range(5): z.writestr(f'dicom_files/{n}.dcm', str(n) * 100000)\nz.writestr('database.sql', '-- a dump')\nz.close()"
    await promisify(execFile)('python3', ['-c', script, path.join(rig.nas, name)])
    const result = await look(rig, { deep: true })
    assert.deepEqual([result.archive, result.ok], [name, true])
    assert.match(of(result, 'nas').detail, /all of its 6 entries.*CRC-32 and size; it has no manifest/)
    await damage(rig, name, 'nas', 200)
    assert.equal((await look(rig, { deep: true })).ok, false)
  })
})

describe('verify --restore-test', () => {
  let server: MariaDb
  let viewer: ViewerDatabase
  before(async () => {
    server = await startMariaDb()
    viewer = await createViewerDatabase(server, { patients: 40 })
  })
  after(() => server.close())
  const database = () => ({ socket: server.socket, user: server.user, password: server.password, name: viewer.name })
  const scratch = () => server.query("SHOW DATABASES LIKE 'dicom\\_backup\\_test\\_%'")

  test('loads the dump, tells tables and rows, and leaves nothing behind', async (t) => {
    const { rig } = await stored(t, { database: database() })
    const { code, stdout } = await rig.cli('verify', '--restore-test', '--json')
    assert.equal(code, 0)
    const { checks } = JSON.parse(stdout) as VerifyResult
    assert.equal(checks.length, 1)
    assert.equal(checks[0]?.method, 'restore-test')
    const rows = await server.query(
      `SELECT ${viewer.tables.map((table) => `(SELECT COUNT(*) FROM ${table})`).join('+')} AS n`,
      viewer.name,
    )
    assert.match(checks[0].detail, new RegExp(`${viewer.tables.length} tables with ${String(rows[0]?.['n'])} rows`))
    assert.deepEqual(await scratch(), [])
    const both = await look(rig, { deep: true, restoreTest: true })
    assert.deepEqual(both.checks.map(({ method }) => method).sort(), ['deep', 'deep', 'deep', 'restore-test'])
  })

  test('finds a dump that is damaged, and leaves nothing behind', async (t) => {
    const { rig, archive } = await stored(t, { database: database() })
    await damage(rig, archive, 'nas', 2000)
    const result = await look(rig, { restoreTest: true, from: 'nas' })
    assert.deepEqual([result.ok, of(result, 'nas').checked], [false, true])
    assert.deepEqual(await scratch(), [])
    assert.equal((await look(rig, { restoreTest: true, from: 'hospital-drive' })).ok, true)
  })

  test('that is stopped leaves nothing behind', { skip: WINDOWS }, async (t) => {
    await createViewerDatabase(server, { name: 'larger', patients: 3000 })
    const { rig } = await stored(t, { database: { ...database(), name: 'larger' } })
    let seen = false
    const { code } = await rig.cliWith(
      {
        onStart: (child) => {
          void (async () => {
            while (child.exitCode === null && (await scratch()).length === 0) await sleep(5)
            seen = child.exitCode === null
            child.kill('SIGINT')
          })()
        },
      },
      'verify',
      '--restore-test',
    )
    assert.ok(seen, 'it was stopped while its database was there')
    assert.equal(code, 130)
    assert.deepEqual(await scratch(), [])
  })

  test('without a server in the configuration is wrong usage; without a database in the archive, unchecked', async (t) => {
    const { rig } = await stored(t, onlyNas)
    assert.equal((await rig.cli('verify', '--restore-test')).code, 2)
    await rig.configure({ ...onlyNas, database: database() })
    const { code, stdout } = await rig.cli('verify', '--restore-test')
    assert.equal(code, 3)
    assert.match(stdout, /there is no database in it/)
  })

  test('a server that cannot be reached says nothing about the archive', async (t) => {
    const { rig } = await stored(t, { ...onlyNas, database: database() })
    await rig.configure({ ...onlyNas, database: { ...database(), socket: '/nowhere' } })
    const result = await look(rig, { restoreTest: true })
    assert.deepEqual([result.ok, of(result, 'nas').checked], [false, false])
  })
})

test('a record that cannot be read is taken for one that is lost', async (t) => {
  const { rig } = await stored(t)
  await writeFile(path.join(rig.state, 'state.sqlite'), randomBytes(5000))
  const result = await look(rig)
  assert.equal(result.ok, true)
  assert.match(of(result, 'nas').detail, /what was sent is not known here/)
})

test('a state folder that cannot be written to does not take the result away', async (t) => {
  const { rig } = await stored(t, onlyNas)
  await rm(rig.state, { recursive: true })
  await writeFile(rig.state, 'a file in its place')
  assert.equal((await look(rig, { deep: true })).ok, true)
  const { code, stderr } = await rig.cli('verify', '--deep')
  assert.equal(code, 0)
  assert.match(stderr, /the result is not recorded/)
})
