import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { exchangeCode, type Grant } from '../../../src/stages/accounts/exchange-code.ts'
import { consentOf } from '../../../src/stages/accounts/consent.ts'
import { googleDrive } from '../../../src/stages/destinations/google-drive/kind.ts'
import { googleSignIn } from '../../../src/stages/destinations/google-drive/sign-in.ts'
import { transportTo } from '../../../src/stages/destinations/open.ts'
import { html, json, text, type Answer } from '../../../src/stages/stand-ins/answer.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import { startDriveStandIn, type DriveStandIn } from '../../../src/stages/stand-ins/google-drive/stand-in.ts'

const never = new AbortController().signal
const SECRET = 'GOCSPX-client-secret'
const REDIRECT = 'http://127.0.0.1:4711/'
const answer = (given: Answer): Fault => ({ kind: 'answer', answer: given })

/** A consent at a stand-in for Google, and the exchange of its code. */
async function consented(t: TestContext, grantLifetimeSeconds: number | null = null) {
  const standIn: DriveStandIn = await startDriveStandIn({
    storage: { discard: true },
    oauth: { clientId: 'client-id', clientSecret: SECRET },
    grantLifetimeSeconds,
  })
  const transport = transportTo(googleDrive, { 'google-drive': standIn.origin }, 'drive')
  t.after(async () => {
    transport.close()
    await standIn.close()
    assert.deepEqual(standIn.faults.unused(), [])
  })
  assert.ok(googleSignIn.oauth)
  const { provider } = googleSignIn.oauth
  const consent = consentOf(provider, 'client-id', REDIRECT)
  const code = new URL(standIn.consent(consent.address)).searchParams.get('code') ?? ''
  const app = { name: 'hospital-drive', provider, clientId: 'client-id', clientSecret: SECRET }
  const exchange = (changed: { app?: object; consent?: object } = {}, signal = never): Promise<Grant> =>
    exchangeCode({ ...app, ...changed.app }, { ...consent, ...changed.consent }, code, { transport, signal })
  return { standIn, code, consent, exchange }
}

async function refusal(call: Promise<Grant>): Promise<BackupError> {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof BackupError, inspect(error))
    return error
  }
  assert.fail('was expected to reject')
}

test('a code is good for one refresh token, which lasts as long as the service says', async (t) => {
  const lasting = await consented(t)
  const { refreshToken, lapsesInMs } = await lasting.exchange()
  assert.ok(refreshToken.length > 10)
  assert.equal(lapsesInMs, null)
  const again = await refusal(lasting.exchange())
  assert.deepEqual(
    [again.code, again.message],
    ['E_AUTH', 'hospital-drive: Google did not accept the sign-in: the code is not valid, or no longer valid.'],
  )
  assert.equal((await (await consented(t, 604_799)).exchange()).lapsesInMs, 604_799_000)
})

test('a code that another attempt or another redirect address had is not taken', async (t) => {
  for (const changed of [{ verifier: 'of another attempt' }, { redirectUri: 'http://127.0.0.1:4712/' }]) {
    const error = await refusal((await consented(t)).exchange({ consent: changed }))
    assert.match(error.message, /the code is not valid/)
  }
})

test('an app that Google does not know is told', async (t) => {
  for (const app of [{ clientId: 'another' }, { clientSecret: 'another' }, { clientSecret: null }]) {
    const error = await refusal((await consented(t)).exchange({ app }))
    assert.match(`${error.message} ${error.advice}`, /the app is not known there\. Check the key, or ID and secret/)
  }
})

const echo = `client_secret=${SECRET} code_verifier=v refresh_token=r`
const good = { access_token: 'ya29.x', refresh_token: '1//refresh' }
const answers: readonly (readonly [what: string, Fault, code: string, says: RegExp])[] = [
  [
    'invalid_grant',
    answer(json(400, { error: 'invalid_grant', error_description: echo })),
    'E_AUTH',
    /the code is not valid.*Start again/,
  ],
  [
    'a redirect address it does not know',
    answer(json(400, { error: 'redirect_uri_mismatch' })),
    'E_AUTH',
    /redirect address.*Register/,
  ],
  ['an error of its own', answer(json(400, { error: 'org_internal' })), 'E_AUTH', /it answered 400/],
  [
    'an error that no list may know by chance',
    answer(json(400, { error: 'constructor' })),
    'E_AUTH',
    /it answered 400/,
  ],
  ['an error that is no text', answer(json(403, { error: { code: 403 } })), 'E_AUTH', /it answered 403/],
  ['a page in the place of an error', answer(html(404)), 'E_AUTH', /it answered 404/],
  ['a fault', answer(html(500)), 'E_DESTINATION', /answered with an error \(500\).*in a few minutes/],
  ['that it is down', answer(text(503, echo)), 'E_DESTINATION', /\(503\)/],
  ['a wish to wait', answer(json(429, {})), 'E_DESTINATION', /\(429\)/],
  ['that time is up', answer(text(408, '')), 'E_DESTINATION', /\(408\)/],
  ["a proxy's page", answer(html(200)), 'E_DESTINATION', /cannot be read.*no proxy or firewall/],
  ['nonsense', answer(json(200, { access_token: 7, refresh_token: 'r' })), 'E_DESTINATION', /cannot be read/],
  ['nothing', answer(json(200, null)), 'E_DESTINATION', /cannot be read/],
  [
    'no refresh token',
    answer(json(200, { access_token: 'ya29.x' })),
    'E_AUTH',
    /no refresh token was issued.*Revoke the app/,
  ],
  [
    'an empty refresh token',
    answer(json(200, { ...good, refresh_token: '' })),
    'E_AUTH',
    /no refresh token was issued/,
  ],
  ['nothing, and the connection ends', { kind: 'lost' }, 'E_DESTINATION', /hospital-drive/],
]
for (const [what, fault, code, says] of answers) {
  test(`a token endpoint that answers ${what} is ${code}, with what to do and without a secret`, async (t) => {
    const { standIn, exchange, consent, code: given } = await consented(t)
    standIn.faults.add({ route: 'token', fault })
    const error = await refusal(exchange())
    assert.equal(error.code, code)
    assert.match(`${error.message} ${error.advice}`, says)
    const whole = inspect(error, { depth: 10, showHidden: true })
    for (const secret of [SECRET, consent.verifier, given]) assert.equal(whole.includes(secret), false)
  })
}

test('an end that no sign-in can have counts as none named', async (t) => {
  for (const end of ['604799', -1, 0, 1e300, null]) {
    const { standIn, exchange } = await consented(t)
    standIn.faults.add({ route: 'token', fault: answer(json(200, { ...good, refresh_token_expires_in: end })) })
    assert.deepEqual(await exchange(), { refreshToken: good.refresh_token, lapsesInMs: null })
  }
})
