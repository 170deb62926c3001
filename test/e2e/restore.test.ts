/** `restore`: what was backed up comes back as it was, from each destination, on a machine with nothing on it. */
import assert from 'node:assert/strict'
import { cp, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test, type TestContext } from 'node:test'
import { randomBytes } from 'node:crypto'
import type { RestoreResult } from '../../src/stages/contract/results.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, type Rig, type Settings } from '../support/rig.ts'
import { noSharedDicom, sharedDicom } from '../support/shared-dicom.ts'
import { createViewerDatabase, type ViewerDatabase } from '../support/viewer-database.ts'
import { readEntries } from '../support/zip-entries.ts'

const NAMES = ['hospital-dropbox', 'hospital-drive', 'nas'] as const
type Name = (typeof NAMES)[number]
const WINDOWS = process.platform === 'win32' && 'names and signals that Windows does not have'

let server: MariaDb
let viewer: ViewerDatabase
before(async () => {
  server = await startMariaDb()
  viewer = await createViewerDatabase(server, { patients: 60 })
})
after(() => server.close())

const database = () => ({
  database: { socket: server.socket, user: server.user, password: server.password, name: viewer.name },
})

async function restore(rig: Rig, ...args: readonly string[]): Promise<{ code: number | null; result: RestoreResult }> {
  const { code, stdout } = await rig.cli('restore', '--json', ...args)
  return { code, result: JSON.parse(stdout) as RestoreResult }
}

