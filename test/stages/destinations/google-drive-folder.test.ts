import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transport } from '../../../src/stages/http/types.ts'
import { json } from '../../../src/stages/stand-ins/answer.ts'
import { notFound } from '../../../src/stages/stand-ins/google-drive/errors.ts'
import { never, rejectsWith, sample, startDrive } from './google-drive-far-side.ts'

test('a folder is made once, however many uploads begin at once, and found by the next process', async (t) => {
  const { standIn, destination, open } = await startDrive(t)
  const names = ['a', 'b', 'c', 'd', 'e']
  const uploads = await Promise.all(names.map((name) => destination.begin(name, never)))
  for (const upload of uploads) await upload.commit(sample(1).commit(0), never)
  await (await open().begin('f', never)).commit(sample(1).commit(0), never)
  assert.equal(standIn.requests.count('create'), 1)
  assert.deepEqual(
    standIn.objects().map(({ path }) => path),
    [...names, 'f'].map((name) => `DICOM_Backups/${name}`),
  )
})

test('a path is a folder for each of its parts', async (t) => {
  const { standIn, open } = await startDrive(t)
  for (const folder of ['Hospital/DICOM/Backups', '/Hospital/DICOM/', 'Hospital']) {
    const upload = await open({ folder }).begin('a.zip', never)
    const { path } = await upload.commit(sample(1).commit(0), never)
    assert.equal(path, `${folder.replace(/^\/|\/$/g, '')}/a.zip`)
  }
  assert.equal(standIn.requests.count('create'), 3)
})

test('names with quotes and backslashes are names', async (t) => {
  const { standIn, open } = await startDrive(t)
  const folder = "St. Mary's \\ Röntgen' or name != '"
  for (const name of ["it's.zip", 'back\\slash.zip', "' or trashed = true or name = '.zip"]) {
    const destination = open({ folder })
    const stored = await (await destination.begin(name, never)).commit(sample(1).commit(0), never)
    assert.equal((await destination.stat(name, never))?.id, stored.id)
    assert.equal(await destination.stat(name.slice(1), never), null)
  }
  assert.equal(standIn.requests.count('create'), 1)
})

test('looking for an object makes no folder', async (t) => {
  const { standIn, destination } = await startDrive(t)
  assert.equal(await destination.stat('a.zip', never), null)
  assert.equal(standIn.requests.count('create'), 0)
})

test('two processes that each made the folder at once agree on the older', async (t) => {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const { standIn, open } = await startDrive(t, { clock: () => (now += 1000) })
  // Both are told that there is none.
  const none = json(200, { files: [] })
  standIn.faults.add(
    { route: 'list', nth: 1, fault: { kind: 'answer', answer: none } },
    { route: 'list', nth: 2, fault: { kind: 'answer', answer: none } },
  )
  const [first, second] = [open(), open()]
  await Promise.all([first.signIn(never), second.signIn(never)])
  const uploads = await Promise.all([first.begin('a.zip', never), second.begin('b.zip', never)])
  for (const upload of uploads) await upload.commit(sample(1).commit(0), never)
  assert.equal(standIn.requests.count('create'), 2)
  for (const name of ['a.zip', 'b.zip']) assert.notEqual(await open().stat(name, never), null)
})

test('a folder that was made but is not listed yet is used', async (t) => {
  const { standIn, destination } = await startDrive(t)
  standIn.faults.add(
    { route: 'list', nth: 1, fault: { kind: 'answer', answer: json(200, { files: [] }) } },
    { route: 'list', nth: 2, fault: { kind: 'answer', answer: json(200, { files: [] }) } },
  )
  await (await destination.begin('a.zip', never)).commit(sample(1).commit(0), never)
  assert.equal(standIn.objects()[0]?.path, 'DICOM_Backups/a.zip')
  assert.equal(standIn.requests.count('create'), 1)
})

test('a folder that vanished meanwhile is made anew with the next try', async (t) => {
  const { standIn, destination } = await startDrive(t, { accessTokens: ['by-hand'], scope: 'drive' })
  const call = async (method: string, path: string): Promise<Response> =>
    await fetch(`${standIn.origin}/drive/v3/files${path}`, { method, headers: { authorization: 'Bearer by-hand' } })
  await destination.begin('a.zip', never)
  const { files } = (await (await call('GET', '')).json()) as { files: { id: string }[] }
  assert.equal((await call('DELETE', `/${files[0]!.id}`)).status, 204)
  assert.equal(await destination.stat('a.zip', never), null)
  await rejectsWith('E_DESTINATION', 'retry', destination.begin('a.zip', never))
  await (await destination.begin('a.zip', never)).commit(sample(1).commit(0), never)
  assert.equal(standIn.objects()[0]?.path, 'DICOM_Backups/a.zip')
})

