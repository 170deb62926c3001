import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode, Remedy } from '../../../src/pipeline/contract/errors.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { html } from '../../../src/stages/stand-ins/answer.ts'
import type { Answer } from '../../../src/stages/stand-ins/answer.ts'
import { endpointError, rateLimited, writeContention } from '../../../src/stages/stand-ins/dropbox/errors.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { never, OBJECT, PATH, rejection, rejectsWith, sample, startDropbox } from './dropbox-far-side.ts'

const N = 300_000
const whole = sample(2 * N)
const first = whole.piece(0, N)
const commit = whole.commit(N)

const answer = (given: Answer, at?: 'arrival' | 'after-commit'): Fault => ({
  kind: 'answer',
  answer: given,
  ...(at && { at }),
})
const again = ['E_DESTINATION', 'retry'] as const

interface Row {
  readonly name: string
  readonly fault: Fault
  readonly expect: readonly [ErrorCode, Remedy]
  /** What the session, or the file, holds afterwards. */
  readonly held: number
}

const rows: Row[] = [
  { name: 'whose answer is lost', fault: { kind: 'lost', at: 'after-commit' }, expect: again, held: 2 * N },
  { name: 'that is cut before anything was taken', fault: { kind: 'lost' }, expect: again, held: N },
  { name: 'whose data is taken and not saved', fault: { kind: 'lost', keep: 'all' }, expect: again, held: 2 * N },
  { name: 'whose data is taken in part', fault: { kind: 'lost', keep: 'some' }, expect: again, held: N + N / 2 },
  { name: 'with a 500 before', fault: answer(html(500)), expect: again, held: N },
  { name: 'with a 503 after', fault: answer(html(503), 'after-commit'), expect: again, held: 2 * N },
  { name: 'with half an answer', fault: { kind: 'truncated' }, expect: again, held: 2 * N },
  { name: 'with a page of HTML', fault: answer(html(200), 'after-commit'), expect: again, held: 2 * N },
  { name: 'with a 429', fault: answer(rateLimited('json', 0)), expect: again, held: N },
  { name: 'that meets contention', fault: answer(writeContention('top')), expect: again, held: N },
  { name: 'that meets contention at the path', fault: answer(writeContention('path')), expect: again, held: N },
]

for (const finishedSession of ['closed', 'not_found'] as const) {
  for (const { name, fault, expect, held } of rows) {
    test(`a finish ${name} can be asked about, and sent again (finished sessions are ${finishedSession})`, async (t) => {
      const { standIn, destination, open } = await startDropbox(t, { finishedSession })
      const upload = await destination.begin(OBJECT, never)
      await upload.append(0, first, never)
      standIn.faults.add({ route: 'finish', fault })
      await rejectsWith(...expect, upload.commit(commit, never))
      assert.equal(await upload.held(never), held)
      const { upload: later } = await open().resume(upload.token, 0, never)
      assert.equal(await later.held(never), held)
      const stored = await later.commit(whole.commit(held), never)
      assert.equal(stored.digest, whole.contentHash)
      assert.equal(stored.path, PATH)
      assert.equal((await upload.commit(whole.commit(held), never)).id, stored.id)
      assert.equal(standIn.objects().length, 1)
    })

    test(`a finish ${name} needs nothing but the retry wrapper (finished sessions are ${finishedSession})`, async (t) => {
      const { standIn, destination } = await startDropbox(t, { finishedSession })
      const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 5000, openingBudgetMs: 5000 }
      const upload = await withRetry(destination, { policy: policy }).begin(OBJECT, never)
      await upload.append(0, first, never)
      standIn.faults.add({ route: 'finish', fault })
      assert.equal((await upload.commit(commit, never)).digest, whole.contentHash)
      assert.equal(standIn.objects().length, 1)
    })
  }
}

