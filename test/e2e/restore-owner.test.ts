/** `restore --owner`: files belong again to whom they belonged. */
import assert from 'node:assert/strict'
import { chmod, chown, stat } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { RestoreResult } from '../../src/stages/contract/results.ts'
import { makeRig, onlyNas } from '../support/rig.ts'

const notRoot = process.getuid?.() !== 0 && 'only root may give files away'

test('owner, group and mode come back with --owner, and only with it', { skip: notRoot }, async (t) => {
  const rig = await makeRig(t, onlyNas)
  const files = { 'a/1.dcm': [0o640, 1234, 4321], 'a/2.dcm': [0o600, 1235, 4322] } as const
  for (const [name, [mode, uid, gid]] of Object.entries(files)) {
    await rig.put(name, name)
    await chown(path.join(rig.root, name), uid, gid)
    await chmod(path.join(rig.root, name), mode)
  }
  assert.equal((await rig.run()).code, 0)

  const mine = [0o644, process.getuid?.(), process.getgid?.()]
  for (const [to, words] of Object.entries({ with: ['--owner'], without: [] })) {
    const folder = path.join(rig.folder, to)
    const { code, stdout } = await rig.cli('restore', '--json', '--to', folder, ...words)
    assert.deepEqual([code, (JSON.parse(stdout) as RestoreResult).warnings], [0, []])
    for (const [name, owner] of Object.entries(files)) {
      const { mode, uid, gid } = await stat(path.join(folder, 'dicom_files', name))
      assert.deepEqual([mode & 0o7777, uid, gid], to === 'with' ? owner : mine, `${name} ${to}`)
    }
  }

  const alone = await rig.cli('restore', '--owner', '--database', 'viewer')
  assert.equal(alone.code, 2)
  assert.match(alone.stderr, /--owner is about files.*Add --to FOLDER/s)
})
