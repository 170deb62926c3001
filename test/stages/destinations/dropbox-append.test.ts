import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Upload } from '../../../src/pipeline/contract/destination.ts'
import type { BackupError, ErrorCode, Remedy } from '../../../src/pipeline/contract/errors.ts'
import type { Transport } from '../../../src/stages/http/types.ts'
import { empty, html, text } from '../../../src/stages/stand-ins/answer.ts'
import type { Answer } from '../../../src/stages/stand-ins/answer.ts'
import { badCall, endpointError, rateLimited, writeContention } from '../../../src/stages/stand-ins/dropbox/errors.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { never, OBJECT, rejection, rejectsWith, sample, startDropbox } from './dropbox-far-side.ts'

const N = 300_000
const whole = sample(3 * N)
const second = whole.piece(N, 2 * N)

/** From wherever it stands to the stored object, as the engine goes: ask, send what is missing, commit. */
async function complete(upload: Upload): Promise<void> {
  let held = await upload.held(never)
  while (held < 2 * N) held = await upload.append(held, whole.piece(held, Math.min(held + N, 2 * N)), never)
  const stored = await upload.commit(whole.commit(held), never)
  assert.equal(stored.digest, whole.contentHash)
}

interface Row {
  readonly name: string
  readonly fault: Fault
  readonly expect: readonly [ErrorCode, Remedy]
  /** What the session holds afterwards; the second request is that from N to 2 N. */
  readonly held: number
}

const doubt = ['E_DESTINATION', 'resume'] as const
const answer = (given: Answer, at?: 'arrival' | 'after-commit'): Fault => ({
  kind: 'answer',
  answer: given,
  ...(at && { at }),
})

const rows: Row[] = [
  {
    name: 'an answer that is lost after the bytes were taken',
    fault: { kind: 'lost', at: 'after-commit' },
    expect: doubt,
    held: 2 * N,
  },
  { name: 'an answer that is lost before they were taken', fault: { kind: 'lost' }, expect: doubt, held: N },
  { name: 'a connection cut before the first byte', fault: { kind: 'cut', afterBytes: 0 }, expect: doubt, held: N },
  { name: 'a connection cut in the middle', fault: { kind: 'cut', afterBytes: N / 2 }, expect: doubt, held: N },
  {
    name: 'a connection cut after the last byte',
    fault: { kind: 'cut', afterBytes: N, keep: 'all' },
    expect: doubt,
    held: 2 * N,
  },
  {
    name: 'a connection cut of which some bytes are kept',
    fault: { kind: 'cut', afterBytes: N, keep: 'some' },
    expect: doubt,
    held: N + N / 2,
  },
  { name: 'a 500 before', fault: answer(html(500)), expect: doubt, held: N },
  { name: 'a 503 after', fault: answer(empty(503), 'after-commit'), expect: doubt, held: 2 * N },
  { name: 'a 502 while the body is still on its way', fault: answer(html(502), 'arrival'), expect: doubt, held: N },
  { name: 'a page of HTML with status 200', fault: answer(html(200), 'after-commit'), expect: doubt, held: 2 * N },
  { name: 'half an answer', fault: { kind: 'truncated' }, expect: doubt, held: 2 * N },
  { name: 'a 408', fault: answer(text(408, 'timeout')), expect: doubt, held: N },
  { name: 'an answer that never comes', fault: { kind: 'hang', at: 'after-commit' }, expect: doubt, held: 2 * N },
  { name: 'damage on the way', fault: answer(endpointError(['content_hash_mismatch'])), expect: doubt, held: N },
  { name: 'a fault without a name', fault: answer(endpointError(['other'])), expect: doubt, held: N },
  { name: '429 as JSON', fault: answer(rateLimited('json', 7)), expect: ['E_DESTINATION', 'retry'], held: N },
  { name: '429 as text', fault: answer(rateLimited('text', 7)), expect: ['E_DESTINATION', 'retry'], held: N },
  {
    name: '429 before the body was read',
    fault: answer(rateLimited('json', 7), 'arrival'),
    expect: ['E_DESTINATION', 'retry'],
    held: N,
  },
  {
    name: '429 for writes',
    fault: answer(rateLimited('json', 7, 'too_many_write_operations')),
    expect: ['E_DESTINATION', 'retry'],
    held: N,
  },
  { name: '409 for writes', fault: answer(writeContention('top')), expect: ['E_DESTINATION', 'retry'], held: N },
  {
    name: 'bytes that Dropbox forgot',
    fault: { kind: 'forget', bytes: 1000 },
    expect: ['E_OFFSET', 'resume'],
    held: 1000,
  },
  {
    name: 'a bad call',
    fault: answer(badCall('files/upload_session/append_v2', 'cursor')),
    expect: ['E_DESTINATION', 'stop'],
    held: N,
  },
  {
    name: 'a file beyond the limit',
    fault: answer(endpointError(['too_large'])),
    expect: ['E_DESTINATION', 'stop'],
    held: N,
  },
  {
    name: 'a request beyond the limit',
    fault: answer(endpointError(['payload_too_large'])),
    expect: ['E_DESTINATION', 'stop'],
    held: N,
  },
  { name: 'a forbidden account', fault: answer(endpoint403()), expect: ['E_AUTH', 'stop'], held: N },
]

