/**
 * `doctor`: with everything well it says so; with one thing broken that check fails, and only that, and it says what to
 * do.
 */
import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { DoctorCheck, DoctorResult } from '../../src/stages/contract/results.ts'
import { findProgram, startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, SECRETS, type Rig, type Settings } from '../support/rig.ts'
import { createViewerDatabase } from '../support/viewer-database.ts'

const HOUR = 3_600_000

let server: MariaDb
before(async () => {
  server = await startMariaDb()
  await createViewerDatabase(server, { patients: 3 })
  await server.query(`
    CREATE DATABASE old_viewer;
    CREATE TABLE old_viewer.images (id INT) ENGINE=MyISAM;
    CREATE DATABASE broken_viewer;
    CREATE TABLE broken_viewer.gone (id INT);
    CREATE VIEW broken_viewer.worklist AS SELECT id FROM broken_viewer.gone;
    DROP TABLE broken_viewer.gone;
    CREATE USER leaver@localhost;
    GRANT ALL ON broken_viewer.* TO leaver@localhost;
    CREATE DEFINER=leaver@localhost FUNCTION broken_viewer.f() RETURNS INT DETERMINISTIC RETURN 1;
    CREATE DEFINER=leaver@localhost VIEW broken_viewer.by_leaver AS SELECT broken_viewer.f() AS x;
    DROP USER leaver@localhost;
    CREATE USER all_but_trigger IDENTIFIED BY 'secret';
    GRANT SELECT, SHOW VIEW, EVENT, EXECUTE ON dicom_viewer.* TO all_but_trigger;
    GRANT SELECT ON mysql.proc TO all_but_trigger;
    CREATE USER enough IDENTIFIED BY 'secret';
    GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON dicom_viewer.* TO enough;
    GRANT SELECT ON mysql.proc TO enough`)
})
after(() => server.close())

const database = (change: Settings = {}): Settings => ({
  database: { socket: server.socket, user: server.user, password: server.password, name: 'dicom_viewer', ...change },
})

async function wellRig(t: TestContext, driveOptions: Parameters<typeof makeRig>[2] = {}): Promise<Rig> {
  const rig = await makeRig(t, database(), driveOptions)
  await rig.put('a.dcm', 'x')
  return rig
}

async function examine(
  rig: Rig,
): Promise<{ readonly code: number | null; readonly result: DoctorResult; readonly failed: readonly DoctorCheck[] }> {
  const { code, stdout } = await rig.cli('doctor', '--json')
  const result = JSON.parse(stdout) as DoctorResult
  return { code, result, failed: result.checks.filter(({ ok }) => !ok) }
}

const CHECKS = [
  'configuration',
  'archive folder',
  'database',
  'dump program',
  'state folder',
  'log file',
  'destination hospital-dropbox',
  'destination hospital-drive',
  'destination nas',
  'clock',
]

test('with everything well each check is ok and says what was found: exit 0', async (t) => {
  const rig = await wellRig(t)
  await rig.configure(database({ user: 'enough', password: 'secret' }))
  await chmod(rig.configFile, 0o600)
  const { code, result } = await examine(rig)
  assert.equal(code, 0, JSON.stringify(result))
  assert.equal(result.ok, true)
  assert.deepEqual(
    result.checks.map(({ name, ok, level, remedy }) => [name, ok, level, remedy]),
    CHECKS.map((name) => [name, true, 'ok', '']),
  )
  const details = Object.fromEntries(result.checks.map(({ name, detail }) => [name, detail]))
  assert.match(details['database']!, /dicom_viewer: .*MariaDB.*9 tables/)
  assert.match(details['dump program']!, /mariadb-dump|mysqldump/)
  assert.match(details['destination nas']!, /nas, writable, [\d.]+ [KMGT]iB free$/)
  const people = await rig.cli('doctor')
  assert.equal(people.code, 0)
  assert.match(people.stdout, /\[ok\] Everything a run needs works\n$/)
  assert.match(people.stdout, /\[ok\] destination nas\s+\S+\/nas,\s+writable,\s/)
  assert.match(people.stdout, /\[ok\] destination hospital-drive\s+backup@hospital\.example,\s+may\s+write\s+to\s/)
})

