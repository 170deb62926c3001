import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode, Remedy } from '../../../src/pipeline/contract/errors.ts'
import { empty, html, text } from '../../../src/stages/stand-ins/answer.ts'
import type { Answer } from '../../../src/stages/stand-ins/answer.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import {
  apiError,
  rateLimited,
  storageQuotaExceeded,
  unauthorized,
} from '../../../src/stages/stand-ins/google-drive/errors.ts'
import { finish, never, rejectsWith, sample, startDrive, UNIT } from './google-drive-far-side.ts'

const answer = (answer: Answer, at: 'arrival' | 'before-commit' | 'after-commit' = 'before-commit'): Fault => ({
  kind: 'answer',
  answer,
  at,
})

/** What one request meets, and what it is told as. */
interface Row {
  readonly what: string
  readonly fault: Fault
  /** Null: it succeeds. */
  readonly told: readonly [ErrorCode, Remedy] | null
  /** `retryAfterMs` of the error. */
  readonly pauseMs?: number
}

const passing: readonly Row[] = [
  ...(['none', 'some', 'all'] as const).flatMap((keep): Row[] => [
    {
      what: `a 503, with ${keep} of it kept`,
      fault: { ...answer(html(503)), keep } as Fault,
      told: ['E_DESTINATION', 'resume'],
    },
    {
      what: `a cut connection, with ${keep} of it kept`,
      fault: { kind: 'cut', afterBytes: 500, keep },
      told: ['E_DESTINATION', 'resume'],
    },
    { what: `no answer, with ${keep} of it kept`, fault: { kind: 'lost', keep }, told: ['E_DESTINATION', 'resume'] },
  ]),
  { what: 'a 500 after it was stored', fault: answer(empty(500), 'after-commit'), told: ['E_DESTINATION', 'resume'] },
  { what: 'a 502 while it is sent', fault: answer(html(502), 'arrival'), told: ['E_DESTINATION', 'resume'] },
  { what: 'a 504 without a body', fault: answer(empty(504)), told: ['E_DESTINATION', 'resume'] },
  { what: 'an answer that is lost', fault: { kind: 'lost', at: 'after-commit' }, told: ['E_DESTINATION', 'resume'] },
  { what: 'an answer that never comes', fault: { kind: 'hang' }, told: ['E_DESTINATION', 'resume'] },
  { what: 'a 408', fault: answer(html(408)), told: ['E_DESTINATION', 'resume'] },
  { what: "a proxy's redirect", fault: answer(html(302)), told: ['E_DESTINATION', 'resume'] },
  { what: "a proxy's page in place of the answer", fault: answer(html(200)), told: ['E_DESTINATION', 'resume'] },
  { what: '403 rateLimitExceeded', fault: answer(rateLimited('403')), told: ['E_DESTINATION', 'retry'] },
  { what: '403 userRateLimitExceeded', fault: answer(rateLimited('403 user')), told: ['E_DESTINATION', 'retry'] },
  { what: 'the limit of a day', fault: answer(rateLimited('daily')), told: ['E_DESTINATION', 'retry'] },
  { what: '429 without Retry-After', fault: answer(rateLimited('429')), told: ['E_DESTINATION', 'retry'] },
  {
    what: '429 with Retry-After',
    fault: answer(rateLimited('429', 7)),
    told: ['E_DESTINATION', 'retry'],
    pauseMs: 7000,
  },
  {
    what: '503 with Retry-After',
    fault: answer(text(503, '', { 'retry-after': '3' })),
    told: ['E_DESTINATION', 'resume'],
    pauseMs: 3000,
  },
  { what: 'an expired access token', fault: { kind: 'expired' }, told: null },
]

for (const route of ['chunk', 'final'] as const) {
  for (const row of passing) {
    test(`${route}: the upload goes on after ${row.what}`, async (t) => {
      const { standIn, destination } = await startDrive(t, {}, row.fault.kind === 'hang' ? { answerMs: 1000 } : {})
      const whole = sample(4 * UNIT + 7)
      const upload = await destination.begin('a.zip', never)
      const before = route === 'chunk' ? 0 : 2 * UNIT
      if (route === 'final') await upload.append(0, [whole.data.subarray(0, before)], never)
      standIn.faults.add({ route, fault: row.fault })
      const call =
        route === 'chunk'
          ? upload.append(0, [whole.data.subarray(0, 1000), whole.data.subarray(1000, 2 * UNIT)], never)
          : upload.commit(whole.commit(before), never)
      if (row.told === null) await call
      else {
        const error = await rejectsWith(...row.told, call)
        assert.equal(error.retryAfterMs, row.pauseMs ?? null)
      }
      await finish(upload, whole)
      assert.deepEqual(
        standIn.objects().map(({ path, digests }) => [path, digests['md5']]),
        [['DICOM_Backups/a.zip', whole.md5]],
      )
    })
  }
}

const ending: readonly Row[] = [
  { what: '403 storageQuotaExceeded', fault: answer(storageQuotaExceeded()), told: ['E_QUOTA', 'stop'] },
  {
    what: 'a full shared drive',
    fault: answer(apiError(403, 'teamDriveFileLimitExceeded', '')),
    told: ['E_QUOTA', 'stop'],
  },
  { what: '401 with a new token too', fault: answer(unauthorized()), told: ['E_AUTH', 'stop'] },
  {
    what: 'another 403',
    fault: answer(apiError(403, 'insufficientFilePermissions', '')),
    told: ['E_SESSION', 'restart'],
  },
  { what: '400', fault: answer(text(400, 'Failed to parse Content-Range header.')), told: ['E_SESSION', 'restart'] },
  {
    what: '409 when the file is not there',
    fault: answer(apiError(409, 'fileIdInUse', '')),
    told: ['E_SESSION', 'restart'],
  },
  { what: 'a session that is gone', fault: { kind: 'session-gone' }, told: ['E_SESSION', 'restart'] },
]

