/** Uploads to Dropbox with several requests at once: what the service does not tell has to be known, or found out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination, Upload } from '../../../src/pipeline/contract/destination.ts'
import type { ErrorCode, Remedy } from '../../../src/pipeline/contract/errors.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { empty, html } from '../../../src/stages/stand-ins/answer.ts'
import type { Answer } from '../../../src/stages/stand-ins/answer.ts'
import { endpointError, rateLimited, writeContention } from '../../../src/stages/stand-ins/dropbox/errors.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import {
  never,
  OBJECT,
  rejection,
  rejectsWith,
  RENEWABLE,
  sample,
  startDropbox,
  type FarSide,
} from './dropbox-far-side.ts'

const BLOCK = 4 << 20
const whole = sample(3 * BLOCK + 1000)
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }
const asIs = <T>(real: T): T => real

const severalAtOnce = ({ open }: FarSide): Destination => open({}, asIs, 'concurrent')
const append = (upload: Upload, n: number, signal = never): Promise<number> =>
  upload.append(n * BLOCK, whole.piece(n * BLOCK, (n + 1) * BLOCK), signal)
const appendAll = (upload: Upload): Promise<PromiseSettledResult<number>[]> =>
  Promise.allSettled([0, 1, 2].map((n) => append(upload, n)))
const typeOf = ({ token }: Upload): unknown => (JSON.parse(token) as { type?: unknown }).type

async function commit(upload: Upload): Promise<void> {
  assert.equal((await upload.commit(whole.commit(3 * BLOCK), never)).digest, whole.contentHash)
}

const doubt = ['E_DESTINATION', 'resume'] as const
const wait = ['E_DESTINATION', 'retry'] as const
const answer = (given: Answer, at?: 'arrival' | 'after-commit'): Fault => ({
  kind: 'answer',
  answer: given,
  ...(at && { at }),
})

const rows: readonly (readonly [name: string, fault: Fault, expect: readonly [ErrorCode, Remedy]])[] = [
  ['an answer that is lost after the bytes were taken', { kind: 'lost', at: 'after-commit' }, doubt],
  ['an answer that is lost before they were taken', { kind: 'lost' }, doubt],
  ['a connection cut in the middle', { kind: 'cut', afterBytes: BLOCK / 2 }, doubt],
  ['an answer that never comes', { kind: 'hang', at: 'after-commit' }, doubt],
  ['a page of HTML with status 200', answer(html(200), 'after-commit'), doubt],
  ['half an answer', { kind: 'truncated' }, doubt],
  ['a 503 before', answer(empty(503)), doubt],
  ['a 503 after', answer(empty(503), 'after-commit'), doubt],
  ['damage on the way', answer(endpointError(['content_hash_mismatch'])), doubt],
  ['429 as JSON', answer(rateLimited('json', 7)), wait],
  ['429 before the body was read', answer(rateLimited('text', 7), 'arrival'), wait],
  ['409 for writes', answer(writeContention('top')), wait],
]

for (const [name, fault, expect] of rows) {
  test(`of several appends the one that meets ${name} ends with ${expect.join(', ')}; sent again, the others with it are the object`, async (t) => {
    const far = await startDropbox(t, {}, fault.kind === 'hang' ? { answerMs: 300 } : {})
    const upload = await severalAtOnce(far).begin(OBJECT, never)
    far.standIn.faults.add({ route: 'append', nth: 2, fault })
    const settled = await appendAll(upload)
    const failed = settled.findIndex(({ status }) => status === 'rejected')
    const one = settled[failed]
    assert.ok(one?.status === 'rejected' && settled.filter(({ status }) => status === 'rejected').length === 1)
    await rejectsWith(...expect, Promise.reject(one.reason as Error))
    assert.equal(await upload.held(never), failed * BLOCK, 'what lies behind the gap does not count')
    assert.equal(await append(upload, failed), 3 * BLOCK)
    await commit(upload)
  })
}

test('behind the wrapper that tries again, each of several is tried by itself', async (t) => {
  const far = await startDropbox(t)
  const upload = await withRetry(severalAtOnce(far), { policy }).begin(OBJECT, never)
  far.standIn.faults.add(
    { route: 'append', nth: 1, fault: { kind: 'lost', at: 'after-commit' } },
    { route: 'append', nth: 2, fault: { kind: 'cut', afterBytes: 1000 } },
    { route: 'append', nth: 3, fault: answer(rateLimited('json', 0)) },
    { route: 'append', nth: 4, fault: answer(empty(503)) },
  )
  const held = await Promise.all([0, 1, 2].map((n) => append(upload, n)))
  assert.equal(Math.max(...held), 3 * BLOCK)
  await commit(upload)
})

test('a session that is gone is told by every call, so that the upload starts again', async (t) => {
  const far = await startDropbox(t)
  const upload = await severalAtOnce(far).begin(OBJECT, never)
  await append(upload, 0)
  far.standIn.faults.add({ route: 'append', fault: { kind: 'session-gone' } })
  for (const one of await appendAll(upload)) {
    assert.ok(one.status === 'rejected')
    await rejectsWith('E_SESSION', 'restart', Promise.reject(one.reason as Error))
  }
  await rejectsWith('E_SESSION', 'restart', upload.held(never))
  await rejectsWith('E_SESSION', 'restart', upload.commit(whole.commit(BLOCK), never))
  await rejectsWith('E_SESSION', 'restart', severalAtOnce(far).resume(upload.token, BLOCK, never))
})

test('blocks that Dropbox lost after it had acknowledged them are told by the commit: nothing is stored, and the upload starts again', async (t) => {
  const far = await startDropbox(t)
  for (const kept of [0, 1, 2]) {
    const upload = await severalAtOnce(far).begin(OBJECT, never)
    await append(upload, 0)
    await append(upload, 1)
    far.standIn.faults.add({ route: 'append', fault: { kind: 'forget', bytes: kept * BLOCK } })
    await append(upload, 2)
    if (kept === 2) await commit(upload)
    else await rejectsWith('E_SESSION', 'restart', upload.commit(whole.commit(3 * BLOCK), never))
    assert.equal(far.standIn.objects().length, kept === 2 ? 1 : 0)
  }
})

test('a block that was stored with a bit flipped is told by the whole hash, and the object is deleted', async (t) => {
  const far = await startDropbox(t, { storage: { folder: await tempFolder(t) } })
  const upload = await severalAtOnce(far).begin(OBJECT, never)
  far.standIn.faults.add({ route: 'append', nth: 2, fault: { kind: 'flip' } })
  await appendAll(upload)
  await rejectsWith('E_INTEGRITY', 'stop', upload.commit(whole.commit(3 * BLOCK), never))
  assert.equal(far.standIn.objects().length, 0)
})

for (const route of ['append', 'finish'] as const) {
  for (const at of ['before-commit', 'after-commit'] as const) {
    const last = route === 'append' ? 'closing append' : 'finish'
    test(`a ${last} without an answer, lost ${at}: the same process commits again, another goes on, and it is one object`, async (t) => {
      for (const finishedSession of ['closed', 'not_found'] as const) {
        for (const isAnother of [false, true]) {
          const far = await startDropbox(t, { finishedSession })
          const destination = severalAtOnce(far)
          const upload = await destination.begin(OBJECT, never)
          await appendAll(upload)
          far.standIn.faults.add({ route, fault: { kind: 'lost', at } })
          await rejection(upload.commit(whole.commit(3 * BLOCK), never))
          // The answers to the last appends may not have been noted.
          const acknowledged = isAnother ? BLOCK : 3 * BLOCK
          const resumed = isAnother ? await severalAtOnce(far).resume(upload.token, acknowledged, never) : null
          const later = resumed?.upload ?? upload
          let held = await later.held(never)
          const isStored = route === 'finish' && at === 'after-commit'
          assert.equal(held, isStored ? whole.data.length : acknowledged)
          while (held < 3 * BLOCK) held = await append(later, held / BLOCK)
          assert.equal((await later.commit(whole.commit(held), never)).digest, whole.contentHash)
          await later.abort()
          assert.equal(far.standIn.objects().length, 1)
          assert.equal((await destination.stat(OBJECT, never))?.bytes, whole.data.length)
        }
      }
    })
  }
}

test('what a killed process had under way is sent again, from the first byte that was not acknowledged', async (t) => {
  for (const missing of [0, 1, 2]) {
    const far = await startDropbox(t)
    const first = await severalAtOnce(far).begin(OBJECT, never)
    await Promise.allSettled([0, 1, 2].map((n) => append(first, n, n === missing ? AbortSignal.abort() : never)))
    const { upload: later } = await severalAtOnce(far).resume(first.token, missing * BLOCK, never)
    assert.equal(await later.held(never), missing * BLOCK)
    const rest = [0, 1, 2].filter((n) => n >= missing).map((n) => append(later, n))
    assert.equal(Math.max(...(await Promise.all(rest))), 3 * BLOCK)
    await commit(later)
  }
})

test('asking what is held sends and changes nothing', async (t) => {
  const far = await startDropbox(t)
  const upload = await severalAtOnce(far).begin(OBJECT, never)
  for (const n of [0, 1, 2]) {
    assert.equal(await upload.held(never), n * BLOCK)
    await append(upload, n)
  }
  await commit(upload)
})

test('a gap is never committed: not by a commit behind it, and not by one of an upload that was given up', async (t) => {
  const far = await startDropbox(t)
  const upload = await severalAtOnce(far).begin(OBJECT, never)
  await append(upload, 0)
  await rejectsWith('E_OFFSET', 'resume', append(upload, 2))
  await rejectsWith('E_OFFSET', 'resume', upload.commit(whole.commit(3 * BLOCK), never))
  await append(upload, 1)
  await append(upload, 2)
  await upload.abort()
  const { upload: later } = await severalAtOnce(far).resume(upload.token, 3 * BLOCK, never)
  await rejectsWith('E_SESSION', 'restart', later.commit(whole.commit(3 * BLOCK), never))
  assert.equal(far.standIn.objects().length, 0)
})

test('an upload of one request after the other, noted by an earlier version, goes on as it was', async (t) => {
  const far = await startDropbox(t)
  const first = await far.destination.begin(OBJECT, never)
  assert.deepEqual(Object.keys(JSON.parse(first.token) as object), ['id', 'path'])
  await append(first, 0)
  const { upload: later } = await severalAtOnce(far).resume(first.token, 0, never)
  assert.equal(later.requests.inFlight, 1)
  assert.equal(await later.held(never), BLOCK)
  await append(later, 1)
  await append(later, 2)
  await commit(later)
})

test('a note of a type of session that is not known here is an upload that is gone', async (t) => {
  const far = await startDropbox(t)
  const { token } = await severalAtOnce(far).begin(OBJECT, never)
  const other = JSON.stringify({ ...(JSON.parse(token) as object), type: 'of tomorrow' })
  await rejectsWith('E_SESSION', 'restart', far.destination.resume(other, 0, never))
})

test('requests go several at once where answers take long, and one after the other where they do not', async (t) => {
  for (const config of [{}, RENEWABLE]) {
    const near = await startDropbox(t)
    const one = await near.open(config).begin(OBJECT, never)
    assert.deepEqual([one.requests.inFlight, typeOf(one)], [1, undefined])
    assert.equal(near.standIn.requests.count('start'), 1)
    const far = await startDropbox(t, { latencyMs: 110 })
    const destination = far.open(config)
    const several = await destination.begin(OBJECT, never)
    assert.deepEqual([several.requests.inFlight, typeOf(several)], [3, 'concurrent'])
    // Now that it is known, it is not asked again.
    const before = far.standIn.requests.count('start')
    assert.equal((await destination.begin('b.zip', never)).requests.inFlight, 3)
    assert.equal(far.standIn.requests.count('start'), before + 1)
  }
})

test('of several at once the first is small, so that they do not all end together; all are whole blocks', async (t) => {
  const far = await startDropbox(t)
  const destination = far.open({}, asIs, 'concurrent')
  const { requests } = await destination.begin(OBJECT, never)
  const GIB = 1 << 30
  const sizes = [0, BLOCK, 16 * GIB - 2 * BLOCK, 16 * GIB, 64 * GIB].map((at) => requests.bytes(at))
  assert.deepEqual(sizes, [BLOCK, 2 * BLOCK, 2 * BLOCK, 4 * BLOCK, 8 * BLOCK])
  const configured = far.open({ chunkSize: 3 * BLOCK }, asIs, 'concurrent')
  assert.equal((await configured.begin(OBJECT, never)).requests.bytes(0), 3 * BLOCK)
})

test('the uploads of one destination have requests of their own, each of its type of session', async (t) => {
  const far = await startDropbox(t)
  const { token } = await far.destination.begin('a.zip', never)
  const destination = far.open({}, asIs, 'concurrent')
  const several = await destination.begin(OBJECT, never)
  const { upload: one } = await destination.resume(token, 0, never)
  await destination.begin('c.zip', never)
  assert.deepEqual([one.requests.inFlight, one.requests.bytes(0)], [1, 4 * BLOCK])
  assert.deepEqual([several.requests.inFlight, several.requests.bytes(0)], [3, BLOCK])
})

test('an upload that is taken up is asked once what it holds', async (t) => {
  const far = await startDropbox(t)
  for (const open of [() => far.destination, () => severalAtOnce(far)]) {
    const upload = await open().begin(OBJECT, never)
    await append(upload, 0)
    const before = far.standIn.requests.count('append')
    assert.equal((await open().resume(upload.token, BLOCK, never)).held, BLOCK)
    assert.equal(far.standIn.requests.count('append'), before + 1)
  }
})