test('a finish sent again as it was, after its data was taken, is followed by one without data', async (t) => {
  const { standIn, destination } = await startDropbox(t, {
    faults: [{ route: 'finish', fault: { kind: 'lost', keep: 'all' } }],
  })
  const upload = await destination.begin(OBJECT, never)
  await upload.append(0, first, never)
  await rejection(upload.commit(commit, never))
  assert.equal((await upload.commit(commit, never)).bytes, 2 * N)
  const finishes = standIn.requests.latest('finish').map(({ offset, bytes, status }) => ({ offset, bytes, status }))
  assert.deepEqual(finishes.slice(1), [
    { offset: N, bytes: finishes[1]?.bytes, status: 409 },
    { offset: 2 * N, bytes: 0, status: 200 },
  ])
})

test('an archive without a tail, and an empty one, are stored', async (t) => {
  const { destination } = await startDropbox(t)
  const upload = await destination.begin(OBJECT, never)
  await upload.append(0, whole.piece(0, 2 * N), never)
  assert.equal((await upload.commit(whole.commit(2 * N), never)).digest, whole.contentHash)
  const empty = sample(0)
  const nothing = await destination.begin('empty.zip', never)
  const stored = await nothing.commit({ ...empty.commit(0), tail: [] }, never)
  assert.equal(stored.digest, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('a finish has more time to be answered than other calls', async (t) => {
  const faults = [{ route: 'finish', fault: { kind: 'delay', ms: 800 } }] as const
  const { standIn, destination } = await startDropbox(t, { faults }, { answerMs: 400 })
  const upload = await destination.begin(OBJECT, never)
  assert.equal((await upload.commit(whole.commit(0), never)).bytes, 2 * N)
  standIn.faults.add({ route: 'metadata', fault: { kind: 'delay', ms: 800 } })
  await rejectsWith('E_DESTINATION', 'retry', destination.stat(OBJECT, never))
})

test('a full account is told as E_QUOTA; the session survives until there is room', async (t) => {
  const { standIn, destination } = await startDropbox(t, { quotaBytes: 2 * N - 1 })
  const upload = await destination.begin(OBJECT, never)
  await upload.append(0, first, never)
  const error = await rejectsWith('E_QUOTA', 'stop', upload.commit(commit, never))
  assert.notEqual(error.advice, '')
  standIn.quotaBytes = 2 * N
  assert.equal((await upload.commit(commit, never)).bytes, 2 * N)
})

test('a file of the same name that was there before is neither replaced nor deleted', async (t) => {
  const { standIn, destination } = await startDropbox(t)
  for (const bytes of [100, 2 * N]) {
    const other = sample(bytes)
    const earlier = await (await destination.begin(`${bytes}.zip`, never)).commit(other.commit(0), never)
    const upload = await destination.begin(`${bytes}.zip`, never)
    await rejectsWith('E_DESTINATION', 'stop', upload.commit(whole.commit(0), never))
    // Its session gone as well, and nothing in doubt: still not ours.
    standIn.faults.add({ route: 'finish', fault: { kind: 'session-gone' } })
    await rejectsWith('E_SESSION', 'restart', upload.commit(whole.commit(2 * N), never))
    await upload.abort()
    assert.deepEqual(await destination.stat(`${bytes}.zip`, never), earlier)
  }
})

test('the same archive under the same name is no conflict', async (t) => {
  const { destination, standIn } = await startDropbox(t)
  const one = await (await destination.begin(OBJECT, never)).commit(whole.commit(0), never)
  const two = await (await destination.begin(OBJECT, never)).commit(whole.commit(0), never)
  assert.equal(two.id, one.id)
  assert.equal(standIn.objects().length, 1)
})

test('a folder where the archive should be is told', async (t) => {
  const { destination } = await startDropbox(t)
  await (await destination.begin(`${OBJECT}/inner`, never)).commit(whole.commit(0), never)
  const upload = await destination.begin(OBJECT, never)
  await rejectsWith('E_DESTINATION', 'stop', upload.commit(whole.commit(0), never))
  assert.equal(await destination.stat(OBJECT, never), null)
})

for (const finishedSession of ['closed', 'not_found'] as const) {
  test(`an archive that Dropbox stored with a bit flipped is deleted, also when the answer was lost (${finishedSession})`, async (t) => {
    const storage = { folder: await tempFolder(t) }
    const { standIn, destination } = await startDropbox(t, { storage, finishedSession })
    const upload = await destination.begin(OBJECT, never)
    standIn.faults.add({ route: 'append', fault: { kind: 'flip' } })
    await upload.append(0, first, never)
    await rejectsWith('E_INTEGRITY', 'stop', upload.commit(commit, never))
    assert.equal(standIn.objects().length, 0)

    const lost = await destination.begin(OBJECT, never)
    standIn.faults.add({ route: 'append', fault: { kind: 'flip' } })
    standIn.faults.add({ route: 'finish', fault: { kind: 'lost', at: 'after-commit' } })
    await lost.append(0, first, never)
    await rejection(lost.commit(commit, never))
    assert.equal(standIn.objects().length, 1)
    await rejectsWith('E_INTEGRITY', 'stop', lost.commit(commit, never))
    assert.equal(standIn.objects().length, 0)
  })
}

test('a damaged archive that cannot be deleted at once is deleted by the next try, or by abort', async (t) => {
  const storage = { folder: await tempFolder(t) }
  const { standIn, destination } = await startDropbox(t, { storage })
  for (const next of ['commit', 'abort'] as const) {
    const upload = await destination.begin(OBJECT, never)
    standIn.faults.add({ route: 'append', fault: { kind: 'flip' } })
    await upload.append(0, first, never)
    standIn.faults.add({ route: 'delete', fault: answer(html(503)) })
    await rejectsWith('E_DESTINATION', 'retry', upload.commit(commit, never))
    assert.equal(standIn.objects().length, 1)
    assert.equal(await upload.held(never), 2 * N)
    if (next === 'abort') await upload.abort()
    else await rejectsWith('E_INTEGRITY', 'stop', upload.commit(whole.commit(2 * N), never))
    assert.equal(standIn.objects().length, 0)
  }
})

test('a damaged archive whose deletion was answered to nobody is told as damaged all the same', async (t) => {
  const storage = { folder: await tempFolder(t) }
  const { standIn, destination } = await startDropbox(t, { storage })
  const upload = await destination.begin(OBJECT, never)
  standIn.faults.add({ route: 'append', fault: { kind: 'flip' } })
  await upload.append(0, first, never)
  standIn.faults.add({ route: 'delete', fault: { kind: 'lost', at: 'after-commit' } })
  await rejectsWith('E_DESTINATION', 'retry', upload.commit(commit, never))
  const held = await upload.held(never)
  await rejectsWith('E_INTEGRITY', 'stop', upload.commit(whole.commit(held), never))
})

test('a damaged archive that may not be deleted is named', async (t) => {
  const storage = { folder: await tempFolder(t) }
  const refused = answer(endpointError(['path_write', 'no_write_permission']))
  const { standIn, destination } = await startDropbox(t, { storage, faults: [{ route: 'delete', fault: refused }] })
  const upload = await destination.begin(OBJECT, never)
  standIn.faults.add({ route: 'append', fault: { kind: 'flip' } })
  await upload.append(0, first, never)
  const error = await rejectsWith('E_INTEGRITY', 'stop', upload.commit(commit, never))
  assert.ok(error.message.includes(PATH))
})

test('names and folders outside ASCII are kept', async (t) => {
  const { standIn, open } = await startDropbox(t)
  const destination = open({ folder: '/Bäckup 😀' })
  const stored = await (await destination.begin('Größe.zip', never)).commit(whole.commit(0), never)
  assert.equal(stored.path, '/Bäckup 😀/Größe.zip')
  assert.deepEqual(await destination.stat('Größe.zip', never), stored)
  await destination.remove(stored, never)
  assert.equal(standIn.objects().length, 0)
})

test('an archive in the root folder is found', async (t) => {
  const { open } = await startDropbox(t)
  const destination = open({ folder: '' })
  const stored = await (await destination.begin(OBJECT, never)).commit(whole.commit(0), never)
  assert.equal(stored.path, `/${OBJECT}`)
  assert.equal((await destination.stat(OBJECT, never))?.id, stored.id)
})
