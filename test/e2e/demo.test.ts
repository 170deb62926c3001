/** `demo`: the main job on a machine with nothing set up. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { dicomBackup } from '../support/cli.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { readEntries } from '../support/zip-entries.ts'
import { READERS } from '../support/zip-readers.ts'

const archivesIn = (folder: string): string[] =>
  ['dropbox', 'google-drive', 'nas'].flatMap((one) =>
    readdirSync(path.join(folder, one)).map((name) => path.join(folder, one, name)),
  )

test('demo makes three identical archives that open, shows where they are, and can be run again', async (t) => {
  const cwd = await tempFolder(t)
  const folder = path.join(cwd, 'dicom-backup-demo')
  const first = await dicomBackup(['demo'], { cwd })
  assert.equal(first.code, 0, first.stdout + first.stderr)
  assert.deepEqual(await readdir(cwd), ['dicom-backup-demo'], 'all of it is in one folder')

  const archives = archivesIn(folder)
  assert.equal(archives.length, 3)
  for (const archive of archives) assert.ok(first.stdout.includes(archive), `${archive} is told`)
  const [dropbox, drive, nas] = await Promise.all(archives.map((archive) => readFile(archive)))
  assert.ok(nas!.length > 10_000_000)
  assert.ok(nas!.equals(dropbox!) && nas!.equals(drive!), 'byte for byte the same')
  await READERS['unzip']!(archives[2]!)
  const stored = (await readEntries(archives[2]!)).length
  const files = (await readdir(path.join(folder, 'dicom_files'), { recursive: true, withFileTypes: true })).filter(
    (one) => one.isFile(),
  )
  assert.equal(stored, files.length + 1, 'every file, and the manifest')

  for (const shown of [
    /Plan of a backup/,
    /\[ok\] Backup completed/,
    /verified: content hash compared/,
    /verified: MD5 compared/,
  ]) {
    assert.match(first.stdout, shown)
  }
  assert.match(first.stderr, /Scanning the archive folder.*Stored at every destination/s)
  assert.doesNotMatch(first.stderr, /warning|error/i)

  const second = await dicomBackup(['demo', '--json'], { cwd })
  assert.equal(second.code, 0, second.stdout + second.stderr)
  assert.match(second.stdout, /^\{.*\}\n$/, 'one line, one object')
  const result = JSON.parse(second.stdout) as RunResult
  assert.equal(result.status, 'completed')
  assert.equal(result.archive?.files, files.length)
  assert.deepEqual(
    result.destinations.map(({ type, status }) => [type, status]),
    [
      ['dropbox', 'completed'],
      ['google-drive', 'completed'],
      ['local', 'completed'],
    ],
  )
  assert.deepEqual(
    archivesIn(folder).map((archive) => archive.includes(result.archive!.name)),
    [true, true, true],
    'and only its own archives are there',
  )
})

test('demo refuses a folder that holds anything else: exit 2, and touches nothing', async (t) => {
  const cwd = await tempFolder(t)
  await mkdir(path.join(cwd, 'mine'))
  await writeFile(path.join(cwd, 'mine/precious.txt'), 'x')
  const people = await dicomBackup(['demo', '--folder', 'mine'], { cwd })
  assert.equal(people.code, 2)
  assert.match(people.stderr, /mine contains other files\..*--folder/s)
  const machine = await dicomBackup(['demo', '--folder', 'mine', '--json'], { cwd })
  assert.equal(machine.code, 2)
  assert.equal((JSON.parse(machine.stdout) as { error: { code: string } }).error.code, 'E_CONFIG')
  assert.deepEqual(await readdir(cwd, { recursive: true }), ['mine', path.join('mine', 'precious.txt')])

  const file = await dicomBackup(['demo', '--folder', path.join('mine', 'precious.txt')], { cwd })
  assert.equal(file.code, 2, file.stderr)
  assert.match(file.stderr, /precious\.txt/)
  assert.equal(await readFile(path.join(cwd, 'mine/precious.txt'), 'utf8'), 'x')
})