test(
  'a warning is no [ok], and fails nothing',
  { skip: process.platform === 'win32' && 'Windows has no modes' },
  async (t) => {
    const rig = await makeRig(t)
    await rig.put('a.dcm', 'x')
    await chmod(rig.configFile, 0o644)
    const { code, result } = await examine(rig)
    assert.equal(code, 0)
    assert.deepEqual(
      result.checks.filter(({ level }) => level !== 'ok').map(({ name, ok, level }) => [name, ok, level]),
      [['configuration', true, 'warning']],
    )
    const { stdout } = await rig.cli('doctor')
    assert.match(stdout, /\[ !\] configuration/)
    assert.match(stdout, /\[ !\] Everything a run needs works, with 1 warning\n$/)
  },
)

test('files alone need no database', async (t) => {
  const rig = await makeRig(t)
  await rig.put('a.dcm', 'x')
  const { code, result } = await examine(rig)
  assert.equal(code, 0, JSON.stringify(result))
  assert.deepEqual(
    result.checks.map(({ name }) => name),
    CHECKS.filter((name) => !/database|dump/.test(name)),
  )
})

/** Stands before a service whose clock differs from ours by so many ms. */
async function otherClock(t: TestContext, origin: string, off: number): Promise<string> {
  const proxy = http.createServer((request, response) => {
    const onward = http.request(
      new URL(request.url ?? '/', origin),
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, {
          ...answer.headers,
          date: new Date(Date.now() + off).toUTCString(),
        })
        answer.pipe(response)
      },
    )
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

/** All files, but for what the service keeps of an upload that was begun: it shows nowhere. */
async function left(rig: Rig): Promise<string[]> {
  const names = await readdir(rig.folder, { recursive: true })
  return names.filter((name) => !name.endsWith('.part')).sort()
}

interface Broken {
  readonly check: string
  readonly how: (rig: Rig, t: TestContext) => unknown
  readonly detail: RegExp
  readonly remedy: RegExp
  readonly skip?: string | false
  readonly driveOptions?: Parameters<typeof makeRig>[2]
}

describe('with one thing broken that check fails, and only that, with a remedy: exit 1', () => {
  const cases: Record<string, Broken> = {
    'a wrong database password': {
      check: 'database',
      how: (rig) => rig.configure(database({ password: 'wrong' })),
      detail: /Access denied/,
      remedy: /database\.password/,
    },
    'an unknown database': {
      check: 'database',
      how: (rig) => rig.configure(database({ name: 'nowhere' })),
      detail: /nowhere/,
      remedy: /database\.name/,
    },
    'a database server that is not running': {
      check: 'database',
      how: (rig) => rig.configure(database({ socket: 'no-socket' })),
      detail: /no-socket/,
      remedy: /server is running/,
    },
    'a missing privilege': {
      check: 'database',
      how: (rig) => rig.configure(database({ user: 'all_but_trigger', password: 'secret' })),
      detail: /is missing TRIGGER \(triggers are left out of the dump\)$/,
      // Named as in the grant it has: of two that differ the server would take one.
      remedy: /GRANT TRIGGER ON `dicom_viewer`\.\* TO `all_but_trigger`/,
    },
    'a table that knows no transactions': {
      check: 'database',
      how: (rig) => rig.configure(database({ name: 'old_viewer' })),
      detail: /not transactional.*images/,
      remedy: /InnoDB/,
    },
    'a view over a table that is gone, and one whose definer is': {
      check: 'database',
      how: (rig) => rig.configure(database({ name: 'broken_viewer' })),
      detail:
        /these views cannot be dumped, .*leaves them out.*by_leaver \(.*'leaver'@'localhost'.*\(1449\)\), worklist \(.*\(1356\)\)$/,
      remedy: /Repair or drop each of them/,
    },
    'a dump program that cannot dump what the server shows': {
      check: 'dump program',
      how: async (rig) => {
        const program = path.join(rig.folder, 'failing-dump')
        const real = findProgram('mariadb-dump') ?? ''
        const fails = 'echo "mariadb-dump: Got error: 2026: TLS/SSL error" >&2; exit 2'
        const asked = `case "$2" in --version|--help) exec ${real} "$@";; esac`
        await writeFile(program, `#!/bin/sh\n${asked}\n${fails}\n`, { mode: 0o755 })
        await rig.configure(database({ dumpCommand: program }))
      },
      detail: /dump of database dicom_viewer failed: Got error: 2026/,
      remedy: /TLS/,
    },
    'a server that only the dump program can use': {
      check: 'database',
      how: async (rig) => {
        const program = path.join(rig.folder, 'own-dump')
        const real = findProgram('mariadb-dump') ?? ''
        const asked = `case "$2" in --version|--help) exec ${real} "$@";; esac`
        const own = `exec ${real} --no-defaults --socket=${server.socket} --user=root dicom_viewer`
        await writeFile(program, `#!/bin/sh\n${asked}\n${own}\n`, { mode: 0o755 })
        await rig.configure(database({ dumpCommand: program, password: 'wrong' }))
      },
      detail:
        /Access denied.*The dump program can sign in, so backups are made, but each ends with a warning \(exit 3\)/,
      remedy: /database\.password/,
    },
    'a missing dump program': {
      check: 'dump program',
      how: (rig) => rig.configure(database({ dumpCommand: 'no-such-dump' })),
      detail: /no-such-dump/,
      remedy: /database\.dumpCommand/,
    },
    'a dump program that is another program': {
      check: 'dump program',
      how: (rig) => rig.configure(database({ dumpCommand: process.execPath })),
      detail: /is not mysqldump or mariadb-dump|does not run/,
      remedy: /database\.dumpCommand/,
    },
    'an archive folder that is gone': {
      check: 'archive folder',
      how: (rig) => rename(rig.root, path.join(rig.folder, 'moved')),
      detail: /does not exist/,
      remedy: /Connect the drive/,
    },
    'an archive folder that is empty': {
      check: 'archive folder',
      how: (rig) => rm(path.join(rig.root, 'a.dcm')),
      detail: /is empty/,
      remedy: /drive is connected/,
    },
    'a state folder below a file': {
      check: 'state folder',
      how: async (rig) => {
        await writeFile(path.join(rig.folder, 'file'), '')
        await rig.configure({ ...database(), state: { dir: 'file/state' } })
      },
      detail: /file is not a folder/,
      remedy: /Move the file \S+file away/,
    },
    'a state folder that may not be written to': {
      check: 'state folder',
      skip:
        process.getuid?.() === 0 ? 'root may write everywhere' : process.platform === 'win32' && 'Windows has no modes',
      how: async (rig) => {
        await mkdir(rig.state)
        await chmod(rig.state, 0o500)
      },
      detail: /may not be written to/,
      remedy: /right to write/,
    },
    'a log file that is a folder': {
      check: 'log file',
      how: async (rig) => {
        await mkdir(path.join(rig.folder, 'log'))
        await rig.configure({ ...database(), log: { file: 'log' } })
      },
      detail: /may not be written to/,
      remedy: /log\.file/,
    },
    'a Dropbox account that is signed out': {
      check: 'destination hospital-dropbox',
      how: (rig) => {
        rig.dropbox.expireTokens()
      },
      detail: /hospital-dropbox/,
      remedy: /\S/,
    },
    'a Google account that is signed out': {
      check: 'destination hospital-drive',
      how: (rig) => {
        rig.drive.revoke(SECRETS.refreshToken)
      },
      detail: /hospital-drive/,
      remedy: /\S/,
    },
    'a Dropbox app that may not write files': {
      check: 'destination hospital-dropbox',
      how: (rig) => {
        rig.dropbox.lackScope('files.content.write', 'app')
      },
      detail: /the permission files\.content\.write/,
      remedy: /Tick files\.content\.write .* accounts connect hospital-dropbox/,
    },
    'a Dropbox sign-in that may not list files': {
      check: 'destination hospital-dropbox',
      how: (rig) => {
        rig.dropbox.lackScope('files.metadata.read', 'token')
      },
      detail: /the permission files\.metadata\.read/,
      remedy: /Tick files\.metadata\.read/,
    },
    'a Dropbox folder that may only be read': {
      check: 'destination hospital-dropbox',
      how: (rig) => {
        rig.dropbox.shareReadOnly('/DICOM_Backups')
      },
      detail: /\/DICOM_Backups is shared with this account to read only/,
      remedy: /right to edit \/DICOM_Backups/,
    },
    'a Google Drive folder that may only be read': {
      check: 'destination hospital-drive',
      how: (rig) => {
        rig.drive.addForeignFolder('DICOM_Backups', undefined, true)
      },
      driveOptions: { scope: 'drive' },
      detail: /may only read the Google Drive folder DICOM_Backups/,
      remedy: /Share DICOM_Backups with this account as an editor/,
    },
    'a Google sign-in that may only read': {
      check: 'destination hospital-drive',
      how: () => undefined,
      driveOptions: { scope: 'drive.readonly' },
      detail: /is missing the permission to change files in Google Drive/,
      remedy: /accounts connect hospital-drive/,
    },
    'a full Dropbox account': {
      check: 'destination hospital-dropbox',
      how: (rig) => {
        rig.dropbox.quotaBytes = 0
      },
      detail: /, 0 B free$/,
      remedy: /Free space in the Dropbox account backup@hospital\.example/,
    },
    'a full Google account': {
      check: 'destination hospital-drive',
      how: (rig) => {
        rig.drive.quotaBytes = 0
      },
      detail: /, 0 B free$/,
      remedy: /Free space in the Google account backup@hospital\.example/,
    },
    'a service that does not answer': {
      check: 'destination hospital-drive',
      how: (rig) =>
        rig.configure({
          ...database(),
          endpoints: { dropbox: rig.dropbox.origin, 'google-drive': 'http://127.0.0.1:1' },
        }),
      detail: /refuses the connection/,
      remedy: /firewall/,
    },
    'a destination folder that is gone': {
      check: 'destination nas',
      how: (rig) => rm(rig.nas, { recursive: true }),
      detail: /does not exist/,
      remedy: /connect the drive/,
    },
    'a clock that is an hour slow': {
      check: 'clock',
      how: async (rig, t) => {
        const drive = await otherClock(t, rig.drive.origin, HOUR)
        await rig.configure({ ...database(), endpoints: { dropbox: rig.dropbox.origin, 'google-drive': drive } })
      },
      detail: /(?:60|59) minutes behind/,
      remedy: /Set the clock/,
    },
    'a clock that is an hour fast': {
      check: 'clock',
      how: async (rig, t) => {
        const drive = await otherClock(t, rig.drive.origin, -HOUR)
        await rig.configure({ ...database(), endpoints: { dropbox: rig.dropbox.origin, 'google-drive': drive } })
      },
      detail: /(?:60|61) minutes ahead/,
      remedy: /Set the clock/,
    },
  }
  for (const [what, { check, how, detail, remedy, skip = false, driveOptions }] of Object.entries(cases)) {
    test(what, { skip }, async (t) => {
      const rig = await wellRig(t, driveOptions)
      await how(rig, t)
      const before = await left(rig)
      const { code, result, failed } = await examine(rig)
      assert.equal(code, 1)
      assert.equal(result.ok, false)
      assert.deepEqual(
        failed.map(({ name }) => name),
        [check],
        JSON.stringify(failed),
      )
      assert.match(failed[0]!.detail, detail)
      assert.match(failed[0]!.remedy, remedy)
      assert.doesNotMatch(failed[0]!.detail, /unexpected/i)
      assert.deepEqual(await left(rig), before, 'nothing is left behind')
      assert.deepEqual([...rig.dropbox.objects(), ...rig.drive.objects()], [], 'at the services neither')
    })
  }
})

test('people see each failed check with what to do, and how many there are', async (t) => {
  const rig = await wellRig(t)
  rig.dropbox.expireTokens()
  await rm(rig.nas, { recursive: true })
  const { code, stdout } = await rig.cli('doctor')
  assert.equal(code, 1)
  assert.match(stdout, /\[!!\] destination nas\s+the folder \S+ does not exist\.\s+-> Create it/)
  assert.match(stdout, /\[!!\] 2 of 10 checks failed\n$/)
})
