/** Resumable uploads to Google Drive: items 31–41 of the conformance list. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { bytes, call, collect, drive, md5, temporaryFolder, UNIT } from './support.ts'
import { createHash } from 'node:crypto'

const sha = (name: string, content: Buffer) => createHash(name).update(content).digest('hex')

test('31: a session begins with an absolute address and an empty body, for who is signed in', async (t) => {
  const { begin, standIn } = await drive(t)
  const reply = await begin()
  assert.deepEqual([reply.status, reply.text, reply.headers['content-length']], [200, '', '0'])
  assert.ok(
    reply.headers.location?.startsWith(`${standIn.origin}/upload/drive/v3/files?uploadType=resumable&upload_id=`),
  )
  const url = `${standIn.origin}/upload/drive/v3/files?uploadType=resumable`
  for (const headers of [{}, { authorization: 'Bearer nobody' }])
    assert.equal((await call(url, { headers })).status, 401)
})

test('31: the metadata are checked', async (t) => {
  const { begin } = await drive(t)
  assert.equal((await begin({ name: 7 })).status, 400)
  assert.equal((await begin({ name: 'x', parents: ['none'] })).status, 404)
  assert.equal((await begin({ name: 'x', parents: ['root', 'root'] })).status, 400)
  assert.equal((await begin({ name: 'x', id: 'of-my-own' })).status, 400)
  assert.equal((await begin({ name: 'x' }, '&fields=id,(')).status, 400)
  assert.equal((await begin({ name: 'x' }, '', { headers: { 'x-upload-content-length': 'many' } })).status, 400)
})

test('31: no file shows before the session is finished', async (t) => {
  const { session, put, list, standIn } = await drive(t)
  const address = await session()
  await put(address, 0, bytes(UNIT))
  assert.deepEqual((await list("name = 'x.zip'")).at('files'), [])
  assert.deepEqual(standIn.objects(), [])
  await put(address, UNIT, bytes(1), UNIT + 1)
  assert.equal(((await list("name = 'x.zip'")).at('files') as unknown[]).length, 1)
})

test('32, 33: of a chunk that is not the last only whole 256 KiB are held, and the 308 says how many', async (t) => {
  const { session, put, query } = await drive(t)
  for (const [size, held] of [
    [1, 0],
    [UNIT - 1, 0],
    [UNIT, UNIT],
    [UNIT + 1, UNIT],
    [2_500_000, 2_359_296],
  ] as const) {
    const address = await session()
    for (const reply of [await put(address, 0, bytes(size)), await query(address)]) {
      assert.deepEqual([reply.status, reply.text], [308, ''])
      assert.equal(reply.headers.range, held === 0 ? undefined : `bytes=0-${held - 1}`)
      assert.equal(reply.headers.location, undefined)
    }
  }
})

test('33: the range counts from the first byte on, over all chunks', async (t) => {
  const { session, put } = await drive(t)
  const address = await session()
  await put(address, 0, bytes(2 * UNIT))
  assert.equal((await put(address, 2 * UNIT, bytes(UNIT + 9))).headers.range, `bytes=0-${3 * UNIT - 1}`)
})

test('33: a session can move to another address in the middle', async (t) => {
  const { session, put, query, standIn } = await drive(t)
  standIn.faults.add({ route: 'chunk', nth: 2, fault: { kind: 'moved' } })
  const content = bytes(2 * UNIT + 1)
  const old = await session()
  await put(old, 0, content.subarray(0, UNIT))
  const moved = await put(old, UNIT, content.subarray(UNIT, 2 * UNIT))
  assert.equal(moved.status, 308)
  assert.equal((await query(old)).status, 404)
  const done = await put(moved.headers.location ?? '', 2 * UNIT, content.subarray(2 * UNIT), content.length)
  assert.equal(done.status, 200)
  assert.equal(standIn.objects()[0]?.digests['md5'], md5(content))
})

test('34: a chunk that starts past what is held is a 503 with the exact sentence, and the session lives on', async (t) => {
  const { session, put, query } = await drive(t)
  const address = await session()
  await put(address, 0, bytes(UNIT))
  const reply = await put(address, 2 * UNIT, bytes(UNIT))
  assert.equal(reply.status, 503)
  assert.equal(reply.headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(
    reply.text,
    'Invalid request.  According to the Content-Range header, the upload offset is 524288 byte(s), which exceeds already uploaded size of 262144 byte(s).',
  )
  assert.equal((await query(address)).headers.range, `bytes=0-${UNIT - 1}`)
})

test('35: what a chunk repeats is skipped, the rest is stored', async (t) => {
  const { session, put, standIn } = await drive(t)
  const content = bytes(3 * UNIT + 5)
  const address = await session()
  await put(address, 0, content.subarray(0, 2 * UNIT))
  assert.equal((await put(address, 0, bytes(UNIT))).headers.range, `bytes=0-${2 * UNIT - 1}`)
  // What is repeated may even differ: the held bytes stay.
  const other = Buffer.concat([bytes(UNIT), content.subarray(2 * UNIT, 3 * UNIT)])
  assert.equal((await put(address, UNIT, other)).headers.range, `bytes=0-${3 * UNIT - 1}`)
  assert.equal((await put(address, 0, content, content.length)).status, 200)
  assert.deepEqual(await collect(standIn.read(standIn.objects()[0]!)), content)
})

test('36: a query never stores or finishes, unless its total is what is held', async (t) => {
  const { session, put, query, standIn } = await drive(t)
  const address = await session()
  assert.equal((await query(address)).headers.range, undefined)
  await put(address, 0, bytes(2 * UNIT))
  assert.equal((await query(address)).status, 308)
  assert.equal((await query(address, UNIT)).status, 308)
  assert.deepEqual(standIn.objects(), [])
  assert.equal((await query(address, 2 * UNIT)).status, 200)
  assert.equal(standIn.objects()[0]?.bytes, 2 * UNIT)
})

test('36, 41: a total that is more than what is held keeps the session open for just that many', async (t) => {
  const { session, put, query } = await drive(t)
  const address = await session()
  await put(address, 0, bytes(UNIT))
  assert.equal((await query(address, UNIT + 3)).status, 308)
  assert.equal((await query(address, UNIT + 4)).status, 400)
  assert.equal((await put(address, UNIT, bytes(4), UNIT + 4)).status, 400)
  assert.equal((await put(address, UNIT, bytes(4))).status, 400)
  assert.equal((await put(address, UNIT, bytes(3), UNIT + 3)).status, 200)
})

test('37: a chunk that names the total finishes only where it ends there', async (t) => {
  const { session, put, standIn } = await drive(t)
  const content = bytes(2 * UNIT + 5)
  const address = await session()
  const first = await put(address, 0, content.subarray(0, UNIT + 1), content.length)
  assert.deepEqual([first.status, first.headers.range], [308, `bytes=0-${UNIT - 1}`])
  assert.equal((await put(address, UNIT, content.subarray(UNIT), content.length)).status, 200)
  assert.equal(standIn.objects()[0]?.digests['md5'], md5(content))
})

test('38: POST is as good as PUT', async (t) => {
  const { session, put } = await drive(t)
  const address = await session()
  assert.equal((await put(address, 0, bytes(UNIT), '*', { method: 'POST' })).status, 308)
  assert.equal((await put(address, UNIT, bytes(1), UNIT + 1, { method: 'POST' })).status, 200)
  assert.equal((await put(address, 0, bytes(1), 1, { method: 'PATCH' })).status, 405)
})

test('38: a finished session answers everything with its file, and makes no second one', async (t) => {
  const { session, put, query, standIn } = await drive(t)
  const content = bytes(UNIT)
  const address = await session({ name: 'x.zip' }, '&fields=id,size,md5Checksum,sha1Checksum,sha256Checksum')
  const done = await put(address, 0, content, content.length)
  assert.equal(done.status, 200)
  assert.deepEqual(done.json, {
    id: standIn.objects()[0]?.id,
    size: String(UNIT),
    md5Checksum: md5(content),
    sha1Checksum: sha('sha1', content),
    sha256Checksum: sha('sha256', content),
  })
  for (const again of [
    await put(address, 0, bytes(9), 9),
    await put(address, 9 * UNIT, content),
    await query(address),
  ]) {
    assert.equal(again.status, 200)
    assert.deepEqual(again.json, done.json)
  }
  assert.equal(standIn.objects().length, 1)
})

test('38: without fields the answer has the default ones, no size and no digest', async (t) => {
  const { session, put } = await drive(t)
  const done = await put(await session({ name: 'x.zip', mimeType: 'application/zip' }), 0, bytes(3), 3)
  const { id, ...rest } = done.json as { id: string }
  assert.deepEqual(rest, { kind: 'drive#file', name: 'x.zip', mimeType: 'application/zip' })
  assert.ok(id.length > 10)
})

test('39: an empty file is bytes */0', async (t) => {
  const { session, query, standIn } = await drive(t)
  const done = await query(await session({ name: 'x' }, '&fields=size,md5Checksum'), 0)
  assert.deepEqual(done.json, { size: '0', md5Checksum: md5(Buffer.alloc(0)) })
  assert.equal(standIn.objects()[0]?.bytes, 0)
})