for (const route of ['chunk', 'final', 'query'] as const) {
  for (const { what, fault, told } of ending) {
    for (const goneStatus of fault.kind === 'session-gone' ? ([404, 410] as const) : ([404] as const)) {
      test(`${route}: ${what} (${goneStatus}) ends the session, and nothing is stored`, async (t) => {
        const { standIn, destination } = await startDrive(t, { goneStatus })
        const whole = sample(2 * UNIT)
        const upload = await destination.begin('a.zip', never)
        standIn.faults.add({ route, nth: 'every', fault })
        const call = {
          chunk: () => upload.append(0, [whole.data], never),
          final: () => upload.commit(whole.commit(0), never),
          query: () => upload.held(never),
        }[route]
        assert.ok(told)
        await rejectsWith(...told, call())
        await upload.abort()
        assert.deepEqual(standIn.objects(), [])
      })
    }
  }
}

const offsets: readonly { readonly what: string; readonly answer: Answer }[] = [
  { what: 'nothing', answer: { status: 308 } },
  { what: 'less than was acknowledged', answer: { status: 308, headers: { range: `bytes=0-${UNIT - 1}` } } },
  { what: 'more than was sent', answer: { status: 308, headers: { range: `bytes=0-${4 * UNIT - 1}` } } },
]

for (const { what, answer: held } of offsets) {
  test(`a service that says it holds ${what} is asked again`, async (t) => {
    const { standIn, destination } = await startDrive(t)
    const whole = sample(4 * UNIT)
    const upload = await destination.begin('a.zip', never)
    await upload.append(0, [whole.data.subarray(0, 2 * UNIT)], never)
    standIn.faults.add({ route: 'chunk', fault: answer(held) })
    await rejectsWith('E_OFFSET', 'resume', upload.append(2 * UNIT, [whole.data.subarray(2 * UNIT, 3 * UNIT)], never))
    await finish(upload, whole)
    assert.equal(standIn.objects()[0]?.digests['md5'], whole.md5)
  })
}

test('a service that has forgotten acknowledged bytes says so, and is not sent the same again', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const { data } = sample(4 * UNIT)
  const upload = await destination.begin('a.zip', never)
  await upload.append(0, [data.subarray(0, 2 * UNIT)], never)
  standIn.faults.add({ route: 'chunk', fault: { kind: 'forget', bytes: 0 } })
  await rejectsWith('E_OFFSET', 'resume', upload.append(2 * UNIT, [data.subarray(2 * UNIT)], never))
  assert.equal(await upload.held(never), 0)
})

test('a Range that cannot be read is no number of bytes', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const upload = await destination.begin('a.zip', never)
  for (const range of ['bytes=1-5', 'bytes=0-', '0-262143', 'bytes=0-99999999999999999999']) {
    standIn.faults.add({ route: 'query', fault: answer({ status: 308, headers: { range } }) })
    await rejectsWith('E_DESTINATION', 'resume', upload.held(never))
  }
})

test('an append tells how much was held of it, in whole units', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const whole = sample(6 * UNIT)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'chunk', fault: { kind: 'partial' } })
  assert.equal(await upload.append(0, [whole.data.subarray(0, 4 * UNIT)], never), 2 * UNIT)
  await finish(upload, whole)
  assert.deepEqual(
    standIn.requests.latest('chunk').map(({ offset }) => offset),
    [0, 2 * UNIT],
  )
  assert.equal(standIn.objects()[0]?.digests['md5'], whole.md5)
})

test('bytes that are held already are not sent a second time', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const { data, commit } = sample(4 * UNIT)
  const upload = await destination.begin('a.zip', never)
  await upload.append(0, [data.subarray(0, 2 * UNIT)], never)
  await rejectsWith('E_OFFSET', 'resume', upload.append(UNIT, [data.subarray(UNIT)], never))
  await rejectsWith('E_OFFSET', 'resume', upload.commit(commit(UNIT), never))
  assert.equal(standIn.requests.count('chunk') + standIn.requests.count('final'), 1)
  await upload.commit(commit(2 * UNIT), never)
})

test('a session that moves goes on at its new address, here and in another process', async (t) => {
  const { standIn, destination, open } = await startDrive(t)
  const whole = sample(3 * UNIT + 1)
  const upload = await destination.begin('a.zip', never)
  const before = upload.token
  standIn.faults.add({ route: 'chunk', fault: { kind: 'moved' } })
  await upload.append(0, [whole.data.subarray(0, UNIT)], never)
  assert.notEqual(upload.token, before)
  await upload.append(UNIT, [whole.data.subarray(UNIT, 2 * UNIT)], never)
  await finish((await open().resume(upload.token, 0, never)).upload, whole)
  assert.equal(standIn.objects()[0]?.digests['md5'], whole.md5)
})

test('an archive that ends at a border of requests, and an empty one, are finished without bytes', async (t) => {
  const { standIn, destination } = await startDrive(t)
  for (const bytes of [0, 2 * UNIT]) {
    const whole = sample(bytes)
    const upload = await destination.begin(`${bytes}.zip`, never)
    if (bytes > 0) await upload.append(0, [whole.data], never)
    const stored = await upload.commit({ ...whole.commit(bytes), tail: [] }, never)
    assert.deepEqual([stored.bytes, stored.digest], [bytes, whole.md5])
  }
  assert.equal(standIn.objects().length, 2)
})
