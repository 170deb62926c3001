/** `run --dry-run` against real DICOM files and a real database: its figures are right, and it writes nothing anywhere. */
import assert from 'node:assert/strict'
import { cp, lstat, readdir, readFile, statfs } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DryRunResult } from '../../src/stages/contract/results.ts'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, type Rig, type Settings } from '../support/rig.ts'
import { noSharedDicom, sharedDicom } from '../support/shared-dicom.ts'
import { createViewerDatabase } from '../support/viewer-database.ts'
import { readManifest } from '../support/zip-entries.ts'

/** How far the estimate may be from the archive that the next run makes: real files differ from their samples, tables from their dump. */
const TOLERANCE = 0.05

let server: MariaDb
before(async () => {
  server = await startMariaDb()
  const { name, tables } = await createViewerDatabase(server, { patients: 300 })
  // The server's statistics of a new table come some time after its rows.
  await server.query(`ANALYZE TABLE ${tables.join(', ')}`, name)
})
after(() => server.close())

const database = (change: Settings = {}): Settings => ({
  database: { socket: server.socket, user: server.user, password: server.password, name: 'dicom_viewer', ...change },
})

async function plan(rig: Rig): Promise<{ readonly code: number | null; readonly result: DryRunResult }> {
  const { code, stdout } = await rig.cli('run', '--dry-run', '--json')
  return { code, result: JSON.parse(stdout) as DryRunResult }
}

/** What other programs found in the shared files: path, bytes, transfer syntax and modality of each. */
async function knownFiles(): Promise<
  { path: string; bytes: number; transferSyntax: string | null; modality: string | null }[]
> {
  const text = await readFile(path.join(sharedDicom()!, 'MANIFEST.tsv'), 'utf8')
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [name = '', bytes, , syntax = '-', , modality = '-'] = line.split('\t')
      return {
        path: name,
        bytes: Number(bytes),
        transferSyntax: syntax === '-' ? null : syntax.replace(/ .*/, ''),
        // A DICOMDIR is an index, of no modality.
        modality: modality === '-' || modality === 'DICOMDIR' ? null : modality,
      }
    })
}

/** Files and bytes by what `key` says, the largest first. */
function sums<T extends { readonly bytes: number }>(
  rows: readonly T[],
  key: (row: T) => string | null,
): Map<string | null, { files: number; bytes: number }> {
  const found = new Map<string | null, { files: number; bytes: number }>()
  for (const row of rows) {
    const sum = found.get(key(row)) ?? { files: 0, bytes: 0 }
    found.set(key(row), { files: sum.files + 1, bytes: sum.bytes + row.bytes })
  }
  return found
}

describe('a plan of real DICOM files', { skip: noSharedDicom }, () => {
  test('counts every file by transfer syntax and modality, and foretells the archive', async (t) => {
    const rig = await makeRig(t, database())
    for (const part of ['dicom_files', 'odd'])
      await cp(path.join(sharedDicom()!, part), path.join(rig.root, part), { recursive: true })
    const known = await knownFiles()
    const { code, result } = await plan(rig)
    assert.equal(code, 0, JSON.stringify(result))
    assert.equal(result.files, known.length)
    assert.equal(
      result.bytes,
      known.reduce((sum, { bytes }) => sum + bytes, 0),
    )

    const count = ({ files, bytes }: { files: number; bytes: number }) => ({ files, bytes })
    assert.deepEqual(
      new Map(result.byTransferSyntax.map((row) => [row.transferSyntax, count(row)])),
      sums(known, (file) => file.transferSyntax),
    )
    assert.deepEqual(
      new Map(result.byModality.map((row) => [row.modality, count(row)])),
      sums(known, (file) => file.modality),
    )
    for (const rows of [result.byTransferSyntax, result.byModality]) {
      assert.deepEqual(
        rows.map(({ bytes }) => bytes),
        rows.map(({ bytes }) => bytes).sort((a, b) => b - a),
        'the largest first',
      )
    }

    const run = await rig.run()
    assert.equal(run.code, 0)
    const { bytes, name } = run.result.archive!
    const near = (estimate: number, real: number, what: string): void => {
      assert.ok(Math.abs(estimate - real) <= TOLERANCE * real, `${what}: ${estimate} was foretold, ${real} it is`)
    }
    near(result.estimatedArchiveBytes, bytes, 'archive')
    const [head] = await readManifest((await rig.archives(name)).nas)
    const dump = (head!['database'] as { bytes: number }).bytes
    assert.equal(result.database?.name, 'dicom_viewer')
    // The server's own statistics of its pages: right in size, no more.
    const sql = result.database.estimatedBytes ?? 0
    assert.ok(sql > dump / 3 && sql < dump * 3, `${sql} for ${dump}`)
  })

  for (const compression of ['store', 'fast', 'small']) {
    test(`foretells the archive with compression: ${compression}`, async (t) => {
      const rig = await makeRig(t, { archive: { compression } })
      await cp(path.join(sharedDicom()!, 'dicom_files'), rig.root, { recursive: true })
      const { result } = await plan(rig)
      const { bytes } = (await rig.run()).result.archive!
      assert.ok(
        Math.abs(result.estimatedArchiveBytes - bytes) <= TOLERANCE * bytes,
        `${result.estimatedArchiveBytes} was foretold, ${bytes} it is`,
      )
    })
  }
})

