/** Sign-in to Google Drive: items 42, 46 and 47 of the conformance list, and service accounts. */

import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { bytes, call, drive, UNIT } from './support.ts'

const REFRESH = {
  grant_type: 'refresh_token',
  refresh_token: 'good',
  client_id: 'client-id',
  client_secret: 'client-secret',
}
const form = (fields: Record<string, string>, headers: Record<string, string> = {}) => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  body: new URLSearchParams(fields).toString(),
})

test('47: a refresh token gives access tokens for 3599 s, and each call is counted', async (t) => {
  const { standIn, api } = await drive(t, { refreshTokens: ['good'] })
  const url = `${standIn.origin}/token`
  const replies = await Promise.all(Array.from({ length: 5 }, () => call(url, form(REFRESH))))
  for (const reply of replies) {
    assert.equal(reply.status, 200)
    assert.equal(reply.at('expires_in'), 3599)
    assert.equal(reply.at('token_type'), 'Bearer')
    assert.equal(reply.at('refresh_token'), undefined)
    const headers = { authorization: `Bearer ${reply.at('access_token') as string}` }
    assert.equal((await api('GET', '/drive/v3/files', null, { headers })).status, 200)
  }
  assert.equal(standIn.requests.count('token'), 5)
})

test('47: a dead refresh token is an invalid grant; a wrong client is told as such', async (t) => {
  const { standIn } = await drive(t, { refreshTokens: ['good'] })
  const ask = (more: Record<string, string>) => call(`${standIn.origin}/token`, form({ ...REFRESH, ...more }))
  standIn.revoke('good')
  const dead = await ask({})
  assert.equal(dead.status, 400)
  assert.deepEqual(dead.json, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' })
  assert.deepEqual([(await ask({ client_id: 'x' })).status, (await ask({ client_secret: 'x' })).status], [401, 401])
  assert.equal((await ask({ grant_type: 'password' })).at('error'), 'unsupported_grant_type')
})

test('47: tokens come from their own host', async (t) => {
  const { standIn, api } = await drive(t, { refreshTokens: ['good'] })
  const host = (name: string) => ({ 'x-forwarded-host': name })
  const url = `${standIn.origin}/token`
  assert.equal((await call(url, form(REFRESH, host('oauth2.googleapis.com')))).status, 200)
  assert.equal((await call(url, form(REFRESH, host('www.googleapis.com')))).status, 404)
  const list = (name: string) => api('GET', '/drive/v3/files', null, { headers: host(name) })
  assert.deepEqual(
    [(await list('www.googleapis.com')).status, (await list('oauth2.googleapis.com')).status],
    [200, 404],
  )
})

test('42: a token that ends in the middle of a session is a 401, and with a new one the same address goes on', async (t) => {
  let now = 1_700_000_000_000
  const { standIn, session, put, query } = await drive(t, { refreshTokens: ['good'], clock: () => now })
  const signIn = async () => {
    const reply = await call(`${standIn.origin}/token`, form(REFRESH))
    return { headers: { authorization: `Bearer ${reply.at('access_token') as string}` } }
  }
  const address = await session()
  const old = await signIn()
  assert.equal((await put(address, 0, bytes(UNIT), '*', old)).status, 308)
  now += 3_599_000
  const refused = await put(address, UNIT, bytes(UNIT), '*', old)
  assert.equal(refused.status, 401)
  assert.deepEqual(refused.at('error'), {
    errors: [
      {
        domain: 'global',
        reason: 'authError',
        message: 'Invalid Credentials',
        location: 'Authorization',
        locationType: 'header',
      },
    ],
    code: 401,
    message: 'Invalid Credentials',
  })
  const fresh = await signIn()
  assert.equal((await query(address, '*', fresh)).headers.range, `bytes=0-${UNIT - 1}`)
  assert.equal((await put(address, UNIT, bytes(1), UNIT + 1, fresh)).status, 200)
})

const EMAIL = 'robot@project.iam.example'
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }) as string

function assertion(claims: object = {}, key = keys.privateKey, alg = 'RS256'): string {
  const now = Math.floor(Date.now() / 1000)
  const scope = 'https://www.googleapis.com/auth/drive.file'
  const body = { iss: EMAIL, aud: 'https://oauth2.googleapis.com/token', iat: now, exp: now + 3600, scope, ...claims }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg, typ: 'JWT' })}.${part(body)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
}

const grant = (signed: string) => form({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: signed })

test("47: a service account's request is taken only with its own signature, times and scope", async (t) => {
  const { standIn } = await drive(t, { serviceAccounts: [{ email: EMAIL, publicKey }] })
  const ask = (signed: string) => call(`${standIn.origin}/token`, grant(signed))
  const good = await ask(assertion())
  assert.deepEqual([good.status, good.at('expires_in')], [200, 3599])
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const now = Math.floor(Date.now() / 1000)
  const refused = [
    assertion({}, other),
    assertion({}, keys.privateKey, 'none'),
    assertion({ iss: 'nobody@project.iam.example' }),
    assertion({ iat: now - 7200, exp: now - 3600 }),
    assertion({ iat: now + 3600, exp: now + 7200 }),
    assertion({ exp: now + 7200 }),
    assertion({ aud: 'https://elsewhere.example' }),
    'nonsense',
  ]
  for (const signed of refused) {
    const reply = await ask(signed)
    assert.deepEqual([reply.status, reply.at('error')], [400, 'invalid_grant'], signed)
  }
  assert.equal((await ask(assertion({ scope: 'https://www.googleapis.com/auth/gmail' }))).at('error'), 'invalid_scope')
})

test('46: a service account has no storage of its own, unless it is given some or acts for a person', async (t) => {
  const rich = 'rich@project.iam.example'
  const { standIn, begin, api } = await drive(t, {
    serviceAccounts: [
      { email: EMAIL, publicKey },
      { email: rich, publicKey, quotaBytes: 100 },
    ],
  })
  const as = async (claims: object) => {
    const reply = await call(`${standIn.origin}/token`, grant(assertion(claims)))
    return { headers: { authorization: `Bearer ${reply.at('access_token') as string}` } }
  }
  const robot = await as({})
  const refused = await begin({ name: 'x' }, '', robot)
  assert.deepEqual([refused.status, refused.at('error/errors/0/reason')], [403, 'storageQuotaExceeded'])
  assert.match(refused.at('error/message') as string, /^Service Accounts do not have storage quota\./)
  const about = await api('GET', '/drive/v3/about?fields=storageQuota/limit,user/emailAddress', null, robot)
  assert.deepEqual(about.json, { storageQuota: { limit: '0' }, user: { emailAddress: EMAIL } })
  assert.equal((await begin({ name: 'x' }, '', await as({ iss: rich }))).status, 200)
  assert.equal((await begin({ name: 'x' }, '', await as({ sub: 'doctor@hospital.example' }))).status, 200)
})
