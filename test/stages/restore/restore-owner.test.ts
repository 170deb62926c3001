/** Owner and mode of restored files. */
import assert from 'node:assert/strict'
import { chmod, chown, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { ownerWarnings, setOwner, setOwnerSync } from '../../../src/stages/restore/files/owner.ts'
import { seeded } from '../../support/seed.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { backupOf } from '../archive/hand-made-backup.ts'
import { make, place } from '../zip/archive-maker.ts'
import { restore } from './restoring.ts'

const random = seeded('restore-owner')
const notRoot = process.getuid?.() !== 0 && 'only root may give files away'
const onWindows = process.platform === 'win32' && 'owners that Windows does not have'
const NOBODY = 65534

const FILES = {
  'small.dcm': [0o640, 1234, 4321],
  'large.dcm': [0o600, 1235, 4322],
  'tool.dcm': [0o6755, 0, 4323],
} as const

async function backup(t: TestContext): Promise<{ readonly archive: Buffer; readonly to: string }> {
  const at = await place(t)
  for (const [name, [mode, uid, gid]] of Object.entries(FILES)) {
    const file = await at.put(name, random.bytes(name.startsWith('large') ? 5 << 20 : 5000))
    await chown(file, uid, gid)
    await chmod(file, mode)
  }
  await make(at, { dump: Buffer.from('-- dump\n') })
  return { archive: await readFile(at.archive), to: path.join(at.folder, 'restored') }
}

async function ownersIn(to: string): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {}
  for (const name of Object.keys(FILES)) {
    const { mode, uid, gid } = await stat(path.join(to, 'dicom_files', name))
    found[name] = [mode & 0o7777, uid, gid]
  }
  return found
}

describe('with --owner', { skip: notRoot }, () => {
  const expected = { ...FILES, 'tool.dcm': [0o755, 0, 4323] }

  test('files have owner, group and mode again, without set-ID bits; the dump is for this account only', async (t) => {
    const { archive, to } = await backup(t)
    const { ownerUnknown, notOwned } = await restore(archive, to, { owner: true })
    assert.deepEqual([ownerUnknown, notOwned], [0, 0])
    assert.deepEqual(await ownersIn(to), expected)
    const dump = await stat(path.join(to, 'database/viewer.sql'))
    assert.deepEqual([dump.mode & 0o7777, dump.uid], [0o600, 0])
    const line = (await readFile(path.join(to, 'backup-manifest.ndjson'), 'utf8'))
      .split('\n')
      .find((one) => one.includes('tool.dcm'))
    assert.match(line ?? '', /"mode":"6755","uid":0,"gid":4323/)
  })

  test('files that are there already get them, and without it they belong to this account', async (t) => {
    const { archive, to } = await backup(t)
    await restore(archive, to)
    const usual = [0o644, 0, process.getgid?.()]
    assert.deepEqual(await ownersIn(to), Object.fromEntries(Object.keys(FILES).map((name) => [name, usual])))
    const { skipped, files } = await restore(archive, to, { owner: true, overwrite: true })
    assert.deepEqual([skipped, files], [5, 0])
    assert.deepEqual(await ownersIn(to), expected)
  })
})

test(
  'an account that is not root gives files their mode and a group of its own, and no other owner',
  { skip: notRoot },
  async (t) => {
    const folder = await tempFolder(t)
    await chmod(folder, 0o755)
    const file = path.join(folder, 'a')
    await writeFile(file, 'x')
    await chown(file, NOBODY, NOBODY)
    const gid = process.getegid?.() ?? 0
    process.seteuid?.(NOBODY)
    try {
      for (const set of [setOwner, setOwnerSync]) {
        assert.equal(await set(file, { mode: 0o640, uid: NOBODY, gid }), true)
        assert.equal(await set(file, { mode: 0o604, uid: 1, gid: NOBODY }), false)
        const { mode, uid } = await stat(file)
        assert.deepEqual([mode & 0o7777, uid], [0o604, NOBODY])
      }
    } finally {
      process.seteuid?.(0)
    }
  },
)

test(
  'of files without owner, or with one that is none, the archive is said not to have it',
  { skip: onWindows },
  async (t) => {
    const lines = [
      {},
      { mode: '0640', uid: 5 },
      { mode: '0999', uid: 5, gid: 5 },
      { mode: '0640', uid: -1, gid: 0xffffffff },
    ]
    const files = lines.map((line, n) => ({ name: `dicom_files/${n}`, content: Buffer.from(`${n}`), line }))
    const to = path.join(await tempFolder(t), 'to')
    const restored = await restore(backupOf(files), to, { owner: true })
    assert.deepEqual([restored.files, restored.ownerUnknown, restored.notOwned], [5, 4, 0])
    const [warning, ...others] = ownerWarnings(restored)
    assert.equal(warning?.code, 'owner-unknown')
    assert.match(warning.message, /does not have the owner and mode of 4 files/)
    assert.deepEqual(others, [])
  },
)
