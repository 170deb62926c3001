/** `verify`: what is stored is what was sent, or it is found out. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { ObjectDigest } from '../../src/pipeline/contract/digests.ts'
import type { GoogleDriveConfig } from '../../src/stages/destinations/google-drive/settings.ts'
import { openDestination } from '../../src/stages/destinations/open.ts'
import type { StatusResult, VerifyResult } from '../../src/stages/contract/results.ts'
import { makeRig, onlyNas, SECRETS } from '../support/rig.ts'
import { damage, look, NAMES, of, stored, takeDown, WINDOWS } from '../support/verify-rig.ts'

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
    assert.match((await rig.cli('status')).stdout, new RegExp(`Last verified .*${archive} is\\s+intact`, 's'))
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
      assert.match(of(quick, name).detail, /does not match what was sent/)
      assert.deepEqual(of(deep, name).damaged, [
        { path: 'dicom_files/Müller^Jürgen/2.dcm', reason: 'its content has another checksum (CRC-32)' },
      ])
      const people = await rig.cli('verify', '--deep')
      assert.equal(people.code, 1)
      assert.match(people.stdout, /1 of 3 checks failed.*1 of \d+ entries is damaged.*restore it with/s)
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
    assert.match(of(result, 'nas').detail, /no longer exists|is not there/)
    assert.equal((await rig.cli('verify')).code, 1)
    assert.equal((await look(rig, { archive })).ok, true)
  })

  test('takes, of two objects of one name, the whole one that the record knows, and tells of the other; so does restore', async (t) => {
    const { rig, archive } = await stored(t)
    const whole = await readFile(path.join(rig.nas, archive))
    const cut = whole.subarray(0, whole.length / 2)
    const config: GoogleDriveConfig = {
      name: 'hospital-drive',
      type: 'google-drive',
      folder: 'DICOM_Backups',
      oauth: { clientId: 'client-id', clientSecret: SECRETS.clientSecret, refreshToken: SECRETS.refreshToken },
      credentialsFile: null,
      chunkSize: null,
    }
    const drive = openDestination(config, { 'google-drive': rig.drive.origin })
    t.after(() => drive.close())
    const digest = new ObjectDigest()
    digest.update(cut)
    const { signal } = new AbortController()
    const upload = await drive.begin(archive, signal)
    await upload.commit({ offset: 0, tail: [cut], bytes: cut.length, digests: digest.digests() }, signal)
    assert.equal((await drive.stat(archive, signal))?.bytes, cut.length, 'the cut one is the newest')

    for (const deep of [false, true]) {
      const result = await look(rig, { deep })
      assert.equal(result.ok, true, JSON.stringify(result))
      const message =
        'hospital-drive has 1 more object of this name, not checked. Check which one is damaged before you delete any.'
      assert.deepEqual(of(result, 'hospital-drive').warnings, [{ code: 'same-name', message }])
      assert.equal(of(result, 'nas').warnings, undefined)
    }
    const to = path.join(rig.folder, 'restored')
    const restore = await rig.cli('restore', '--from', 'hospital-drive', '--to', to)
    assert.equal(restore.code, 0, restore.stdout + restore.stderr)
    for (let n = 0; n < 5; n += 1) {
      const file = `Müller^Jürgen/${n}.dcm`
      assert.deepEqual(await readFile(path.join(to, 'dicom_files', file)), await readFile(path.join(rig.root, file)))
    }
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
    for (const name of NAMES) assert.match(of(result, name).detail, /what was sent is unknown here/)
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
    assert.match(of(quick, 'nas').detail, /directory and manifest agree on 6 entries.*--deep/)
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

test('a record that cannot be read is taken for one that is lost', async (t) => {
  const { rig } = await stored(t)
  await writeFile(path.join(rig.state, 'state.sqlite'), randomBytes(5000))
  const result = await look(rig)
  assert.equal(result.ok, true)
  assert.match(of(result, 'nas').detail, /what was sent is unknown here/)
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
