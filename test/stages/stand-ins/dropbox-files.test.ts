/** Files of Dropbox: items 18–23, 29 and 30 of the conformance list, and downloads. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { asciiJson, call, collect, contentHash, dropbox, temporaryFolder, TOKEN, bytes } from './support.ts'

test('18: mode add on a different file is a conflict, and the session lives on for another path', async (t) => {
  const { start, finish, put, standIn } = await dropbox(t)
  await put('/a.zip', 'one')
  const id = await start()
  const reply = await finish(id, 0, '/a.zip', 'two')
  assert.equal(reply.status, 409)
  assert.match(reply.at('error_summary') as string, /^path\/conflict\/file\//)
  assert.deepEqual(reply.at('error'), {
    '.tag': 'path',
    path: { '.tag': 'conflict', conflict: { '.tag': 'file' } },
  })
  assert.deepEqual(
    (await finish(id, 0, '/b.zip', 'two')).at('error/lookup_failed/correct_offset'),
    3,
    'the data was taken already',
  )
  assert.equal((await finish(id, 3, '/b.zip')).at('size'), 3)
  const contents = await Promise.all(standIn.objects().map((object) => collect(standIn.read(object))))
  assert.deepEqual(contents.map(String), ['one', 'two'])
})

test('19: autorename stores a different file beside the first and says under what name', async (t) => {
  const { put, standIn } = await dropbox(t)
  await put('/x/a.zip', 'one')
  const again = await put({ path: '/x/a.zip', autorename: true }, 'two')
  assert.equal(again.at('name'), 'a (2).zip')
  assert.equal((await put({ path: '/x/a.zip', autorename: true }, 'three')).at('path_display'), '/x/a (3).zip')
  assert.equal(standIn.objects().length, 3)
})

test('19: identical content is the same file, unless a strict conflict is asked for', async (t) => {
  const { put, standIn } = await dropbox(t)
  const first = await put('/a.zip', 'one')
  for (const more of [{}, { autorename: true }, { mode: 'overwrite' }]) {
    const again = await put({ path: '/a.zip', ...more }, 'one')
    assert.equal(again.status, 200)
    assert.equal(again.at('rev'), first.at('rev'))
  }
  assert.equal((await put({ path: '/a.zip', strict_conflict: true }, 'one')).status, 409)
  assert.equal((await put({ path: '/a.zip', strict_conflict: true, autorename: true }, 'one')).at('name'), 'a (2).zip')
  assert.equal(standIn.objects().length, 2)
})

test('20: overwrite replaces under a new rev; update wants the rev that is there', async (t) => {
  const folder = await temporaryFolder(t)
  const { put, standIn, rpc } = await dropbox(t, { storage: { folder } })
  const first = await put('/a.zip', 'one')
  const second = await put({ path: '/a.zip', mode: 'overwrite' }, 'two')
  assert.equal(second.at('id'), first.at('id'))
  assert.notEqual(second.at('rev'), first.at('rev'))
  const update = (reply: typeof first) => ({ path: '/a.zip', mode: { '.tag': 'update', update: reply.at('rev') } })
  assert.equal((await put(update(first), 'three')).at('error/path/conflict/.tag'), 'file')
  assert.equal((await put(update(second), 'three')).status, 200)
  assert.deepEqual(String(await collect(standIn.read(standIn.objects()[0]!))), 'three')
  assert.deepEqual(
    (await readdir(folder)).filter((file) => !file.endsWith('.part')),
    [path.basename(standIn.objects()[0]?.file ?? '')],
  )
  assert.equal((await put({ ...update(first), autorename: true }, 'four')).at('name'), 'a (conflicted copy).zip')
  await rpc('files/create_folder_v2', { path: '/folder' })
  for (const mode of ['add', 'overwrite'])
    assert.equal((await put({ path: '/Folder', mode }, 'five')).at('error/path/conflict/.tag'), 'folder')
})

test('21: paths ignore case and keep it, and parents are made', async (t) => {
  const { put, rpc } = await dropbox(t)
  await put('/Back Ups/Deep/A.zip', 'one')
  assert.equal((await put('/back ups/deep/a.ZIP', 'two')).at('error/path/conflict/.tag'), 'file')
  const other = await put('/BACK UPS/deep/b.zip', 'two')
  assert.equal(other.at('path_display'), '/Back Ups/Deep/b.zip')
  assert.equal(other.at('path_lower'), '/back ups/deep/b.zip')
  assert.equal((await rpc('files/get_metadata', { path: '/BACK UPS' })).at('path_display'), '/Back Ups')
  assert.equal((await put('/back ups/deep/b.zip/c.zip', 'x')).at('error/path/conflict/.tag'), 'file_ancestor')
})

test('21: a path that can be none is malformed; one without a slash does not fit the pattern', async (t) => {
  const { put, rpc } = await dropbox(t)
  for (const path of ['/a/', '/a//b', '/', `/${'x'.repeat(256)}`, '/a/..'])
    assert.equal((await put(path, 'x')).at('error/path/.tag'), 'malformed_path', path)
  assert.equal((await put('a.zip', 'x')).status, 400)
  assert.equal((await rpc('files/get_metadata', { path: '/a/' })).at('error/path/.tag'), 'malformed_path')
  assert.equal((await rpc('files/get_metadata', { path: 'a' })).status, 400)
  assert.equal((await put('/x/Thumbs.db', 'x')).at('error/path/.tag'), 'disallowed_name')
})

test('22: metadata has its tag where the route gives a union, and the types of the service', async (t) => {
  const clock = () => Date.parse('2026-11-23T01:02:03.456Z')
  const { put, rpc } = await dropbox(t, { clock })
  const content = bytes(5000)
  const modified = '2025-01-02T03:04:05Z'
  const done = await put({ path: '/A.zip', client_modified: modified }, content)
  const { id, rev } = done.json as { id: string; rev: string }
  const expected = {
    name: 'A.zip',
    path_lower: '/a.zip',
    path_display: '/A.zip',
    id,
    client_modified: modified,
    server_modified: '2026-11-23T01:02:03Z',
    rev,
    size: 5000,
    is_downloadable: true,
    content_hash: contentHash(content),
  }
  assert.deepEqual(done.json, expected)
  assert.match(id, /^id:/)
  assert.match(rev, /^[0-9a-f]{9,}$/)
  for (const path of ['/a.ZIP', id, `rev:${rev}`])
    assert.deepEqual((await rpc('files/get_metadata', { path })).json, { '.tag': 'file', ...expected })
  assert.deepEqual((await rpc('files/list_folder', { path: '' })).at('entries/0'), { '.tag': 'file', ...expected })
})

test('23: a full account is told at finish, and the session keeps its data until there is room', async (t) => {
  const { start, append, finish, put, standIn } = await dropbox(t, { quotaBytes: 10 })
  await put('/a.zip', 'four')
  const id = await start()
  assert.equal((await append(id, 0, 'seven')).status, 200)
  const reply = await finish(id, 5, '/b.zip', '77')
  assert.equal(reply.status, 409)
  assert.deepEqual(reply.at('error'), { '.tag': 'path', path: { '.tag': 'insufficient_space' } })
  standIn.quotaBytes = 11
  assert.equal((await finish(id, 7, '/b.zip')).at('size'), 7)
})

test('23: what an overwrite replaces makes room', async (t) => {
  const { put } = await dropbox(t, { quotaBytes: 10 })
  await put('/a.zip', 'x'.repeat(8))
  assert.equal((await put({ path: '/a.zip', mode: 'overwrite' }, 'y'.repeat(10))).status, 200)
})

test('29: a listing comes in pages, of one folder or of all below', async (t) => {
  const { put, rpc } = await dropbox(t)
  for (let n = 0; n < 7; n++) await put(`/b/f${n}.zip`, `${n}`)
  await put('/b/sub/deep.zip', 'x')
  const pages = async (argument: object) => {
    const names: string[] = []
    let reply = await rpc('files/list_folder', argument)
    for (let n = 1; ; n++) {
      names.push(...(reply.at('entries') as { name: string }[]).map((entry) => entry.name))
      if (reply.at('has_more') !== true) return { names, pages: n }
      reply = await rpc('files/list_folder/continue', { cursor: reply.at('cursor') })
    }
  }
  const files = ['f0.zip', 'f1.zip', 'f2.zip', 'f3.zip', 'f4.zip', 'f5.zip', 'f6.zip']
  assert.deepEqual(await pages({ path: '/B', limit: 3 }), { names: [...files, 'sub'], pages: 3 })
  assert.deepEqual(await pages({ path: '/b', limit: 8 }), { names: [...files, 'sub'], pages: 1 })
  assert.deepEqual((await pages({ path: '', recursive: true, limit: 2 })).names, ['b', ...files, 'sub', 'deep.zip'])
  assert.deepEqual((await pages({ path: '' })).names, ['b'])
})

test('29: a page may be shorter than was asked for', async (t) => {
  const { put, rpc } = await dropbox(t, { pageEntries: 2 })
  for (let n = 0; n < 3; n++) await put(`/b/f${n}.zip`, `${n}`)
  const first = await rpc('files/list_folder', { path: '/b', limit: 2000 })
  assert.deepEqual([(first.at('entries') as unknown[]).length, first.at('has_more')], [2, true])
  const second = await rpc('files/list_folder/continue', { cursor: first.at('cursor') })
  assert.deepEqual([(second.at('entries') as unknown[]).length, second.at('has_more')], [1, false])
})

test('29: a listing of what is no folder, and a cursor that died', async (t) => {
  const { put, rpc, standIn } = await dropbox(t)
  await put('/b/a.zip', 'x')
  await put('/b/b.zip', 'y')
  const none = await rpc('files/list_folder', { path: '/none' })
  assert.deepEqual(none.at('error'), { '.tag': 'path', path: { '.tag': 'not_found' } })
  assert.equal((await rpc('files/list_folder', { path: '/b/a.zip' })).at('error/path/.tag'), 'not_folder')
  const cursor = (await rpc('files/list_folder', { path: '/b', limit: 1 })).at('cursor')
  standIn.resetCursors()
  assert.deepEqual((await rpc('files/list_folder/continue', { cursor })).at('error'), { '.tag': 'reset' })
  assert.equal((await rpc('files/list_folder/continue', { cursor: 'nonsense' })).status, 400)
})

test('29: what is deleted is gone, and deleting it again says so', async (t) => {
  const { put, rpc, standIn } = await dropbox(t)
  await put('/b/a.zip', 'x')
  await put('/b/c/d.zip', 'y')
  const gone = await rpc('files/delete_v2', { path: '/B/A.zip' })
  assert.equal(gone.at('metadata/name'), 'a.zip')
  const again = await rpc('files/delete_v2', { path: '/b/a.zip' })
  assert.equal(again.status, 409)
  assert.deepEqual(again.at('error'), { '.tag': 'path_lookup', path_lookup: { '.tag': 'not_found' } })
  assert.equal((await rpc('files/get_metadata', { path: '/b/a.zip' })).at('error/path/.tag'), 'not_found')
  assert.equal((await rpc('files/delete_v2', { path: '/b' })).status, 200)
  assert.deepEqual(standIn.objects(), [])
})

test('29: a file is only deleted under the rev that was named', async (t) => {
  const { put, rpc } = await dropbox(t)
  const { rev } = (await put('/a.zip', 'x')).json as { rev: string }
  assert.equal((await rpc('files/delete_v2', { path: '/a.zip', parent_rev: 'abcdef012' })).status, 409)
  assert.equal((await rpc('files/delete_v2', { path: '/a.zip', parent_rev: rev })).status, 200)
})

test('29: a folder is made once', async (t) => {
  const { rpc } = await dropbox(t)
  assert.equal((await rpc('files/create_folder_v2', { path: '/A/B' })).at('metadata/path_display'), '/A/B')
  const again = await rpc('files/create_folder_v2', { path: '/a/b' })
  assert.equal(again.status, 409)
  assert.deepEqual(again.at('error/path'), { '.tag': 'conflict', conflict: { '.tag': 'folder' } })
})

test("30: space is told as one person's, as a team's, or without a limit", async (t) => {
  const one = await dropbox(t, { quotaBytes: 1000 })
  await one.put('/a.zip', 'four')
  assert.deepEqual((await one.rpc('users/get_space_usage')).json, {
    used: 4,
    allocation: { '.tag': 'individual', allocated: 1000 },
  })
  one.standIn.quotaBytes = null
  assert.equal((await one.rpc('users/get_space_usage')).at('allocation/.tag'), 'other')
  const team = await dropbox(t, { quotaBytes: 1000, team: true })
  const reply = await team.rpc('users/get_space_usage')
  assert.equal(reply.at('allocation/.tag'), 'team')
  assert.equal(reply.at('allocation/allocated'), 1000)
  assert.equal(reply.at('allocation/user_within_team_space_allocated'), 0)
  assert.match((await team.rpc('users/get_current_account')).at('email') as string, /@/)
})

test('a file is downloaded whole or in part, with its metadata in the header', async (t) => {
  const { put, standIn } = await dropbox(t)
  const content = bytes(100_000)
  await put('/\u00e4.zip', content)
  const download = (path: string, range?: string) =>
    call(`${standIn.origin}/2/files/download`, {
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'dropbox-api-arg': asciiJson({ path }),
        ...(range !== undefined && { range }),
      },
    })
  const whole = await download('/\u00e4.zip')
  assert.equal(whole.status, 200)
  assert.deepEqual(Buffer.from(whole.text, 'latin1'), content)
  const result = JSON.parse(whole.headers['dropbox-api-result'] as string) as { content_hash: string; name: string }
  assert.equal(result.name, '\u00e4.zip')
  assert.equal(result.content_hash, contentHash(content))
  for (const [range, from, to] of [
    ['bytes=10-19', 10, 20],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=0-999999', 0, 100_000],
  ] as const) {
    const part = await download('/\u00e4.zip', range)
    assert.equal(part.status, 206)
    assert.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/100000`)
    assert.deepEqual(Buffer.from(part.text, 'latin1'), content.subarray(from, to))
  }
  assert.equal((await download('/\u00e4.zip', 'bytes=100000-')).status, 416)
  assert.equal((await download('/none')).at('error/path/.tag'), 'not_found')
})

test('a download of an empty file is empty, and none is possible where bytes are discarded', async (t) => {
  const kept = await dropbox(t)
  const headers = { authorization: `Bearer ${TOKEN}`, 'dropbox-api-arg': '{"path":"/a.zip"}' }
  await kept.put('/a.zip', '')
  const empty = await call(`${kept.standIn.origin}/2/files/download`, { headers })
  assert.deepEqual([empty.status, empty.text], [200, ''])
  const discarded = await dropbox(t, { storage: { discard: true } })
  await discarded.put('/a.zip', 'abc')
  assert.equal((await call(`${discarded.standIn.origin}/2/files/download`, { headers })).status, 400)
  assert.throws(() => discarded.standIn.read(discarded.standIn.objects()[0]!), /keeps no bytes/)
})
