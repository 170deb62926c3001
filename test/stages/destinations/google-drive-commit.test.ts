import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from '../../../src/stages/stand-ins/answer.ts'
import { apiError, rateLimited } from '../../../src/stages/stand-ins/google-drive/errors.ts'
import { finish, never, rejection, rejectsWith, sample, startDrive, UNIT } from './google-drive-far-side.ts'

test('a finish whose answer was lost, with the session gone since, is found by the id of the file', async (t) => {
  const { standIn, destination, open } = await startDrive(t)
  const whole = sample(UNIT + 9)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add(
    { route: 'final', fault: { kind: 'lost', at: 'after-commit' } },
    { route: 'query', nth: 'every', fault: { kind: 'session-gone' } },
  )
  await rejectsWith('E_DESTINATION', 'resume', upload.commit(whole.commit(0), never))
  assert.equal(await upload.held(never), whole.data.length)
  const stored = await upload.commit({ ...whole.commit(whole.data.length), tail: [] }, never)
  assert.equal(stored.digest, whole.md5)
  const { upload: later } = await open().resume(upload.token, 0, never)
  assert.deepEqual(await later.commit({ ...whole.commit(whole.data.length), tail: [] }, never), stored)
  assert.equal(standIn.objects().length, 1)
})

test('a finished file that somebody put into the trash is no upload', async (t) => {
  const { standIn, destination } = await startDrive(t, { accessTokens: ['by-hand'] })
  const upload = await destination.begin('a.zip', never)
  const { id } = await upload.commit(sample(10).commit(0), never)
  await fetch(`${standIn.origin}/drive/v3/files/${id}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer by-hand' },
    body: JSON.stringify({ trashed: true }),
  })
  standIn.faults.add({ route: 'query', fault: { kind: 'session-gone' } })
  await rejectsWith('E_SESSION', 'restart', upload.held(never))
})

test('a finish that is told the file exists already is a finish', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const whole = sample(10)
  const upload = await destination.begin('a.zip', never)
  const conflict = apiError(409, 'fileIdInUse', 'A file already exists with the provided ID.')
  standIn.faults.add({ route: 'final', fault: { kind: 'answer', answer: conflict, at: 'after-commit' } })
  assert.equal((await upload.commit(whole.commit(0), never)).digest, whole.md5)
})

test('a byte that changed on the way is found, and the file removed', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'final', fault: { kind: 'flip' } })
  await rejectsWith('E_INTEGRITY', 'stop', upload.commit(sample(1000).commit(0), never))
  assert.deepEqual(standIn.objects(), [])
})

test('a file of another size is not believed, whatever its checksum', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const whole = sample(10)
  const upload = await destination.begin('a.zip', never)
  const { fileId: id } = JSON.parse(upload.token) as { fileId: string }
  const shorter = json(200, { id, name: 'a.zip', size: '9', md5Checksum: whole.md5 })
  standIn.faults.add({ route: 'final', fault: { kind: 'answer', answer: shorter, at: 'after-commit' } })
  await rejectsWith('E_INTEGRITY', 'stop', upload.commit(whole.commit(0), never))
  assert.deepEqual(standIn.objects(), [])
})

test('a damaged file that cannot be removed just now is not left behind', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const whole = sample(1000)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add(
    { route: 'final', fault: { kind: 'flip' } },
    { route: 'delete', fault: { kind: 'answer', answer: rateLimited('403') } },
  )
  await rejectsWith('E_DESTINATION', 'retry', upload.commit(whole.commit(0), never))
  await rejectsWith('E_INTEGRITY', 'stop', upload.commit({ ...whole.commit(1000), tail: [] }, never))
  assert.deepEqual(standIn.objects(), [])
})

test('a finished answer without a checksum is not believed: the file is asked for it', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const whole = sample(10)
  const upload = await destination.begin('a.zip', never)
  const { fileId: id } = JSON.parse(upload.token) as { fileId: string }
  const bare = json(200, { id, name: 'a.zip' })
  standIn.faults.add({ route: 'final', fault: { kind: 'answer', answer: bare, at: 'after-commit' } })
  assert.equal((await upload.commit(whole.commit(0), never)).digest, whole.md5)

  standIn.faults.add(
    { route: 'final', fault: { kind: 'answer', answer: bare, at: 'after-commit' } },
    { route: 'get', fault: { kind: 'answer', answer: bare } },
  )
  await rejectsWith('E_DESTINATION', 'resume', upload.commit(whole.commit(0), never))
})

test('half an answer to the finish is no answer', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const whole = sample(10)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'final', fault: { kind: 'truncated' } })
  await rejectsWith('E_DESTINATION', 'resume', upload.commit(whole.commit(0), never))
  await finish(upload, whole)
  assert.equal(standIn.objects().length, 1)
})

test('a finish of which only a part arrived is refused, and the rest can be sent', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const whole = sample(4 * UNIT + 3)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'final', fault: { kind: 'partial' } })
  await rejectsWith('E_OFFSET', 'resume', upload.commit(whole.commit(0), never))
  assert.equal(await upload.held(never), 2 * UNIT)
  assert.deepEqual(standIn.objects(), [])
  await finish(upload, whole)
  assert.equal(standIn.objects()[0]?.digests['md5'], whole.md5)
})

test('an archive that came out different after a finish whose answer was lost does not pass for it', async (t) => {
  const { standIn, destination, open } = await startDrive(t)
  const [old, other] = [sample(UNIT + 9), sample(UNIT + 9)]
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'final', fault: { kind: 'lost', at: 'after-commit' } })
  await rejection(upload.commit(old.commit(0), never))
  const { upload: later } = await open().resume(upload.token, 0, never)
  await rejectsWith('E_INTEGRITY', 'stop', later.commit({ ...other.commit(UNIT + 9), tail: [] }, never))
  assert.deepEqual(standIn.objects(), [])
})

test('an upload that was finished takes no more bytes; given up, its file goes', async (t) => {
  const { standIn, destination, open } = await startDrive(t)
  const whole = sample(UNIT)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'final', fault: { kind: 'lost', at: 'after-commit' } })
  await rejection(upload.commit(whole.commit(0), never))
  const { upload: later } = await open().resume(upload.token, 0, never)
  await rejectsWith('E_SESSION', 'restart', later.append(UNIT, [whole.data], never))
  assert.equal(standIn.objects().length, 1)
  await later.abort()
  assert.deepEqual(standIn.objects(), [])
})

test('giving up removes a file of which only the answer was lost', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const upload = await destination.begin('a.zip', never)
  standIn.faults.add({ route: 'final', fault: { kind: 'lost', at: 'after-commit' } })
  await rejection(upload.commit(sample(10).commit(0), never))
  await upload.abort()
  assert.deepEqual(standIn.objects(), [])
})

test('giving up after a commit does nothing', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const upload = await destination.begin('a.zip', never)
  await upload.commit(sample(10).commit(0), never)
  await upload.abort()
  assert.equal(standIn.objects().length, 1)
  assert.equal(standIn.requests.count('cancel'), 0)
})

test('giving up ends the session, and never rejects', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const upload = await destination.begin('a.zip', never)
  await upload.abort()
  await rejectsWith('E_SESSION', 'restart', upload.held(never))
  const other = await destination.begin('b.zip', never)
  standIn.faults.add({ route: 'cancel', fault: { kind: 'lost' } })
  await other.abort()
  await destination.close()
  await other.abort()
})