test('one who stops waiting for the folder does not stop the others', async (t) => {
  const { standIn, destination } = await startDrive(t)
  standIn.faults.add({ route: 'create', fault: { kind: 'delay', ms: 100 } })
  const stop = new AbortController()
  const stopped = assert.rejects(destination.begin('a.zip', stop.signal))
  const other = destination.begin('b.zip', never)
  stop.abort()
  await stopped
  await other
  assert.equal(standIn.requests.count('create'), 1)
})

test('a folder that could not be made is tried anew', async (t) => {
  const { standIn, destination } = await startDrive(t)
  standIn.faults.add({ route: 'create', fault: { kind: 'lost', at: 'after-commit' } })
  await rejectsWith('E_DESTINATION', 'retry', destination.begin('a.zip', never))
  await destination.begin('a.zip', never)
  assert.equal(standIn.requests.count('create'), 1)
})

test('a folder named by id is used as it is, and folders below it by their names', async (t) => {
  const { standIn, open } = await startDrive(t, { scope: 'drive' })
  const id = standIn.addForeignFolder('Made by hand')
  for (const [folder, path] of [
    [`id:${id}`, 'Made by hand/a.zip'],
    [`id:${id}/2026/Backups`, 'Made by hand/2026/Backups/a.zip'],
  ] as const) {
    const destination = open({ folder })
    const stored = await (await destination.begin('a.zip', never)).commit(sample(1).commit(0), never)
    assert.equal(stored.path, path)
    assert.deepEqual(await destination.stat('a.zip', never), stored)
  }
  assert.deepEqual(
    standIn.objects().map((object) => object.path),
    ['Made by hand/a.zip', 'Made by hand/2026/Backups/a.zip'],
  )
})

test('an id that the sign-in cannot see is a fault of the configuration', async (t) => {
  const { standIn, open } = await startDrive(t)
  const destination = open({ folder: `id:${standIn.addForeignFolder('Made by hand')}` })
  for (const call of [
    () => destination.signIn(never),
    () => destination.begin('a.zip', never),
    () => destination.stat('a.zip', never),
  ]) {
    const error = await rejectsWith('E_CONFIG', 'stop', call())
    assert.match(error.advice, /drive\.file/)
  }
})

test('a folder in a shared drive: every call reaches it, and its room is not the account’s', async (t) => {
  const { standIn, open } = await startDrive(t, { scope: 'drive', quotaBytes: 1000 })
  const id = standIn.addForeignFolder('Archive')
  const shared = json(200, {
    id,
    name: 'Archive',
    mimeType: 'application/vnd.google-apps.folder',
    driveId: '0DRIVE',
  })
  standIn.faults.add(
    { route: 'get', nth: 1, fault: { kind: 'answer', answer: shared } },
    { route: 'get', nth: 2, fault: { kind: 'answer', answer: shared } },
  )
  const urls: URL[] = []
  const watched = (real: Transport): Transport => ({
    ...real,
    fetch: (url, request) => {
      urls.push(new URL(url))
      return real.fetch(url, request)
    },
  })
  const destination = open({ folder: `id:${id}` }, watched)
  assert.equal((await destination.signIn(never)).freeBytes, null)
  const stored = await (await destination.begin('a.zip', never)).commit(sample(1).commit(0), never)
  assert.notEqual(await destination.stat('a.zip', never), null)
  await destination.remove(stored, never)

  const files = urls.filter(
    ({ pathname, searchParams }) =>
      /\/files(\/|$)/.test(pathname) && !pathname.endsWith('generateIds') && !searchParams.has('upload_id'),
  )
  assert.equal(files.length, 5)
  for (const { searchParams } of files) assert.equal(searchParams.get('supportsAllDrives'), 'true')
  for (const { searchParams } of files.filter((url) => url.searchParams.has('q'))) {
    assert.equal(searchParams.get('includeItemsFromAllDrives'), 'true')
    assert.deepEqual([searchParams.get('corpora'), searchParams.get('driveId')], ['drive', '0DRIVE'])
  }
})

test('a list whose parent is gone holds nothing', async (t) => {
  const { standIn, destination } = await startDrive(t)
  await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'list', fault: { kind: 'answer', answer: notFound('.') } })
  assert.equal(await destination.stat('a.zip', never), null)
})
