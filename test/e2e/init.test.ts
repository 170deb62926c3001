/** `init` writes a configuration to start from, once. */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { dicomBackup } from '../support/cli.ts'
import { tempFolder } from '../support/temp-folder.ts'

const WINDOWS = process.platform === 'win32'

describe('init', () => {
  test('writes dicom-backup.yaml into the current folder, for its owner only, and says what comes next', async (t) => {
    const cwd = await tempFolder(t)
    const { code, stdout, stderr } = await dicomBackup(['init'], { cwd })
    assert.equal(code, 0)
    assert.equal(stderr, '')
    assert.match(stdout, /dicom-backup\.yaml.*\n(?:Other accounts .*\n)?\nNext\n.*dicom-backup doctor/)
    assert.deepEqual(await readdir(cwd), ['dicom-backup.yaml'])
    if (WINDOWS) return
    assert.doesNotMatch(stdout, /Other accounts/)
    assert.equal((await stat(path.join(cwd, 'dicom-backup.yaml'))).mode & 0o777, 0o600)
  })

  test('writes what a run takes as soon as the places in it are those of the machine', async (t) => {
    const cwd = await tempFolder(t)
    assert.equal((await dicomBackup(['init'], { cwd })).code, 0)
    const file = path.join(cwd, 'dicom-backup.yaml')

    const unfilled = await dicomBackup(['run', '--json'], { cwd })
    assert.equal(unfilled.code, 2)
    const { error } = JSON.parse(unfilled.stdout) as { error: { faults: readonly { readonly key: string }[] } }
    assert.deepEqual(
      error.faults.map(({ key }) => key),
      ['database.passwordFile'],
      'only what nobody can know',
    )

    await mkdir(path.join(cwd, 'dicom_files'))
    await mkdir(path.join(cwd, 'nas'))
    await writeFile(path.join(cwd, 'dicom_files/a.dcm'), 'x')
    const starter = (await readFile(file, 'utf8')).replaceAll('\r\n', '\n')
    const filled = starter
      .replace(/^database:[^]*?\n\n/m, '')
      .replace(/^ {2}root: .*$/m, '  root: dicom_files')
      .replace(/^ {4}folder: .*$/m, '    folder: nas')
    await writeFile(file, filled)
    const run = await dicomBackup(['run', '--json'], { cwd })
    assert.equal(run.code, 0, run.stdout)
    assert.equal((await readdir(path.join(cwd, 'nas'))).length, 1)
  })

  test('never overwrites: exit 2, and the file is as it was, also when it is empty', async (t) => {
    const cwd = await tempFolder(t)
    for (const [name, content] of Object.entries({ 'dicom-backup.yaml': '# mine\n', 'empty.yaml': '' })) {
      await writeFile(path.join(cwd, name), content)
      const again = await dicomBackup(['init', '--config', name, '--json'], { cwd })
      assert.equal(again.code, 2)
      const { error } = JSON.parse(again.stdout) as { error: { code: string; message: string } }
      assert.equal(error.code, 'E_CONFIG')
      assert.match(error.message, /exists already; it was not changed/)
      assert.equal(await readFile(path.join(cwd, name), 'utf8'), content)
    }
    const { code, stderr, stdout } = await dicomBackup(['init'], { cwd })
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /exists\s+already/)
  })

  test('of two at once one writes and one is refused', async (t) => {
    const cwd = await tempFolder(t)
    const both = await Promise.all([dicomBackup(['init'], { cwd }), dicomBackup(['init'], { cwd })])
    assert.deepEqual(both.map(({ code }) => code).sort(), [0, 2])
    assert.match(await readFile(path.join(cwd, 'dicom-backup.yaml'), 'utf8'), /keepAtLeast/)
  })

  test('writes where --config or DICOM_BACKUP_CONFIG says, and says so as JSON', async (t) => {
    const cwd = await tempFolder(t)
    const named = await dicomBackup(['init', '--json', '--config', 'a.yaml'], { cwd })
    assert.deepEqual([named.code, named.stdout], [0, '{"file":"a.yaml"}\n'])
    const set = await dicomBackup(['init'], { cwd, env: { DICOM_BACKUP_CONFIG: 'b.yaml' } })
    assert.equal(set.code, 0)
    assert.deepEqual((await readdir(cwd)).sort(), ['a.yaml', 'b.yaml'])
  })

  test('makes no folders: exit 2 says that the folder is missing', async (t) => {
    const cwd = await tempFolder(t)
    const { code, stderr } = await dicomBackup(['init', '--config', 'nowhere/a.yaml'], { cwd })
    assert.equal(code, 2)
    assert.match(stderr, /cannot\s+be\s+written\s+\(ENOENT\).*Choose a folder that exists/s)
    assert.deepEqual(await readdir(cwd), [])
  })
})