/** Every file below a folder: path, bytes and time. */
async function everything(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    const { mtimeMs } = await stat(file)
    found.set(path.relative(folder, file), `${Math.floor(mtimeMs)} ${(await readFile(file)).toString('base64')}`)
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const THINGS = {
  view: 'SELECT table_name AS name, REPLACE(view_definition, table_schema, "") AS body FROM information_schema.views WHERE table_schema',
  trigger:
    'SELECT trigger_name AS name, action_statement AS body FROM information_schema.triggers WHERE trigger_schema',
  routine:
    'SELECT routine_name AS name, routine_definition AS body FROM information_schema.routines WHERE routine_schema',
  event: 'SELECT event_name AS name, event_definition AS body FROM information_schema.events WHERE event_schema',
}

async function mustBeAsBackedUp(name: string): Promise<void> {
  for (const table of viewer.tables) {
    const [one] = await server.query(`CHECKSUM TABLE \`${viewer.name}\`.\`${table}\``)
    const [two] = await server.query(`CHECKSUM TABLE \`${name}\`.\`${table}\``)
    assert.equal(two?.['Checksum'], one?.['Checksum'], table)
  }
  for (const [what, query] of Object.entries(THINGS)) {
    const original = await server.query(`${query} = '${viewer.name}' ORDER BY 1`)
    assert.ok(original.length > 0, `there is a ${what}`)
    assert.deepEqual(await server.query(`${query} = '${name}' ORDER BY 1`), original, what)
  }
}

async function stored(t: TestContext, sections: Settings = {}): Promise<{ rig: Rig; archive: string }> {
  const rig = await makeRig(t, { archive: { compression: 'store' }, ...sections })
  for (let n = 0; n < 6; n += 1) await rig.put(`Müller^Jürgen/${n}.dcm`, randomBytes(200_000))
  const { code, result } = await rig.run()
  assert.equal(code, 0, JSON.stringify(result))
  return { rig, archive: result.archive!.name }
}

/** Flips a bit of each of these entries' contents, or of the whole archive's middle. */
async function damage(rig: Rig, archive: string, name: Name, content: Buffer): Promise<void> {
  const whole = await readFile(path.join(rig.nas, archive))
  const at = whole.indexOf(content.subarray(0, 64)) + 20
  assert.ok(at > 20, 'the content is in the archive as it is')
  if (name === 'nas') {
    const file = await open(path.join(rig.nas, archive), 'r+')
    await file.write(Buffer.from([whole[at]! ^ 1]), 0, 1, at)
    await file.close()
    return
  }
  const standIn = name === 'hospital-dropbox' ? rig.dropbox : rig.drive
  const object = standIn.objects().find((one) => path.posix.basename(one.path) === archive)!
  await standIn.flipByte(object, at)
}

const contentOf = (rig: Rig, n: number): Promise<Buffer> => readFile(path.join(rig.root, `Müller^Jürgen/${n}.dcm`))

describe('a full round trip', { skip: WINDOWS }, () => {
  for (const name of NAMES) {
    test(`from ${name}, by the configuration alone: files and database are as they were`, async (t) => {
      const rig = await makeRig(t, database())
      if (sharedDicom() !== null) await cp(sharedDicom()!, rig.root, { recursive: true, preserveTimestamps: true })
      const names = [
        '🩻 röntgen/“quotes” \'"`.dcm',
        `${'ä'.repeat(127)}x`,
        ' leading and trailing ',
        'a\\b',
        '-dash',
        'empty',
      ]
      for (const [n, file] of names.entries()) {
        await rig.put(file, file === 'empty' ? '' : randomBytes(1000 * n + 1))
        await utimes(path.join(rig.root, file), 1_000_000_000 + n, 946_684_800 + 86_400 * 365 * n + 0.5)
      }
      const run = await rig.run()
      assert.equal(run.code, 0, JSON.stringify(run.result))
      await rm(rig.state, { recursive: true })

      const to = path.join(rig.folder, 'restored')
      const into = `from_${name.replaceAll('-', '_')}`
      const { code, result } = await restore(rig, '--from', name, '--to', to, '--database', into)
      assert.equal(code, 0, JSON.stringify(result).slice(0, 2000))
      const original = await everything(rig.root)
      assert.deepEqual(await everything(path.join(to, 'dicom_files')), original)
      assert.deepEqual(
        {
          ...result,
          bytes: 0,
          database: { ...result.database, rows: 0, rowsByTable: {} },
          warnings: result.warnings.map(({ code: one }) => one),
        },
        {
          archive: run.result.archive!.name,
          from: name,
          files: original.size + 2,
          bytes: 0,
          skipped: 0,
          database: {
            name: into,
            tables: viewer.tables.length,
            expectedTables: viewer.tables.length,
            rows: 0,
            rowsByTable: {},
          },
          warnings: ['events-run-twice'],
        },
      )
      await mustBeAsBackedUp(into)
    })
  }
})

describe('restore', { concurrency: 3 }, () => {
  test('says what would be right when words do not go together, before it asks anybody', async (t) => {
    const rig = await makeRig(t)
    for (const [args, words] of [
      [[], /--to FOLDER.*--database NAME.*--list/],
      [['--list', '--to', 'x'], /--list cannot be combined/],
      [['--list', '--database', 'x'], /--list cannot be combined/],
      [['--list', '--study', '1'], /--list cannot be combined/],
      [['--list', '--overwrite'], /--list cannot be combined/],
      [['--overwrite'], /--to FOLDER/],
      [['--study', '1'], /--to FOLDER/],
      [['--patient', '1', '--database', 'x'], /select files.*--to FOLDER/],
      [['--database', 'mysql'], /server's own/],
      [['--database', 'viewer'], /There is no "database"/],
      [['--to', 'x', '--from', 'nobody'], /no destination named nobody.*hospital-dropbox, hospital-drive, nas/],
      [['--to'], /argument missing/],
      [['a.zip', 'b.zip', '--list'], /too many arguments/i],
    ] as const) {
      const { code, stdout } = await rig.cli('restore', '--json', ...args)
      assert.equal(code, 2, args.join(' '))
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
      assert.equal(error.code, 'E_CONFIG')
      assert.match(error.message, words, args.join(' '))
    }
    assert.equal(rig.dropbox.requests.count() + rig.drive.requests.count(), 0)
  })

  for (const name of NAMES) {
    test(`with ${name} down takes another copy; asked for that one only, says that it is down`, async (t) => {
      const { rig } = await stored(t)
      if (name === 'nas') await rename(rig.nas, `${rig.nas}.away`)
      else await (name === 'hospital-dropbox' ? rig.dropbox : rig.drive).close()
      const to = path.join(rig.folder, 'restored')
      const { code, result } = await restore(rig, '--to', to)
      assert.equal(code, 0)
      assert.notEqual(result.from, name)
      assert.deepEqual(await everything(path.join(to, 'dicom_files')), await everything(rig.root))
      const alone = await rig.cli('restore', '--to', `${to}.2`, '--from', name)
      assert.equal(alone.code, 1)
      assert.match(alone.stderr, new RegExp(`${name}: .*The stored archives were only read`, 's'))
      await assert.rejects(stat(`${to}.2`), { code: 'ENOENT' })
    })
  }

  test('brings what is damaged in one copy from another', async (t) => {
    const { rig, archive } = await stored(t)
    await damage(rig, archive, 'nas', await contentOf(rig, 2))
    await damage(rig, archive, 'hospital-dropbox', await contentOf(rig, 4))
    const to = path.join(rig.folder, 'restored')
    const alone = await restore(rig, '--to', to, '--from', 'nas')
    assert.equal(alone.code, 1)
    assert.deepEqual(
      alone.result.damaged?.map((one) => one.path),
      ['dicom_files/Müller^Jürgen/2.dcm'],
    )
    assert.equal((await readdir(path.join(to, 'dicom_files/Müller^Jürgen'))).length, 5, 'nothing half restored')

    const { code, result } = await restore(rig, '--to', to)
    assert.equal(code, 0, JSON.stringify(result))
    assert.deepEqual([result.from, result.files, result.damaged], ['hospital-dropbox', 1, undefined])
    assert.deepEqual(await everything(path.join(to, 'dicom_files')), await everything(rig.root))
  })

  test('names in its result what is damaged in every copy, and nowhere else', async (t) => {
    const { rig, archive } = await stored(t)
    for (const name of NAMES) await damage(rig, archive, name, await contentOf(rig, 3))
    const to = path.join(rig.folder, 'restored')
    const { code, stdout, stderr } = await rig.cli('restore', '--to', to)
    assert.equal(code, 1)
    assert.match(stdout, /Restored, except 1 file.*CRC-32.*Every available copy was tried/s)
    assert.doesNotMatch(stdout + stderr, /Müller|Jürgen/)
    assert.doesNotMatch(await readFile(path.join(rig.folder, 'logs/backup_scheduler.log'), 'utf8'), /Müller|Jürgen/)
    assert.equal((await readdir(path.join(to, 'dicom_files/Müller^Jürgen'))).length, 5)
    assert.equal((await restore(rig, '--to', to)).result.damagedFiles, 1)
  })

  test('loads the dump from another copy when it is damaged in one; from that one alone, says what became of it', async (t) => {
    const { rig, archive } = await stored(t, database())
    const entry = (await readEntries(path.join(rig.nas, archive)))[0]!
    const whole = await readFile(path.join(rig.nas, archive))
    assert.equal(entry.method, 0)
    // In the middle of the dump: some of it is loaded before it is found.
    const middle = whole.subarray(entry.size / 2, entry.size / 2 + 64)
    await damage(rig, archive, 'nas', middle)
    const alone = await rig.cli('restore', '--database', 'broken_off', '--from', 'nas')
    assert.equal(alone.code, 1)
    assert.match(alone.stderr.replaceAll(/\s+/g, ' '), /The database broken_off is incomplete|Leave --from nas out/)
    const { code, result } = await restore(rig, '--database', 'fallen_back')
    assert.equal(code, 0, JSON.stringify(result))
    assert.equal(result.from, 'hospital-dropbox')
    await mustBeAsBackedUp('fallen_back')
    const over = await rig.cli('restore', '--database', 'fallen_back', '--overwrite', '--from', 'nas', '--json')
    assert.equal(over.code, 1)
    await mustBeAsBackedUp('fallen_back')
  })

  test('a database that is not empty is not touched, the live one least of all, and nothing else is begun', async (t) => {
    const { rig } = await stored(t, database())
    const to = path.join(rig.folder, 'restored')
    const { code, stdout } = await rig.cli('restore', '--json', '--database', viewer.name, '--to', to)
    assert.equal(code, 2)
    assert.match(stdout, /the one that is backed up, is not empty/)
    await assert.rejects(stat(to), { code: 'ENOENT' })
  })

  test('a backup of files only has no database to restore', async (t) => {
    const { rig } = await stored(t)
    await rig.configure(database())
    const { code, stdout } = await rig.cli('restore', '--json', '--database', 'no_dump')
    assert.equal(code, 1)
    assert.match(stdout, /has no database in it/)
    assert.deepEqual(await server.query("SHOW DATABASES LIKE 'no_dump'"), [])
  })

  test('that is stopped exits with 130, and goes on when it is run again', { skip: WINDOWS }, async (t) => {
    const { rig } = await stored(t)
    const to = path.join(rig.folder, 'restored')
    rig.drive.faults.add({ route: 'download', nth: 'every', fault: { kind: 'slow', bytesPerSecond: 300_000 } })
    const files = async (): Promise<number> => {
      const all = await readdir(path.join(to, 'dicom_files/Müller^Jürgen')).catch(() => [])
      return all.filter((file) => file.endsWith('.dcm')).length
    }
    const { code } = await rig.cliWith(
      {
        onStart: (child) => {
          void (async () => {
            while (child.exitCode === null && (await files()) < 2) await sleep(20)
            child.kill('SIGINT')
          })()
        },
      },
      ...(['restore', '--from', 'hospital-drive', '--to', to] as const),
    )
    assert.equal(code, 130)
    const begun = await files()
    assert.ok(begun >= 2 && begun < 6, `${begun} files`)
    rig.drive.faults.clear()
    const again = await restore(rig, '--from', 'hospital-drive', '--to', to)
    assert.equal(again.code, 0)
    assert.equal(again.result.skipped, begun)
    assert.deepEqual(await everything(path.join(to, 'dicom_files')), await everything(rig.root))
  })
})

describe('the studies of an archive', { skip: noSharedDicom }, () => {
  test('are listed for who asks, and nowhere else; one of them can be restored', async (t) => {
    const rig = await makeRig(t)
    await cp(path.join(sharedDicom()!, 'dicom_files'), rig.root, { recursive: true })
    const { result: run } = await rig.run()
    await rm(rig.state, { recursive: true })
    const { code, stdout, stderr } = await rig.cli('restore', '--list', '--json')
    assert.equal(code, 0)
    const list = JSON.parse(stdout) as {
      archive: string
      from: string
      studies: { studyUid: string; patientId: string | null; files: number; bytes: number }[]
      others: { files: number }
    }
    assert.deepEqual([list.archive, list.from], [run.archive!.name, 'nas'])
    assert.equal(
      list.studies.reduce((sum, { files }) => sum + files, list.others.files),
      run.archive!.files,
    )
    const people = await rig.cli('restore', '--list')
    const log = await readFile(path.join(rig.folder, 'logs/backup_scheduler.log'), 'utf8')
    for (const { studyUid, patientId } of list.studies) {
      assert.ok(people.stdout.includes(studyUid))
      assert.ok(!`${stderr}${people.stderr}${log}`.includes(studyUid))
      if (patientId !== null && patientId.length > 8) assert.ok(!`${people.stderr}${log}`.includes(patientId))
    }

    const one = list.studies.find(({ files }) => files > 1)!
    const to = path.join(rig.folder, 'one')
    await mkdir(to)
    const restored = await restore(rig, '--study', one.studyUid, '--to', to)
    assert.deepEqual([restored.code, restored.result.files, restored.result.bytes], [0, one.files, one.bytes])
    const original = await everything(rig.root)
    for (const [file, content] of await everything(path.join(to, 'dicom_files'))) {
      assert.equal(content.split(' ')[1], original.get(file)?.split(' ')[1])
    }

    const missing = await rig.cli('restore', '--study', one.studyUid, '--study', '1.2.3', '--to', `${to}.2`)
    assert.equal(missing.code, 1)
    assert.match(missing.stdout, /Not everything you asked for.*Study {2}1\.2\.3.*--list/s)
  })
})
