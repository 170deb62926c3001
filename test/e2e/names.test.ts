import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { makeRig } from '../support/rig.ts'
import { READERS, readEntries } from '../support/zip-readers.ts'

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
