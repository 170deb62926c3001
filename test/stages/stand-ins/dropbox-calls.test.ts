/** How a call to Dropbox has to look: items 1–4 and 26 of the conformance list. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, dropbox, TOKEN } from './support.ts'

const APPEND = 'Error in call to API function "files/upload_session/append_v2": '

test('1: each host serves its own routes only', async (t) => {
  const { standIn, rpc, upload } = await dropbox(t)
  const from = (host: string) => ({ headers: { 'x-forwarded-host': host } })
  const api = from('api.dropboxapi.com')
  const content = from('content.dropboxapi.com')
  assert.equal((await rpc('users/get_space_usage', null, api)).status, 200)
  assert.equal((await rpc('users/get_space_usage', null, content)).status, 404)
  assert.equal((await upload('start', {}, '', content)).status, 200)
  assert.equal((await upload('start', {}, '', api)).status, 404)
  assert.equal((await upload('start', {}, '', from('notify.dropboxapi.com'))).status, 404)
  assert.equal((await call(`${standIn.origin}/oauth2/token`, content)).status, 404)
  assert.equal((await call(`${standIn.origin}/oauth2/token`, api)).status, 400)
})

test('1: a wrong method or path is refused as text', async (t) => {
  const { standIn, rpc, upload } = await dropbox(t)
  const get = await upload('start', {}, '', { method: 'GET' })
  assert.equal(get.status, 405)
  assert.match(get.headers['content-type'] ?? '', /^text\/plain/)
  assert.equal((await rpc('files/no_such_call')).status, 404)
  assert.equal((await call(`${standIn.origin}/3/files/list_folder`)).status, 404)
})

test('2: an unknown token is told as invalid_access_token', async (t) => {
  const { rpc, upload } = await dropbox(t)
  const headers = { authorization: 'Bearer nobody' }
  for (const reply of [
    await rpc('users/get_space_usage', null, { headers }),
    await upload('start', {}, 'abc', { headers }),
  ]) {
    assert.equal(reply.status, 401)
    assert.deepEqual(reply.at('error'), { '.tag': 'invalid_access_token' })
    assert.match(reply.at('error_summary') as string, /^invalid_access_token\/\.{0,3}$/)
  }
})

test('2: a call without a token is a bad call', async (t) => {
  const { standIn } = await dropbox(t)
  const reply = await call(`${standIn.origin}/2/users/get_space_usage`)
  assert.equal(reply.status, 400)
  assert.match(reply.text, /^Error in call to API function "users\/get_space_usage": .*"Authorization"/)
})

test('3: a wrong Dropbox-API-Arg is told in text, with the field and its type', async (t) => {
  const { standIn } = await dropbox(t)
  const url = `${standIn.origin}/2/files/upload_session/append_v2`
  const send = (argument: string | null) => {
    const header = argument === null ? {} : { 'dropbox-api-arg': argument }
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream', ...header }
    return call(url, { headers, body: 'abc' })
  }
  const where = `${APPEND}HTTP header "Dropbox-API-Arg": `
  const cases: readonly [string | null, string][] = [
    [null, 'missing'],
    ['{', 'could not decode input as JSON'],
    ['{"cursor":{"session_id":"x","offset":"0"}}', 'cursor.offset: expected integer, got string'],
    ['{"cursor":{"session_id":"x","offset":1.5}}', 'cursor.offset: expected integer, got float'],
    ['{"cursor":{"session_id":7,"offset":0}}', 'cursor.session_id: expected string, got integer'],
    ['{"cursor":{"session_id":"x","offset":0},"close":1}', 'close: expected boolean, got integer'],
    ['{"cursor":{"session_id":"x"}}', 'cursor.offset: missing required field'],
    ['{"cursor":{"session_id":"x","offset":0},"color":"red"}', "unknown field 'color'"],
    ['{"cursor":{"session_id":"\u00e4","offset":0}}', 'not ASCII; write other characters as \\uXXXX'],
  ]
  for (const [argument, message] of cases) {
    const reply = await send(argument)
    assert.equal(reply.status, 400)
    assert.match(reply.headers['content-type'] ?? '', /^text\/plain/)
    assert.equal(reply.text, where + message)
  }
})

test('3: the argument may stand in the query, and escapes in the header are read', async (t) => {
  const { standIn, put } = await dropbox(t)
  const argument = encodeURIComponent(JSON.stringify({ close: false }))
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream' }
  const reply = await call(`${standIn.origin}/2/files/upload_session/start?arg=${argument}`, { headers })
  assert.equal(reply.status, 200)
  const escaped = JSON.stringify({ path: '/B\u00e4ck.zip' }).replace('\u00e4', '\\u00e4')
  await put('/plain.zip', 'x')
  const start = await call(`${standIn.origin}/2/files/upload_session/start`, {
    headers: { ...headers, 'dropbox-api-arg': '{}' },
  })
  const finish = `{"cursor":{"session_id":"${String(start.at('session_id'))}","offset":0},"commit":${escaped}}`
  const done = await call(`${standIn.origin}/2/files/upload_session/finish`, {
    headers: { ...headers, 'dropbox-api-arg': finish },
  })
  assert.equal(done.status, 200)
  assert.deepEqual(
    standIn.objects().map((object) => object.path),
    ['/plain.zip', '/B\u00e4ck.zip'],
  )
})

test('3: the argument of an RPC call is checked in the body', async (t) => {
  const { standIn, rpc } = await dropbox(t)
  assert.match(
    (await rpc('files/list_folder', {})).text,
    /^Error in call .*: request body: path: missing required field$/,
  )
  assert.match((await rpc('files/list_folder', { path: '/' })).text, /root folder as an empty string/)
  const url = `${standIn.origin}/2/users/get_space_usage`
  // No body and no content type is how SDKs send an argument of type Void.
  assert.equal((await call(url, { headers: { authorization: `Bearer ${TOKEN}` } })).status, 200)
})

test('4: uploads are octet streams, in the words of the service', async (t) => {
  const { upload, rpc } = await dropbox(t)
  const reply = await upload('start', {}, 'abc', { headers: { 'content-type': 'application/zip' } })
  assert.equal(reply.status, 400)
  assert.equal(
    reply.text,
    'Error in call to API function "files/upload_session/start": Bad HTTP "Content-Type" header: "application/zip".  Expecting one of "application/octet-stream", "text/plain; charset=dropbox-cors-hack".',
  )
  const list = await rpc('files/list_folder', { path: '' }, { headers: { 'content-type': 'text/html' } })
  assert.equal(list.status, 400)
})

test('26: the summary of an error ends with a varying number of dots', async (t) => {
  const { rpc } = await dropbox(t)
  const endings = new Set<string>()
  for (let n = 0; n < 60; n++) {
    const reply = await rpc('files/get_metadata', { path: '/none' })
    const summary = reply.at('error_summary') as string
    assert.match(summary, /^path\/not_found\/\.{0,3}$/)
    endings.add(summary)
  }
  assert.ok(endings.size > 1)
})

test('every answer names its request', async (t) => {
  const { rpc } = await dropbox(t)
  const ids = [await rpc('users/get_space_usage'), await rpc('files/none')].map(
    (reply) => reply.headers['x-dropbox-request-id'],
  )
  assert.equal(new Set(ids).size, 2)
  for (const id of ids) assert.match(String(id), /^[0-9a-f]{32}$/)
})
