/** Upload sessions of Dropbox: items 5–17 of the conformance list. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { BLOCK, bytes, collect, contentHash, dropbox, temporaryFolder, until } from './support.ts'
import type { Reply } from './support.ts'

const around = (n: number): number[] => [0, 1, n - 1, n, n + 1]

test('5: start gives a session, and its body counts', async (t) => {
  const { upload, append } = await dropbox(t)
  const reply = await upload('start', {}, 'abc')
  assert.equal(reply.status, 200)
  const { session_id: id } = reply.json as { session_id: string }
  assert.match(id, /^pid_upload_session:/)
  assert.equal((await append(id, 0, 'x')).at('error/correct_offset'), 3)
  assert.equal((await append(id, 3, 'x')).status, 200)
})

test('5: a session that start closed takes nothing more', async (t) => {
  const { start, append, finish } = await dropbox(t)
  const id = await start({ close: true }, 'abc')
  assert.equal((await append(id, 3, 'x')).at('error/.tag'), 'closed')
  assert.equal((await finish(id, 3, '/a.zip')).at('size'), 3)
})

test('6: a successful append answers the four bytes null', async (t) => {
  const { start, append } = await dropbox(t)
  assert.equal((await append(await start(), 0, 'abc')).text, 'null')
})

test('7, 8: an append anywhere but at the held offset changes nothing and is told the offset', async (t) => {
  const { start, append, finish, standIn } = await dropbox(t)
  const id = await start()
  const first = bytes(1000)
  const second = bytes(500)
  assert.equal((await append(id, 0, first)).status, 200)
  for (const offset of [0, 1, 999, 1001, 5000]) {
    const reply = await append(id, offset, first)
    assert.equal(reply.status, 409)
    assert.match(reply.at('error_summary') as string, /^incorrect_offset\//)
    assert.deepEqual(reply.at('error'), { '.tag': 'incorrect_offset', correct_offset: 1000 })
    assert.deepEqual(standIn.requests.latest('append').at(-1), {
      n: standIn.requests.count(),
      route: 'append',
      offset,
      bytes: 1000,
      status: 409,
    })
  }
  assert.equal((await append(id, 1000, second)).status, 200)
  const done = await finish(id, 1500, '/a.zip')
  const whole = Buffer.concat([first, second])
  assert.equal(done.at('content_hash'), contentHash(whole))
  assert.deepEqual(await collect(standIn.read(standIn.objects()[0]!)), whole)
})

test('9: a finish at a wrong offset says so below lookup_failed', async (t) => {
  const { start, append, finish, standIn } = await dropbox(t)
  const id = await start()
  await append(id, 0, 'abc')
  const reply = await finish(id, 2, '/a.zip')
  assert.equal(reply.status, 409)
  assert.match(reply.at('error_summary') as string, /^lookup_failed\/incorrect_offset\//)
  assert.deepEqual(reply.at('error'), {
    '.tag': 'lookup_failed',
    lookup_failed: { '.tag': 'incorrect_offset', correct_offset: 3 },
  })
  assert.deepEqual(standIn.objects(), [])
})

test('10: a session that is unknown or older than 7 days is not found, and its bytes are gone', async (t) => {
  let now = Date.parse('2026-11-23T00:00:00Z')
  const folder = await temporaryFolder(t)
  const { start, append, finish } = await dropbox(t, { clock: () => now, storage: { folder } })
  const id = await start()
  now += 7 * 86_400_000
  assert.equal((await append(id, 0, 'abc')).status, 200)
  assert.equal((await readdir(folder)).length, 1)
  now += 1
  for (const one of [id, 'pid_upload_session:none']) {
    assert.deepEqual((await append(one, 3, 'abc')).at('error'), { '.tag': 'not_found' })
    assert.deepEqual((await finish(one, 3, '/a.zip')).at('error'), {
      '.tag': 'lookup_failed',
      lookup_failed: { '.tag': 'not_found' },
    })
  }
  assert.equal((await readdir(folder)).length, 0)
})

test('11: a closed session takes no append, wherever it starts; an empty append is legal before', async (t) => {
  const { start, append, finish } = await dropbox(t)
  const id = await start()
  assert.equal((await append(id, 0, '')).status, 200)
  assert.equal((await append(id, 0, 'abc')).status, 200)
  assert.equal((await append(id, 3, '', { close: true })).status, 200)
  for (const offset of [0, 3, 9]) {
    const reply = await append(id, offset, '', { close: true })
    assert.equal(reply.status, 409)
    assert.deepEqual(reply.at('error'), { '.tag': 'closed' })
  }
  assert.equal((await finish(id, 3, '/a.zip')).at('size'), 3)
})

test('12: finish takes an unclosed session, with the last data in its body or none', async (t) => {
  const { start, append, finish } = await dropbox(t)
  for (const tail of ['', 'tail']) {
    const id = await start()
    await append(id, 0, 'head')
    const reply = await finish(id, 4, `/${tail}.zip`, tail)
    assert.equal(reply.at('content_hash'), contentHash(Buffer.from('head' + tail)))
  }
})

for (const word of ['closed', 'not_found'] as const) {
  test(`13: a finished session says ${word} when that is chosen, and the file stays`, async (t) => {
    const { start, finish, append, standIn } = await dropbox(t, { finishedSession: word })
    const id = await start()
    assert.equal((await finish(id, 0, '/a.zip', 'abc')).status, 200)
    for (const offset of [0, 3]) {
      const reply = await finish(id, offset, '/a.zip')
      assert.equal(reply.status, 409)
      assert.deepEqual(reply.at('error'), { '.tag': 'lookup_failed', lookup_failed: { '.tag': word } })
    }
    assert.deepEqual((await append(id, 3, 'x')).at('error'), { '.tag': word })
    assert.equal(standIn.objects()[0]?.bytes, 3)
  })
}

test('14: a body past the limit of a request is too large, at the limit it is not', async (t) => {
  const { start, append, upload, finish } = await dropbox(t, { limits: { requestBytes: 1000 } })
  const id = await start()
  assert.equal((await append(id, 0, bytes(1000))).status, 200)
  assert.deepEqual((await append(id, 1000, bytes(1001))).at('error'), { '.tag': 'payload_too_large' })
  assert.deepEqual((await upload('start', {}, bytes(1001))).at('error'), { '.tag': 'payload_too_large' })
  assert.deepEqual((await finish(id, 1000, '/a.zip', bytes(1001))).at('error'), { '.tag': 'payload_too_large' })
  assert.equal((await finish(id, 1000, '/a.zip')).at('size'), 1000)
})

test('14: the limit of a request is 150 MiB', async (t) => {
  const { start, append, standIn } = await dropbox(t, { storage: { discard: true } })
  const id = await start()
  assert.deepEqual((await append(id, 0, Buffer.alloc(158_000_000))).at('error'), { '.tag': 'payload_too_large' })
  assert.equal(standIn.requests.latest('append')[0]?.bytes, 158_000_000, 'all of it was read before the answer')
})

test('14: a start that fails leaves nothing behind', async (t) => {
  const folder = await temporaryFolder(t)
  const { upload } = await dropbox(t, { limits: { requestBytes: 1000 }, storage: { folder } })
  await upload('start', {}, bytes(1001))
  assert.deepEqual(await readdir(folder), [])
})

test('a session that was begun and never filled leaves nothing behind; an empty file has its own', async (t) => {
  const folder = await temporaryFolder(t)
  const { start, finish } = await dropbox(t, { storage: { folder } })
  const id = await start()
  assert.deepEqual(await readdir(folder), [])
  assert.equal((await finish(id, 0, '/empty.zip')).at('size'), 0)
  assert.deepEqual(await readdir(folder), ['000001-empty.zip'])
})

test('15: a session past the limit of a file is too large, at the limit it is not', async (t) => {
  const { start, append, finish } = await dropbox(t, { limits: { fileBytes: 1000 } })
  const id = await start()
  await append(id, 0, bytes(600))
  assert.deepEqual((await append(id, 600, bytes(401))).at('error'), { '.tag': 'too_large' })
  assert.deepEqual((await finish(id, 600, '/a.zip', bytes(401))).at('error'), {
    '.tag': 'lookup_failed',
    lookup_failed: { '.tag': 'too_large' },
  })
  assert.equal((await append(id, 600, bytes(400))).status, 200)
  assert.equal((await finish(id, 1000, '/a.zip')).at('size'), 1000)
})

test('16: a concurrent session takes whole blocks in any order, at the same time', async (t) => {
  const { start, append, finish, standIn } = await dropbox(t)
  const id = await start({ session_type: 'concurrent' })
  const content = bytes(3 * BLOCK + 5)
  const part = (from: number, to: number) => append(id, from * BLOCK, content.subarray(from * BLOCK, to * BLOCK))
  const replies = await Promise.all([part(2, 3), part(0, 2)])
  assert.deepEqual(
    replies.map((reply) => reply.status),
    [200, 200],
  )
  assert.deepEqual((await finish(id, 3 * BLOCK, '/a.zip')).at('error'), { '.tag': 'concurrent_session_not_closed' })
  assert.equal((await append(id, 3 * BLOCK, content.subarray(3 * BLOCK), { close: true })).status, 200)
  assert.deepEqual((await finish(id, content.length, '/a.zip', 'x')).at('error'), {
    '.tag': 'concurrent_session_data_not_allowed',
  })
  const done = await finish(id, content.length, '/a.zip')
  assert.equal(done.at('content_hash'), contentHash(content))
  assert.deepEqual(await collect(standIn.read(standIn.objects()[0]!)), content)
})

test('16: a concurrent session refuses data at its start, odd offsets, odd sizes and holes', async (t) => {
  const { start, append, finish, upload } = await dropbox(t, { storage: { discard: true } })
  const argument = { session_type: { '.tag': 'concurrent' } }
  const tag = async (reply: Promise<Reply>) => (await reply).at('error/.tag')
  assert.equal(await tag(upload('start', argument, 'abc')), 'concurrent_session_data_not_allowed')
  assert.equal(await tag(upload('start', { ...argument, close: true })), 'concurrent_session_close_not_allowed')
  const id = await start(argument)
  assert.equal(await tag(append(id, 1, bytes(BLOCK))), 'concurrent_session_invalid_offset')
  assert.equal(await tag(append(id, 0, bytes(BLOCK + 1))), 'concurrent_session_invalid_data_size')
  assert.equal((await append(id, BLOCK, bytes(7), { close: true })).status, 200)
  assert.equal(await tag(finish(id, BLOCK + 7, '/a.zip')), 'concurrent_session_missing_data')
})

test('16: a closed concurrent session stays closed, whatever ends after that', async (t) => {
  const { start, append, finish, standIn } = await dropbox(t, { storage: { discard: true } })
  const id = await start({ session_type: 'concurrent' })
  standIn.faults.add({ route: 'append', fault: { kind: 'delay', ms: 100 } })
  const slow = append(id, 0, bytes(BLOCK))
  await until(() => standIn.faults.unused().length === 0)
  assert.equal((await append(id, BLOCK, 'x', { close: true })).status, 200)
  assert.equal((await slow).status, 200)
  assert.equal((await finish(id, BLOCK + 1, '/a.zip')).at('size'), BLOCK + 1)
})

test('17: a wrong content_hash of a call appends nothing, a right one does', async (t) => {
  const { start, append, finish, upload } = await dropbox(t)
  const body = bytes(1000)
  const wrong = { content_hash: contentHash(bytes(1000)) }
  const right = { content_hash: contentHash(body) }
  assert.deepEqual((await upload('start', wrong, body)).at('error'), { '.tag': 'content_hash_mismatch' })
  const id = await start(right, body)
  assert.deepEqual((await append(id, 1000, body, wrong)).at('error'), { '.tag': 'content_hash_mismatch' })
  assert.equal((await append(id, 1000, body, right)).status, 200)
  assert.deepEqual((await finish(id, 2000, '/a.zip', body, wrong)).at('error'), { '.tag': 'content_hash_mismatch' })
  const done = await finish(id, 2000, '/a.zip', body, right)
  assert.equal(done.at('content_hash'), contentHash(Buffer.concat([body, body, body])))
})

test('sizes around a block have the content hash of their bytes, however they are cut', async (t) => {
  const { start, append, finish } = await dropbox(t, { storage: { discard: true } })
  for (const size of [...around(BLOCK), ...around(2 * BLOCK).slice(2)]) {
    const content = bytes(size)
    const id = await start()
    const cut = Math.floor(size / 3)
    await append(id, 0, content.subarray(0, cut))
    const done = await finish(id, cut, { path: '/a.zip', mode: 'overwrite' }, content.subarray(cut))
    assert.equal(done.at('size'), size)
    assert.equal(done.at('content_hash'), contentHash(content))
  }
})