function endpoint403(): Answer {
  return { ...endpointError(['invalid_account_type', 'endpoint']), status: 403 }
}

for (const { name, fault, expect, held } of rows) {
  test(`an append that meets ${name} ends with ${expect.join(', ')}; asked, Dropbox tells ${held}, and the upload goes on`, async (t) => {
    // A stand-in that discards what it is sent cannot forget a part of it.
    const storage = fault.kind === 'forget' ? { folder: await tempFolder(t) } : ({ discard: true } as const)
    const { standIn, destination } = await startDropbox(t, { storage }, fault.kind === 'hang' ? { answerMs: 300 } : {})
    const upload = await destination.begin(OBJECT, never)
    await upload.append(0, whole.piece(0, N), never)
    standIn.faults.add({ route: 'append', fault })
    const error: BackupError = await rejectsWith(...expect, upload.append(N, second, never))
    if (name.startsWith('429')) assert.equal(error.retryAfterMs, 7000)
    assert.equal(await upload.held(never), held)
    await complete(upload)
  })
}

test('an append sent again after its answer was lost is a success, and is not stored twice', async (t) => {
  const { standIn, destination } = await startDropbox(t, {
    faults: [{ route: 'append', fault: { kind: 'lost', at: 'after-commit' } }],
  })
  const upload = await destination.begin(OBJECT, never)
  await rejection(upload.append(0, whole.piece(0, N), never))
  assert.equal(await upload.append(0, whole.piece(0, N), never), N)
  assert.deepEqual(
    standIn.requests.latest('append').map((one) => one.status),
    [null, 409],
  )
  await complete(upload)
})

test('an append sent again after half of it was kept tells how far it got', async (t) => {
  const fault: Fault = { kind: 'cut', afterBytes: N, keep: 'some' }
  const { destination } = await startDropbox(t, { faults: [{ route: 'append', fault }] })
  const upload = await destination.begin(OBJECT, never)
  await rejection(upload.append(0, whole.piece(0, N), never))
  assert.equal(await upload.append(0, whole.piece(0, N), never), N / 2)
  await complete(upload)
})

test('a service that stops reading is given up', async (t) => {
  const { destination } = await startDropbox(
    t,
    { faults: [{ route: 'append', fault: { kind: 'stall', afterBytes: 100_000 } }] },
    { stallMs: 150 },
  )
  const upload = await destination.begin(OBJECT, never)
  await rejectsWith(...doubt, upload.append(0, [Buffer.alloc(16 << 20)], never))
})

test('a kept connection that Dropbox has closed meanwhile is a doubt like any other', async (t) => {
  const { destination } = await startDropbox(t, { faults: [{ route: 'append', fault: { kind: 'idle-close' } }] })
  const upload = await destination.begin(OBJECT, never)
  await upload.append(0, whole.piece(0, N), never)
  await rejectsWith(...doubt, upload.append(N, second, never))
  assert.equal(await upload.append(N, second, never), 2 * N)
})

test('a session that is gone is told by every call, so that the upload starts again', async (t) => {
  const { standIn, destination, open } = await startDropbox(t)
  const upload = await destination.begin(OBJECT, never)
  standIn.faults.add({ route: 'append', fault: { kind: 'session-gone' } })
  await rejectsWith('E_SESSION', 'restart', upload.append(0, whole.piece(0, N), never))
  await rejectsWith('E_SESSION', 'restart', upload.held(never))
  await rejectsWith('E_SESSION', 'restart', upload.commit(whole.commit(0), never))
  await rejectsWith('E_SESSION', 'restart', open().resume(upload.token, 0, never))
  await rejectsWith('E_SESSION', 'restart', open().resume('not a token', 0, never))
})

