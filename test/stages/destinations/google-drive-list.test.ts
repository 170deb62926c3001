import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { json } from '../../../src/stages/stand-ins/answer.ts'
import { apiError, notFound } from '../../../src/stages/stand-ins/google-drive/errors.ts'
import { rejectsWith, startDrive } from './google-drive-far-side.ts'
import { assertListed, listAll, namesOf, store, storeAll } from './listing.ts'

const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }

test('files of one name are all listed, each with its own id, size and digest', async (t) => {
  const { destination } = await startDrive(t)
  const stored = []
  for (const bytes of [1, 2, 3]) stored.push(await store(destination, 'a.zip', Buffer.alloc(bytes, bytes)))
  const listed = await listAll(destination)
  assert.deepEqual(
    listed.sort((a, b) => a.bytes - b.bytes),
    stored.map((object) => ({ ...object, name: 'a.zip' })),
  )
})

test('what is in the trash or in another folder is not listed', async (t) => {
  const { standIn, destination, open } = await startDrive(t)
  await storeAll(destination, namesOf(3))
  await store(open({ folder: 'Other' }), 'other.zip')
  // Where only organizers may delete, a file goes to the trash.
  const forbidden = apiError(403, 'insufficientFilePermissions', 'No.')
  standIn.faults.add({ route: 'delete', fault: { kind: 'answer', answer: forbidden } })
  await destination.remove(
    (await listAll(destination)).find(({ name }) => name === namesOf(1)[0])!,
    new AbortController().signal,
  )
  assertListed(await listAll(destination), namesOf(3).slice(1))
})

test('listing a folder that is not there yet makes none', async (t) => {
  const { standIn, destination } = await startDrive(t)
  assert.deepEqual(await listAll(destination), [])
  assert.equal(standIn.requests.count('create'), 0)
})

test('a folder that is gone is listed as empty', async (t) => {
  const { standIn, destination } = await startDrive(t)
  await store(destination, 'a.zip')
  standIn.faults.add({ route: 'list', fault: { kind: 'answer', answer: notFound('.') } })
  assert.deepEqual(await listAll(destination), [])
})

test('a page token that is refused starts the listing anew, and no file is given twice', async (t) => {
  const { standIn, destination } = await startDrive(t, { pageEntries: 5 })
  const names = namesOf(18)
  await storeAll(destination, names)
  for (const answer of [apiError(400, 'invalid', 'Invalid Value'), apiError(410, 'gone', 'Gone'), notFound('.')]) {
    for (let page = 2; page <= 4; page += 1) {
      standIn.faults.add({ route: 'list', nth: page, fault: { kind: 'answer', answer } })
      await rejectsWith('E_DESTINATION', 'retry', listAll(destination))
      standIn.faults.add({ route: 'list', nth: page, fault: { kind: 'answer', answer } })
      assertListed(await listAll(withRetry(destination, { policy })), names)
    }
  }
  standIn.faults.add({ route: 'list', fault: { kind: 'answer', answer: apiError(400, 'invalid', 'Invalid Value') } })
  await rejectsWith('E_DESTINATION', 'stop', listAll(destination))
})

test('a sign-in that is refused between two pages is told as that', async (t) => {
  const { standIn, destination } = await startDrive(t, { pageEntries: 5 })
  await storeAll(destination, namesOf(11))
  const forbidden = apiError(403, 'insufficientFilePermissions', 'No.')
  standIn.faults.add({ route: 'list', nth: 2, fault: { kind: 'answer', answer: forbidden } })
  await rejectsWith('E_AUTH', 'stop', listAll(withRetry(destination, { policy })))
})

test('a page without files that names a next one is no end, and what is no page is told', async (t) => {
  const { standIn, destination } = await startDrive(t)
  await storeAll(destination, namesOf(3))
  const [end] = await listAll(destination)
  assert.ok(end)
  standIn.faults.add(
    { route: 'list', nth: 1, fault: { kind: 'answer', answer: json(200, { files: [], nextPageToken: 'x' }) } },
    { route: 'list', nth: 2, fault: { kind: 'answer', answer: json(200, { files: [{ id: '1', name: 'z' }] }) } },
  )
  assert.deepEqual(await listAll(destination), [
    { id: '1', name: 'z', path: 'DICOM_Backups/z', bytes: 0, digest: null },
  ])
  for (const page of [{}, { files: {} }, { files: [{ name: 'no id' }] }]) {
    standIn.faults.add({ route: 'list', fault: { kind: 'answer', answer: json(200, page) } })
    await rejectsWith('E_DESTINATION', 'retry', listAll(destination))
  }
})
