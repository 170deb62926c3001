/** When a fault fires, and what holds for a whole stand-in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from '../../../src/stages/stand-ins/index.ts'
import { bytes, drive, dropbox } from './support.ts'
import { CONTENT, reset } from './uploads.ts'

test('a fault fires at its request only, at every one, or at any route; unused ones are told', async (t) => {
  const { standIn, rpc } = await dropbox(t)
  const status = async () => (await rpc('users/get_space_usage')).status
  const answer = json(418, {})
  standIn.faults.add({ route: 'space', nth: 2, fault: { kind: 'answer', answer } })
  assert.deepEqual([await status(), await status(), await status()], [200, 418, 200])
  standIn.faults.add({ route: '*', nth: 'every', fault: { kind: 'answer', answer } })
  assert.deepEqual([await status(), await status(), (await rpc('users/get_current_account')).status], [418, 418, 418])
  assert.deepEqual(standIn.faults.unused(), [])
  standIn.faults.clear()
  const never = { route: 'finish', fault: { kind: 'cut', afterBytes: 5 } } as const
  const tooFar = { route: 'append', fault: { kind: 'cut', afterBytes: 5 } } as const
  standIn.faults.add(never, tooFar)
  assert.equal(await status(), 200)
  await rpc('files/upload_session/append_v2', null)
  assert.deepEqual(standIn.faults.unused(), [never, tooFar])
})

test('a download is cut after so many bytes of its answer', async (t) => {
  const { standIn, api, file } = await drive(t)
  const id = (await file({ name: 'a' }, CONTENT)).at('id') as string
  standIn.faults.add({ route: 'download', fault: { kind: 'cut', afterBytes: 1000 } })
  const path = `/drive/v3/files/${id}?alt=media`
  await assert.rejects(api('GET', path), reset)
  assert.deepEqual(standIn.faults.unused(), [])
  assert.equal((await api('GET', path)).text.length, CONTENT.length)
})

test('a whole stand-in is held to a number of bytes a second, and its answers wait', async (t) => {
  const upload = await dropbox(t, { bytesPerSecond: 1_000_000, latencyMs: 50 })
  const sessions = [await upload.start(), await upload.start()]
  const before = performance.now()
  await Promise.all(sessions.map((id) => upload.append(id, 0, bytes(100_000))))
  // 200 kB at 1 MB/s, less what the timers may round away.
  assert.ok(performance.now() - before > 180)
})
