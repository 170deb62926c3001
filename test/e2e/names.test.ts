import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { needProgram } from '../support/needed-programs.ts'
import { makeRig, onlyNas } from '../support/rig.ts'
import { readEntries } from '../support/zip-entries.ts'
import { READERS } from '../support/zip-readers.ts'

const POSIX_ONLY = process.platform === 'win32' && 'Windows does not allow these names'

test(
  'names with quotes, newlines, emoji, backslashes, dots and 255 bytes are backed up as they are',
  { skip: POSIX_ONLY },
  async (t) => {
    const rig = await makeRig(t)
    const names = [
      'it\'s "quoted".dcm',
      'two\nlines.dcm',
      '🩻 王^小东.dcm',
      'back\\slash.dcm',
      '..dots..dcm',
      '...',
      '.hidden/.deeper/x',
      '-rf',
      ' leading and trailing ',
      '$(reboot) `reboot` ;.dcm',
      '!important[1-9]{a,b}*.dcm',
      'ä'.repeat(127) + 'x',
      'CON.dcm',
      'a:b',
      `${'deep/'.repeat(60)}leaf`,
    ]
    for (const name of names) await rig.put(name, `content of ${name}`)
    const { code, result } = await rig.run()
    assert.equal(code, 0, JSON.stringify(result))
    const { nas } = await rig.archives(result.archive!.name)
    const stored = (await readEntries(nas)).map(({ name }) => name)
    assert.deepEqual(stored.slice(0, -1).sort(), names.map((name) => `dicom_files/${name}`).sort())
    for (const reader of ['unzip', 'bsdtar', 'python'] as const)
      await assert.doesNotReject(READERS[reader]!(nas), reader)
  },
)

test(
  'a name that is no valid UTF-8 is backed up with its odd bytes shown',
  { skip: process.platform !== 'linux' && 'Linux only' },
  async (t) => {
    const rig = await makeRig(t)
    const name = Buffer.concat([Buffer.from('M'), Buffer.from([0xfc]), Buffer.from('ller.dcm')])
    writeFileSync(Buffer.concat([Buffer.from(`${rig.root}/`), name]), 'old latin-1 name')
    const { code, result } = await rig.run()
    assert.equal(code, 0, JSON.stringify(result))
    const entries = await readEntries((await rig.archives(result.archive!.name)).nas)
    assert.equal(entries[0]?.name, 'dicom_files/M%FCller.dcm')
    assert.equal(entries[0].size, 16)
  },
)

test(
  'a name with an odd byte and the same name written with %HH stay two files, in the archive and when restored',
  { skip: process.platform !== 'linux' && 'Linux only' },
  async (t) => {
    const rig = await makeRig(t, onlyNas)
    const odd = (name: string): Buffer => Buffer.from(`${rig.root}/${name}`, 'latin1')
    const contents: Record<string, string> = {
      'dicom_files/%E9': 'the byte',
      'dicom_files/%25E9': 'the text',
      'dicom_files/J%E9r/1.dcm': 'below the byte',
      'dicom_files/J%25E9r/1.dcm': 'below the text',
      'dicom_files/100%': 'a percent sign that meets nothing',
      'dicom_files/plain/%E9': 'alone in its folder',
    }
    writeFileSync(odd('\xe9'), 'the byte')
    writeFileSync(odd('%E9'), 'the text')
    mkdirSync(odd('J\xe9r'))
    writeFileSync(odd('J\xe9r/1.dcm'), 'below the byte')
    await rig.put('J%E9r/1.dcm', 'below the text')
    await rig.put('100%', 'a percent sign that meets nothing')
    await rig.put('plain/%E9', 'alone in its folder')
    // It names a folder as it is on the disk.
    await rig.put('J%E9r/unwanted/2.dcm', 'left out by its pattern')
    await rig.configure({ ...onlyNas, dicom: { root: 'dicom_files', exclude: ['J%E9r/unwanted/**'] } })

    const { code, result } = await rig.run()
    assert.equal(code, 3, JSON.stringify(result))
    assert.deepEqual(
      result.warnings.map(({ code: warning, message }) => [warning, message.split(' in ')[0]]),
      [['names-escaped', '2 files have another name']],
    )
    assert.deepEqual([result.skippedFiles, result.archive?.files], [[], 6])
    const archive = path.join(rig.nas, result.archive!.name)
    for (const [name, content] of Object.entries(contents)) {
      // unzip takes [ and * for patterns, not a percent sign.
      assert.equal(execFileSync(needProgram('unzip'), ['-p', archive, name], { encoding: 'utf8' }), content, name)
    }
    const to = path.join(rig.folder, 'restored')
    const restore = await rig.cli('restore', '--json', '--to', to)
    assert.equal(restore.code, 0, restore.stdout + restore.stderr)
    for (const [name, content] of Object.entries(contents)) {
      assert.equal(readFileSync(path.join(to, name), 'utf8'), content, name)
    }
  },
)

test('symbolic links are not followed, and told', { skip: POSIX_ONLY }, async (t) => {
  const rig = await makeRig(t)
  await rig.put('real.dcm', 'x')
  mkdirSync(path.join(rig.folder, 'elsewhere'))
  writeFileSync(path.join(rig.folder, 'elsewhere/secret.dcm'), 'x')
  symlinkSync(path.join(rig.folder, 'elsewhere'), path.join(rig.root, 'link'))
  symlinkSync(path.join(rig.root, 'real.dcm'), path.join(rig.root, 'alias.dcm'))
  const { code, result } = await rig.run()
  assert.equal(code, 3)
  assert.equal(result.status, 'partial')
  assert.deepEqual(result.skippedFiles.map(({ path: name }) => name).sort(), [
    'dicom_files/alias.dcm',
    'dicom_files/link',
  ])
  const entries = await readEntries((await rig.archives(result.archive!.name)).nas)
  assert.deepEqual(
    entries.map(({ name }) => name),
    ['dicom_files/real.dcm', 'backup-manifest.ndjson'],
  )
})
