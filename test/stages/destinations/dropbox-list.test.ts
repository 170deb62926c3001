import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { json } from '../../../src/stages/stand-ins/answer.ts'
import { endpointError } from '../../../src/stages/stand-ins/dropbox/errors.ts'
import { never, rejectsWith, startDropbox } from './dropbox-far-side.ts'
import { assertListed, listAll, namesOf, store, storeAll } from './listing.ts'

const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 50 }

test('a cursor that Dropbox resets starts the listing anew, and no file is given twice', async (t) => {
  const { standIn, destination } = await startDropbox(t, { pageEntries: 4 })
  const names = namesOf(15)
  await storeAll(destination, names)
  for (let resetAt = 1; resetAt <= names.length; resetAt += 1) {
    const given = []
    for await (const object of destination.list(never)) {
      given.push(object)
      if (given.length === resetAt) standIn.resetCursors()
    }
    assertListed(given, names)
  }
  // At each page that has a new file.
  const given = []
  for await (const object of destination.list(never)) {
    given.push(object)
    if (given.length % 4 === 1) standIn.resetCursors()
  }
  assertListed(given, names)
})

test('a listing that is reset without end is given up', async (t) => {
  const { standIn, destination } = await startDropbox(t, { pageEntries: 4 })
  await storeAll(destination, namesOf(9))
  standIn.faults.add({ route: 'list-more', nth: 'every', fault: { kind: 'answer', answer: endpointError(['reset']) } })
  const error = await rejectsWith('E_DESTINATION', 'retry', listAll(destination))
  assert.match(error.message, /stopped listing/)
  await rejectsWith('E_DESTINATION', 'retry', listAll(withRetry(destination, { policy })))
})

test('the root of an app folder is listed', async (t) => {
  const { open } = await startDropbox(t)
  const destination = open({ folder: '' })
  await storeAll(destination, namesOf(3))
  await store(open({ folder: '/below' }), 'other.zip')
  assertListed(await listAll(destination), namesOf(3))
})

test('a folder that is a file is told', async (t) => {
  const { open, destination } = await startDropbox(t)
  await store(destination, 'a.zip')
  const error = await rejectsWith('E_DESTINATION', 'stop', listAll(open({ folder: '/DICOM_Backups/a.zip' })))
  assert.match(error.message, /is a file in Dropbox/)
})

test('a folder that is removed while it is listed ends the listing', async (t) => {
  const { standIn, destination } = await startDropbox(t, { pageEntries: 4 })
  await storeAll(destination, namesOf(9))
  standIn.faults.add({ route: 'list-more', fault: { kind: 'answer', answer: endpointError(['path', 'not_found']) } })
  assert.equal((await listAll(destination)).length, 4)
})

test('a file that is told again, or as deleted, while the listing goes on is not given again', async (t) => {
  const { standIn, destination } = await startDropbox(t)
  const stored = await store(destination, 'a.zip')
  const file = { '.tag': 'file', name: 'a.zip', id: stored.id, path_display: stored.path, size: stored.bytes }
  const other = { ...file, name: 'b.zip', id: 'id:other' }
  const pages = [
    { entries: [file, { '.tag': 'folder', name: 'below' }], cursor: 'c1', has_more: true },
    { entries: [], cursor: 'c2', has_more: true },
    { entries: [{ '.tag': 'deleted', name: 'a.zip' }, { ...file, size: 9 }, other], cursor: 'c3', has_more: false },
  ]
  pages.forEach((page, n) => {
    standIn.faults.add({
      route: n === 0 ? 'list' : 'list-more',
      nth: Math.max(1, n),
      fault: { kind: 'answer', answer: json(200, page) },
    })
  })
  assert.deepEqual(
    (await listAll(destination)).map(({ name, digest }) => [name, digest]),
    [
      ['a.zip', null],
      ['b.zip', null],
    ],
  )
})

test('what is no page of a listing is told, to be tried again', async (t) => {
  const { standIn, destination } = await startDropbox(t)
  await store(destination, 'a.zip')
  const good = { entries: [], cursor: 'c', has_more: false }
  for (const page of [
    null,
    {},
    { ...good, entries: {} },
    { ...good, cursor: 1 },
    { entries: [], cursor: 'c' },
    { ...good, entries: [{ '.tag': 'file', name: 'a.zip' }] },
  ]) {
    standIn.faults.add({ route: 'list', fault: { kind: 'answer', answer: json(200, page) } })
    await rejectsWith('E_DESTINATION', 'retry', listAll(destination))
  }
})
