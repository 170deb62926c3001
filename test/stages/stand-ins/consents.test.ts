/** Connecting an account: the consent page, its code, and the refresh token it gives. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { call, drive, dropbox } from './support.ts'

const VERIFIER = 'a-verifier-that-is-long-enough-for-the-rules-of-the-game'
const PAGE = {
  response_type: 'code',
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
  redirect_uri: 'http://127.0.0.1:4711/done',
  state: 'state-1',
}
const services = [
  {
    name: 'Dropbox',
    start: dropbox,
    page: 'https://www.dropbox.com/oauth2/authorize',
    token: '/oauth2/token',
    asks: { client_id: 'app-key', token_access_type: 'offline' },
    client: { client_id: 'app-key' },
  },
  {
    name: 'Google Drive',
    start: drive,
    page: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: '/token',
    asks: { client_id: 'client-id', access_type: 'offline' },
    client: { client_id: 'client-id', client_secret: 'client-secret' },
  },
] as const

for (const service of services) {
  const { name, start, page, token, asks, client } = service
  const address = (more: Record<string, string> = {}) =>
    `${page}?${new URLSearchParams({ ...PAGE, ...asks, ...more }).toString()}`

  test(`${name}: a code gives a refresh token once, to who asked for it`, async (t) => {
    const { standIn } = await start(t)
    const post = (fields: Record<string, string>) =>
      call(standIn.origin + token, { body: new URLSearchParams({ ...client, ...fields }).toString() })
    const code = () => {
      const target = new URL(standIn.consent(address()))
      assert.equal(target.origin + target.pathname, PAGE.redirect_uri)
      assert.equal(target.searchParams.get('state'), 'state-1')
      return target.searchParams.get('code') ?? ''
    }
    const redeem = (more: Record<string, string> = {}) =>
      post({
        grant_type: 'authorization_code',
        code: code(),
        code_verifier: VERIFIER,
        redirect_uri: PAGE.redirect_uri,
        ...more,
      })
    for (const wrong of [{ code: 'none' }, { code_verifier: 'another' }, { redirect_uri: 'http://127.0.0.1:1/' }])
      assert.equal((await redeem(wrong)).at('error'), 'invalid_grant')
    const used = code()
    const good = await redeem({ code: used })
    assert.equal(good.status, 200)
    assert.equal((await redeem({ code: used })).at('error'), 'invalid_grant')
    const again = await post({ grant_type: 'refresh_token', refresh_token: good.at('refresh_token') as string })
    assert.equal(again.status, 200)
    assert.equal(again.at('refresh_token'), undefined)
  })

  test(`${name}: the page refuses a wrong client, and what would give no refresh token`, async (t) => {
    const { standIn } = await start(t)
    const offline = Object.keys(asks).at(-1) ?? ''
    for (const wrong of [
      { client_id: 'x' },
      { response_type: 'token' },
      { [offline]: 'online' },
      { code_challenge_method: 'plain' },
    ])
      assert.throws(() => standIn.consent(address(wrong)))
  })
}

test('Dropbox shows the code when there is nowhere to send the browser', async (t) => {
  const { standIn } = await dropbox(t)
  const query = { response_type: 'code', client_id: 'app-key', token_access_type: 'offline' }
  const code = standIn.consent(`https://www.dropbox.com/oauth2/authorize?${new URLSearchParams(query).toString()}`)
  const fields = { grant_type: 'authorization_code', code, client_id: 'app-key' }
  const reply = await call(`${standIn.origin}/oauth2/token`, { body: new URLSearchParams(fields).toString() })
  assert.equal(typeof reply.at('refresh_token'), 'string')
})

test('Google Drive names the end of a refresh token that a consent screen in testing gives, and refuses it then', async (t) => {
  let now = Date.parse('2026-11-23T12:00:00Z')
  const { standIn } = await drive(t, { grantLifetimeSeconds: 604_799, clock: () => now })
  const [, google] = services
  const query = new URLSearchParams({ response_type: 'code', ...google.asks }).toString()
  const code = standIn.consent(`${google.page}?${query}`)
  const post = (fields: Record<string, string>) =>
    call(standIn.origin + google.token, { body: new URLSearchParams({ ...google.client, ...fields }).toString() })
  const given = await post({ grant_type: 'authorization_code', code })
  assert.equal(given.at('refresh_token_expires_in'), 604_799)
  const refresh = { grant_type: 'refresh_token', refresh_token: given.at('refresh_token') as string }
  assert.equal((await post(refresh)).status, 200)
  now += 604_799_000
  assert.equal((await post(refresh)).at('error'), 'invalid_grant')
})
