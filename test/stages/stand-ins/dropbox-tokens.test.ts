/** Sign-in and rate limits of Dropbox: items 24, 25, 27 and 28 of the conformance list. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropboxAnswers } from '../../../src/stages/stand-ins/index.ts'
import { call, contentHash, dropbox } from './support.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const REFRESH = { grant_type: 'refresh_token', refresh_token: 'good', client_id: 'app-key' }
const form = (fields: Record<string, string>) => ({ headers: FORM, body: new URLSearchParams(fields).toString() })

test('28: a refresh token gives a new access token each time, by form or by query', async (t) => {
  const { standIn, rpc } = await dropbox(t, { refreshTokens: ['good'] })
  const url = `${standIn.origin}/oauth2/token`
  const replies = [
    await call(url, form(REFRESH)),
    await call(`${url}?${new URLSearchParams(REFRESH).toString()}`),
    await call(url, form(REFRESH)),
  ]
  for (const reply of replies) {
    assert.equal(reply.status, 200)
    assert.equal(reply.at('expires_in'), 14_400)
    assert.equal(reply.at('token_type'), 'bearer')
    assert.equal(reply.at('refresh_token'), undefined)
    const headers = { authorization: `Bearer ${reply.at('access_token') as string}` }
    assert.equal((await rpc('users/get_space_usage', null, { headers })).status, 200)
  }
  assert.equal(new Set(replies.map((reply) => reply.at('access_token'))).size, 3)
  assert.equal(standIn.requests.count('token'), 3)
})

test('28: a refresh token that is unknown or revoked is an invalid grant, and takes its access tokens along', async (t) => {
  const { standIn, rpc } = await dropbox(t, { refreshTokens: ['good', 'other'], appSecret: 'secret' })
  const ask = (more: Record<string, string> = {}) =>
    call(`${standIn.origin}/oauth2/token`, form({ ...REFRESH, ...more }))
  const headers = { authorization: `Bearer ${(await ask()).at('access_token') as string}` }
  const another = (await ask({ refresh_token: 'other' })).at('access_token') as string
  const other = { headers: { authorization: `Bearer ${another}` } }
  assert.equal((await ask({ refresh_token: 'bad' })).at('error'), 'invalid_grant')
  assert.equal((await ask({ client_id: 'other' })).status, 400)
  assert.equal((await ask({ client_secret: 'wrong' })).status, 400)
  assert.equal((await ask({ client_secret: 'secret' })).status, 200)
  assert.equal((await ask({ grant_type: 'password' })).at('error'), 'unsupported_grant_type')
  standIn.revoke('good')
  const revoked = await ask()
  assert.deepEqual([revoked.status, revoked.at('error')], [400, 'invalid_grant'])
  assert.equal((await rpc('users/get_space_usage', null, { headers })).at('error/.tag'), 'invalid_access_token')
  assert.equal((await rpc('users/get_space_usage', null, other)).status, 200)
})

test('27: a token that ends in the middle of a session is expired, and with a new one the session goes on', async (t) => {
  let now = 1_700_000_000_000
  const { standIn, start, append, finish } = await dropbox(t, { refreshTokens: ['good'], clock: () => now })
  const id = await start({}, 'abc')
  const sign = async () => {
    const reply = await call(`${standIn.origin}/oauth2/token`, form(REFRESH))
    return { headers: { authorization: `Bearer ${reply.at('access_token') as string}` } }
  }
  const old = await sign()
  now += 14_399_999
  assert.equal((await append(id, 3, 'def', {}, old)).status, 200)
  now += 1
  const expired = await append(id, 6, 'ghi', {}, old)
  assert.equal(expired.status, 401)
  assert.deepEqual(expired.at('error'), { '.tag': 'expired_access_token' })
  assert.equal((await append(id, 6, 'ghi', {}, await sign())).status, 200)
  assert.equal((await finish(id, 9, '/a.zip')).at('content_hash'), contentHash(Buffer.from('abcdefghi')))
})

test('24: contention of writes comes as a 429 and, at finish, as a 409 in two places', async (t) => {
  const { standIn, start, finish } = await dropbox(t)
  const once = (answer: ReturnType<typeof dropboxAnswers.writeContention>) => {
    standIn.faults.add({ route: 'finish', fault: { kind: 'answer', keep: 'all', answer } })
  }
  const id = await start()
  once(dropboxAnswers.rateLimited('json', 2, 'too_many_write_operations'))
  const limited = await finish(id, 0, '/a.zip', 'abc')
  assert.deepEqual(limited.at('error'), { reason: { '.tag': 'too_many_write_operations' }, retry_after: 2 })
  once(dropboxAnswers.writeContention('top'))
  assert.deepEqual((await finish(id, 3, '/a.zip')).at('error'), { '.tag': 'too_many_write_operations' })
  once(dropboxAnswers.writeContention('path'))
  assert.deepEqual((await finish(id, 3, '/a.zip')).at('error'), {
    '.tag': 'path',
    path: { '.tag': 'too_many_write_operations' },
  })
  assert.equal((await finish(id, 3, '/a.zip')).at('size'), 3)
  assert.deepEqual(standIn.faults.unused(), [])
})

for (const shape of ['json', 'text'] as const) {
  test(`25: a rate limit as ${shape} holds for its time, for every call but those for tokens`, async (t) => {
    let now = 1_700_000_000_000
    const { standIn, start, append, rpc } = await dropbox(t, { clock: () => now, refreshTokens: ['good'] })
    const id = await start()
    const answer = dropboxAnswers.rateLimited(shape, 15)
    standIn.faults.add({ route: 'append', nth: 2, fault: { kind: 'answer', answer, forMs: 15_000 } })
    assert.equal((await append(id, 0, 'abc')).status, 200)
    for (const reply of [await append(id, 3, 'def'), await append(id, 3, 'def'), await rpc('users/get_space_usage')]) {
      assert.equal(reply.status, 429)
      assert.equal(reply.headers['retry-after'], '15')
      if (shape === 'json') assert.equal(reply.at('error/retry_after'), 15)
      else assert.match(reply.headers['content-type'] ?? '', /^text\/plain/)
    }
    assert.equal((await call(`${standIn.origin}/oauth2/token`, form(REFRESH))).status, 200)
    now += 15_000
    assert.equal((await append(id, 3, 'def')).status, 200)
    assert.deepEqual(standIn.faults.unused(), [])
  })
}