test('39: a malformed range, or one that the length denies, is refused and stores nothing', async (t) => {
  const { session, send, query } = await drive(t)
  const address = await session()
  for (const range of ['bytes 0-2', 'bytes=0-2/*', 'bytes 5-2/*', 'bytes a-b/*', 'bytes 0-2/2', '']) {
    const reply = await send(address, range, 'abc')
    assert.deepEqual([reply.status, reply.text], [400, 'Failed to parse Content-Range header.'], range)
  }
  for (const [range, body] of [
    ['bytes 0-3/*', 'abc'],
    ['bytes 0-1/2', 'abc'],
    ['bytes */*', 'abc'],
  ] as const)
    assert.equal((await send(address, range, body)).status, 400, range)
  assert.equal((await query(address)).headers.range, undefined)
})

for (const goneStatus of [404, 410] as const) {
  test(`40: a session that is cancelled, unknown or older than 7 days is a ${goneStatus}`, async (t) => {
    let now = Date.parse('2026-11-23T00:00:00Z')
    const folder = await temporaryFolder(t)
    const { session, put, query, api } = await drive(t, { goneStatus, clock: () => now, storage: { folder } })
    const cancelled = await session()
    const path = cancelled.slice(cancelled.indexOf('/upload'))
    assert.deepEqual([(await api('DELETE', path)).status, (await api('DELETE', path)).status], [499, goneStatus])
    assert.equal((await query(cancelled)).status, goneStatus)
    assert.equal((await query(cancelled.replace(/upload_id=.*/, 'upload_id=none'))).status, goneStatus)
    const old = await session()
    now += 7 * 86_400_000
    assert.equal((await put(old, 0, bytes(UNIT))).status, 308)
    now += 1
    assert.equal((await put(old, UNIT, bytes(UNIT))).status, goneStatus)
    assert.deepEqual(await readdir(folder), [])
  })
}

