import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { apiError } from '../../../src/stages/stand-ins/google-drive/errors.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { finish, never, rejectsWith, sample, startDrive, UNIT } from './google-drive-far-side.ts'

test('a request is the chunk size in whole units of 256 KiB, at least one', async (t) => {
  const { open } = await startDrive(t)
  const requestBytes = async (chunkSize: number | null): Promise<number> =>
    (await open({ chunkSize }).begin('a.zip', never)).requests.bytes(0)
  assert.equal(await requestBytes(null), 8 * 1024 * 1024)
  for (const [chunkSize, expected] of [
    [1, UNIT],
    [UNIT, UNIT],
    [2 * UNIT - 1, UNIT],
    [2 * UNIT, 2 * UNIT],
    [2 * UNIT + 1, 2 * UNIT],
  ] as const) {
    assert.equal(await requestBytes(chunkSize), expected)
  }
})

test('nothing of Google is loaded before a destination is used', async () => {
  const module = new URL('../../../src/stages/destinations/google-drive/google-drive.ts', import.meta.url).href
  const script = `
    import { createRequire } from 'node:module'
    await import(${JSON.stringify(module)})
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => /googleapis|google-auth|gaxios/.test(file))
    console.log(loaded.length)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  assert.equal(stdout.trim(), '0')
})

test('of several objects of one name the newest is the one that counts', async (t) => {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const { standIn, destination } = await startDrive(t, { clock: () => (now += 1000) })
  const ids: string[] = []
  for (const bytes of [10, 20, 30]) {
    const upload = await destination.begin('a.zip', never)
    ids.push((await upload.commit(sample(bytes).commit(0), never)).id)
  }
  const found = await destination.stat('a.zip', never)
  assert.ok(found)
  assert.deepEqual(
    { id: found.id, bytes: found.bytes, path: found.path },
    { id: ids[2], bytes: 30, path: 'DICOM_Backups/a.zip' },
  )
  await destination.remove(found, never)
  assert.equal((await destination.stat('a.zip', never))?.id, ids[1])
  assert.equal(standIn.objects().length, 2)
})

test('what lies in the trash is not there', async (t) => {
  const { standIn, destination } = await startDrive(t, { accessTokens: ['by-hand'] })
  const upload = await destination.begin('a.zip', never)
  const { id } = await upload.commit(sample(10).commit(0), never)
  const answer = await fetch(`${standIn.origin}/drive/v3/files/${id}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer by-hand' },
    body: JSON.stringify({ trashed: true }),
  })
  assert.equal(answer.status, 200)
  assert.equal(await destination.stat('a.zip', never), null)
})

test('a list that comes in pages, some of them empty, is read to its end', async (t) => {
  const { standIn, destination } = await startDrive(t, { pageEntries: 1 })
  const upload = await destination.begin('a.zip', never)
  const { id } = await upload.commit(sample(10).commit(0), never)
  const before = standIn.requests.count('list')
  // The folder itself fills the first page, and meets no condition.
  assert.equal((await destination.stat('a.zip', never))?.id, id)
  assert.equal(standIn.requests.count('list'), before + 2)
})

test('where only organizers may delete, an archive goes to the trash', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const upload = await destination.begin('a.zip', never)
  const stored = await upload.commit(sample(10).commit(0), never)
  const forbidden = apiError(403, 'insufficientFilePermissions', 'The user does not have sufficient permissions.')
  standIn.faults.add({ route: 'delete', fault: { kind: 'answer', answer: forbidden } })
  await destination.remove(stored, never)
  assert.equal(await destination.stat('a.zip', never), null)
})

test('an upload is taken up by another process, which finds what was held', async (t) => {
  const { destination, open } = await startDrive(t)
  const whole = sample(3 * UNIT + 5)
  const first = await destination.begin('a.zip', never)
  await first.append(0, [whole.data.subarray(0, 2 * UNIT)], never)
  await destination.close()
  const other = open()
  const { upload: second } = await other.resume(first.token, 0, never)
  assert.equal(await second.held(never), 2 * UNIT)
  await finish(second, whole)
  assert.equal((await other.stat('a.zip', never))?.digest, whole.md5)
})

test('an upload that is gone, that is of another folder or whose token is damaged starts again', async (t) => {
  let now = Date.now()
  const { destination, open } = await startDrive(t, { clock: () => now })
  const { token } = await destination.begin('a.zip', never)
  await rejectsWith('E_SESSION', 'restart', destination.resume('{"uri":', 0, never))
  await rejectsWith('E_SESSION', 'restart', destination.resume('{}', 0, never))
  await rejectsWith('E_SESSION', 'restart', open({ folder: 'Elsewhere' }).resume(token, 0, never))
  await destination.resume(token, 0, never)
  now += 8 * 24 * 60 * 60 * 1000
  await rejectsWith('E_SESSION', 'restart', destination.resume(token, 0, never))
})

test('a call on a closed destination is told as stopped', async (t) => {
  const { destination } = await startDrive(t)
  await destination.close()
  await rejectsWith('E_ABORTED', 'stop', destination.signIn(never))
  await rejectsWith('E_ABORTED', 'stop', destination.begin('a.zip', never))
})

test("an archive that Google's scanner has flagged is read by its owner, and by nobody else", async (t) => {
  const { standIn, destination } = await startDrive(t, { storage: { folder: await tempFolder(t) } })
  const upload = await destination.begin('a.zip', never)
  const stored = await upload.commit(sample(10).commit(0), never)
  const read = async (): Promise<number> => {
    let bytes = 0
    for await (const chunk of destination.read(stored, { from: 0, to: 10 }, never)) bytes += chunk.length
    return bytes
  }
  const [object] = standIn.objects()
  standIn.flag(object!, 'owned')
  assert.equal(await read(), 10)
  standIn.flag(object!, 'shared')
  await assert.rejects(read(), { code: 'E_DESTINATION', message: /flagged this file, and only its owner/ })
})

test('a limit on the number of items is told as one', async (t) => {
  for (const [reason, says] of [
    ['teamDriveFileLimitExceeded', /the shared drive holds as many items/],
    ['numChildrenInNonRootLimitExceeded', /the folder holds as many items/],
    ['activeItemCreationLimitExceeded', /the account holds as many items/],
  ] as const) {
    const { standIn, destination } = await startDrive(t)
    const answer = apiError(403, reason, 'Google says so.')
    standIn.faults.add({ route: 'begin', nth: 1, fault: { kind: 'answer', answer } })
    await assert.rejects(destination.begin('a.zip', never), { code: 'E_QUOTA', message: says })
  }
})