test('a plan says for each destination how much is free, and whether the archive fits', async (t) => {
  const rig = await makeRig(t, { archive: { compression: 'store' } })
  await rig.put('a.bin', Buffer.alloc(1_000_000, 1))
  rig.dropbox.quotaBytes = 5_000_000
  const wide = await plan(rig)
  assert.equal(wide.code, 0)
  const [dropbox, drive, nas] = wide.result.destinations
  assert.deepEqual(dropbox, { name: 'hospital-dropbox', freeBytes: 5_000_000, fits: true, error: null })
  assert.deepEqual(drive, { name: 'hospital-drive', freeBytes: null, fits: null, error: null }, 'no limit is told')
  const { bavail, bsize } = await statfs(rig.nas)
  assert.ok(Math.abs(nas!.freeBytes! - bavail * bsize) < 0.02 * bavail * bsize)
  assert.equal(nas?.fits, true)

  rig.dropbox.quotaBytes = 999_999
  rig.drive.quotaBytes = wide.result.estimatedArchiveBytes
  const narrow = await plan(rig)
  assert.equal(narrow.code, 3)
  assert.deepEqual(narrow.result.destinations.map(({ freeBytes, fits }) => [freeBytes, fits]).slice(0, 2), [
    [999_999, false],
    [wide.result.estimatedArchiveBytes, true],
  ])
  rig.drive.quotaBytes = wide.result.estimatedArchiveBytes - 1
  assert.equal((await plan(rig)).result.destinations[1]?.fits, false)
})

test('an empty archive folder is told', async (t) => {
  const { code, result } = await plan(await makeRig(t))
  assert.equal(code, 3)
  assert.deepEqual([result.files, result.bytes, result.byTransferSyntax, result.byModality], [0, 0, [], []])
  assert.deepEqual(
    result.warnings.map((warning) => warning.code),
    ['source-empty'],
  )
})

describe('a plan writes nothing:', () => {
  /** Every file and folder with what a write would change. */
  async function snapshot(folder: string): Promise<Map<string, string>> {
    const all = await readdir(folder, { recursive: true })
    const rows = ['.', ...all].sort().map(async (name) => {
      const { size, mode, ino, mtimeNs, ctimeNs } = await lstat(path.join(folder, name), { bigint: true })
      return [name, [size, mode, ino, mtimeNs, ctimeNs].join(' ')] as const
    })
    return new Map(await Promise.all(rows))
  }

  /** How many statements the server has run that change something. */
  async function writes(): Promise<number> {
    const rows = await server.query(
      "SHOW GLOBAL STATUS WHERE Variable_name REGEXP '^Com_(insert|update|delete|replace|truncate|load|create|alter|drop|grant|set_password|rename|optimize|analyze|lock|flush)'",
    )
    assert.ok(rows.length > 20)
    return rows.reduce((sum, row) => sum + Number(row['Value']), 0)
  }

  const READING: Readonly<Record<'dropbox' | 'drive', readonly string[]>> = {
    dropbox: ['token', 'account', 'space', 'metadata', 'list', 'list-more'],
    drive: ['token', 'about', 'get', 'list'],
  }

  async function changesNothing(rig: Rig): Promise<void> {
    const files = await snapshot(rig.folder)
    const statements = await writes()
    const seen = { dropbox: rig.dropbox.requests.count(), drive: rig.drive.requests.count() }
    for (const args of [[], ['--json']]) await rig.cli('run', '--dry-run', ...args)
    assert.deepEqual(await snapshot(rig.folder), files)
    assert.equal(await writes(), statements)
    for (const service of ['dropbox', 'drive'] as const) {
      const routes = rig[service].requests
        .latest()
        .slice(seen[service])
        .map(({ route }) => route)
      assert.ok(routes.length > 0, `${service} was asked`)
      assert.deepEqual(
        routes.filter((route) => !READING[service].includes(route)),
        [],
      )
    }
  }

  test('no file, no folder, no log, no state, nothing at a service, nothing in the database', async (t) => {
    const rig = await makeRig(t, database())
    await rig.put('folder/a.dcm', 'x')
    await changesNothing(rig)
    assert.deepEqual((await readdir(rig.folder)).sort(), [
      'dicom-backup.yaml',
      'dicom_files',
      'dropbox',
      'google-drive',
      'nas',
    ])

    // The same looks do see what a run writes, and a statement that changes something.
    const files = await snapshot(rig.folder)
    assert.equal((await rig.run()).code, 0)
    assert.notDeepEqual(await snapshot(rig.folder), files)
    const statements = await writes()
    await server.query('CREATE TABLE seen (a INT); DROP TABLE seen', 'dicom_viewer')
    assert.equal(await writes(), statements + 2)
    await changesNothing(rig)
  })

  test('nor when it fails', async (t) => {
    const rig = await makeRig(t, database({ password: 'wrong' }))
    await rig.put('a.dcm', 'x')
    const files = await snapshot(rig.folder)
    const { code, stdout } = await rig.cli('run', '--dry-run', '--json')
    assert.equal(code, 1)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'E_AUTH')
    assert.deepEqual(await snapshot(rig.folder), files)
  })
})