test('another process goes on from the token, without knowing what was sent', async (t) => {
  const { destination, open } = await startDropbox(t)
  const first = await destination.begin(OBJECT, never)
  await first.append(0, whole.piece(0, N), never)
  const { upload: next } = await open().resume(first.token, 0, never)
  assert.equal(await next.held(never), N)
  await complete(next)
  assert.equal((await destination.stat(OBJECT, never))?.bytes, 3 * N)
})

test('an upload to another folder than the configuration names now starts again', async (t) => {
  const { destination, open } = await startDropbox(t)
  const { token } = await destination.begin(OBJECT, never)
  for (const folder of ['/Elsewhere', '', '/DICOM_Backups/deeper']) {
    await rejectsWith('E_SESSION', 'restart', open({ folder }).resume(token, 0, never))
  }
  await open().resume(token, 0, never)
  const inRoot = await open({ folder: '' }).begin(OBJECT, never)
  await open({ folder: '' }).resume(inRoot.token, 0, never)
})

test('a network that is down while an upload begins is to be tried again', async (t) => {
  const { standIn, destination } = await startDropbox(t, { faults: [{ route: 'start', fault: { kind: 'lost' } }] })
  await rejectsWith('E_DESTINATION', 'retry', destination.begin(OBJECT, never))
  standIn.faults.add({ route: 'start', fault: answer(html(200)) })
  await rejectsWith('E_DESTINATION', 'retry', destination.begin(OBJECT, never))
})

test("a stopped append tells the caller's own reason", async (t) => {
  const { destination, standIn } = await startDropbox(t, { faults: [{ route: 'append', fault: { kind: 'hang' } }] })
  const upload = await destination.begin(OBJECT, never)
  const stop = new AbortController()
  const sending = upload.append(0, whole.piece(0, N), stop.signal)
  setTimeout(() => {
    stop.abort()
  }, 50)
  await assert.rejects(sending, { name: 'BackupError', code: 'E_ABORTED' })
  assert.equal(standIn.objects().length, 0)
})

test('requests have the configured size in whole blocks, and grow where Dropbox minds many', async (t) => {
  const { open } = await startDropbox(t)
  const MIB = 1024 ** 2
  const sizeOf = async (chunkSize: number | null, offset: number): Promise<number> =>
    (await open({ chunkSize }).begin(OBJECT, never)).requests.bytes(offset) / MIB
  assert.equal(await sizeOf(null, 0), 16)
  assert.equal(await sizeOf(null, 64 * 1024 * MIB - 1), 16)
  assert.equal(await sizeOf(null, 64 * 1024 * MIB), 32)
  assert.equal(await sizeOf(1, 0), 4)
  assert.equal(await sizeOf(7 * MIB, 0), 8)
  assert.equal(await sizeOf(8 * MIB, 2 ** 40), 8)
  assert.equal(await sizeOf(32 * MIB, 0), 32)
  assert.equal(open().traits.maxObjectBytes, 2 ** 41 - 2 ** 22)
})

test('a byte that is damaged on the way is refused by Dropbox and not kept', async (t) => {
  const { open } = await startDropbox(t)
  let damage = true
  const noisy = (real: Transport): Transport => ({
    fetch: (url, request = {}) => {
      const body = request.body
      if (!damage || !String(url).endsWith('/append_v2') || !Array.isArray(body)) return real.fetch(url, request)
      damage = false
      const bytes = Buffer.concat(body as Uint8Array[])
      bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000)
      return real.fetch(url, { ...request, body: [bytes] })
    },
    close: () => {
      real.close()
    },
  })
  const upload = await open({}, noisy).begin(OBJECT, never)
  await rejectsWith(...doubt, upload.append(0, whole.piece(0, N), never))
  assert.equal(await upload.held(never), 0)
  await complete(upload)
})

test('a request of several blocks, cut anywhere into chunks, carries the right hash', async (t) => {
  const { destination } = await startDropbox(t)
  const BLOCK = 4 << 20
  const large = sample(2 * BLOCK + 1)
  for (const cuts of [[], [BLOCK], [1, BLOCK - 1, BLOCK + 1], [BLOCK / 2, BLOCK / 2, 2 * BLOCK]]) {
    const ends = [...cuts, large.data.length]
    const chunks = ends.map((end, n) => large.data.subarray(ends[n - 1] ?? 0, end))
    const upload = await destination.begin(`${cuts.length}.zip`, never)
    assert.equal(await upload.append(0, chunks, never), large.data.length)
    assert.equal((await upload.commit(large.commit(large.data.length), never)).digest, large.contentHash)
  }
})