test('41: the declared length binds', async (t) => {
  const { begin, put, query, standIn } = await drive(t)
  const declared = await begin({ name: 'x' }, '', { headers: { 'x-upload-content-length': UNIT + 2 } })
  const address = declared.headers.location ?? ''
  await put(address, 0, bytes(UNIT))
  assert.equal((await put(address, UNIT, bytes(3), UNIT + 3)).status, 400)
  assert.equal((await put(address, UNIT, bytes(3))).status, 400)
  assert.equal((await query(address, UNIT)).status, 400)
  assert.equal((await put(address, UNIT, bytes(2), UNIT + 2)).status, 200)
  assert.equal(standIn.objects()[0]?.bytes, UNIT + 2)
})

test('sizes around 256 KiB end well, with data or with none in the last request', async (t) => {
  const { session, put, query, standIn } = await drive(t)
  for (const size of [1, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, 2 * UNIT + 1]) {
    const content = bytes(size)
    const whole = Math.floor(size / UNIT) * UNIT
    const address = await session({ name: `${size}` }, '&fields=md5Checksum')
    if (whole > 0) await put(address, 0, content.subarray(0, whole))
    const done = whole === size ? await query(address, size) : await put(address, whole, content.subarray(whole), size)
    assert.deepEqual([done.status, done.at('md5Checksum')], [200, md5(content)])
    assert.deepEqual(await collect(standIn.read(standIn.objects().at(-1)!)), content)
  }
})
