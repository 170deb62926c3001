/** Who may read the archives in a folder: the owner alone, unless the configuration says otherwise. */
import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Commit, Destination } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { setMode } from '../../../src/stages/destinations/local/mode.ts'
import { makeRig, onlyNas } from '../../support/rig.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const never = new AbortController().signal
const OBJECT = 'dicom_backup_2026-11-23_12-00-00.zip'
const data = Buffer.from('pixels')

const local = (folder: string, mode?: number): Destination =>
  localDestination({ type: 'local', name: 'nas', folder, chunkSize: null, ...(mode === undefined ? {} : { mode }) })

function commitOf(bytes: Buffer): Commit {
  const digest = new ObjectDigest()
  digest.update(bytes)
  return { offset: 0, tail: [bytes], bytes: bytes.length, digests: digest.digests() }
}

const modeOf = async (file: string): Promise<string> => ((await stat(file)).mode & 0o777).toString(8)

/** Whatever the caller's umask is: it would make files readable for all, or keep the group out. */
function umask(t: Pick<TestContext, 'after'>, mask: number): void {
  const before = process.umask(mask)
  t.after(() => process.umask(before))
}

describe('archives in a folder', { skip: process.platform === 'win32' && 'there are no such rights' }, () => {
  test('are readable by their owner alone, from the first byte on', async (t) => {
    umask(t, 0)
    const folder = await tempFolder(t)
    const destination = local(folder)
    t.after(() => destination.close())
    const upload = await destination.begin(OBJECT, never)
    assert.equal(await modeOf(path.join(folder, `${OBJECT}.partial`)), '600')
    await upload.commit(commitOf(data), never)
    assert.equal(await modeOf(path.join(folder, OBJECT)), '600')
  })

  test('have the mode that is configured, also against the umask', async (t) => {
    umask(t, 0o077)
    const folder = await tempFolder(t)
    const destination = local(folder, 0o640)
    t.after(() => destination.close())
    const upload = await destination.begin(OBJECT, never)
    assert.equal(await modeOf(path.join(folder, `${OBJECT}.partial`)), '640')
    await upload.commit(commitOf(data), never)
    assert.equal(await modeOf(path.join(folder, OBJECT)), '640')
  })

  test('that an earlier version began readable for all end readable by their owner alone', async (t) => {
    const folder = await tempFolder(t)
    const destination = local(folder)
    t.after(() => destination.close())
    const { token } = await destination.begin(OBJECT, never)
    await chmod(token, 0o644)
    const { upload: upload } = await destination.resume(token, 0, never)
    assert.equal(await modeOf(token), '600')
    await upload.commit(commitOf(data), never)
    assert.equal(await modeOf(path.join(folder, OBJECT)), '600')
  })

  test('are stored on a drive that has no such rights, and not where another fault shows', async () => {
    const answering = (code: string) =>
      ({
        stat: () => Promise.resolve({ mode: 0o100755 }),
        chmod: () => Promise.reject(Object.assign(new Error(code), { code })),
      }) as unknown as Parameters<typeof setMode>[0]
    for (const code of ['EPERM', 'ENOTSUP', 'ENOSYS', 'EINVAL']) await setMode(answering(code), 0o600)
    await assert.rejects(setMode(answering('EIO'), 0o600), { code: 'EIO' })
  })

  test('keep theirs when they are there already', async (t) => {
    const rig = await makeRig(t, {
      ...onlyNas,
      destinations: [{ name: 'nas', type: 'local', folder: 'nas', mode: '0660' }],
    })
    await mkdir(rig.nas, { recursive: true })
    const old = path.join(rig.nas, 'dicom_backup_2020-01-01_00-00-00.zip')
    await writeFile(old, 'old')
    await chmod(old, 0o644)
    await rig.put('a.dcm', 'pixels')
    const { code, result } = await rig.run()
    assert.equal(code, 0)
    assert.equal(await modeOf(old), '644')
    assert.equal(await modeOf(path.join(rig.nas, result.archive!.name)), '660')
    assert.equal((await readdir(rig.nas)).length, 2)
  })
})
