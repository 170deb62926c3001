import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DropboxConfig } from '../../../src/stages/destinations/dropbox/settings.ts'
import type { Transport } from '../../../src/stages/http/types.ts'
import { html, json, text } from '../../../src/stages/stand-ins/answer.ts'
import type { Answer } from '../../../src/stages/stand-ins/answer.ts'
import { badCall, rateLimited } from '../../../src/stages/stand-ins/dropbox/errors.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import { never, OBJECT, rejectsWith, RENEWABLE, sample, SECRETS, startDropbox } from './dropbox-far-side.ts'

const data = sample(300_000)
const answer = (given: Answer): Fault => ({ kind: 'answer', answer: given })

test('signing in names the account and what still fits', async (t) => {
  const { standIn, destination } = await startDropbox(t, { quotaBytes: 1_000_000 })
  await (await destination.begin(OBJECT, never)).commit(data.commit(0), never)
  assert.deepEqual(await destination.signIn(never), { label: 'backup@hospital.example', freeBytes: 700_000 })
  standIn.quotaBytes = 100_000
  assert.equal((await destination.signIn(never)).freeBytes, 0)
  standIn.quotaBytes = null
  assert.equal((await destination.signIn(never)).freeBytes, null)
})

test("a team's space counts for all of it, and its limit for a member where it is enforced", async (t) => {
  const { standIn, destination } = await startDropbox(t, { team: true, quotaBytes: 5000 })
  assert.equal((await destination.signIn(never)).freeBytes, 5000)
  const limited = (type: string): Fault =>
    answer(
      json(200, {
        used: 10,
        allocation: {
          '.tag': 'team',
          used: 2000,
          allocated: 5000,
          user_within_team_space_allocated: 1000,
          user_within_team_space_limit_type: { '.tag': type },
          user_within_team_space_used_cached: 300,
        },
      }),
    )
  standIn.faults.add({ route: 'space', fault: limited('stop_sync') })
  assert.equal((await destination.signIn(never)).freeBytes, 700)
  standIn.faults.add({ route: 'space', fault: limited('alert_only') })
  assert.equal((await destination.signIn(never)).freeBytes, 3000)
})

test('five calls at once share one renewal, at the start and after the token has expired', async (t) => {
  const { standIn, open } = await startDropbox(t)
  const destination = open(RENEWABLE)
  const five = (): Promise<unknown> => Promise.all(Array.from({ length: 5 }, () => destination.stat(OBJECT, never)))
  await five()
  assert.equal(standIn.requests.count('token'), 1)
  standIn.expireTokens()
  await five()
  assert.equal(standIn.requests.count('token'), 2)
  assert.equal(standIn.requests.count('metadata'), 15, 'each refused call is made once more')
  await five()
  assert.equal(standIn.requests.count('token'), 2)
})

test('a token that expires in the middle is renewed, and the same bytes are sent once more', async (t) => {
  const { standIn, open } = await startDropbox(t)
  const upload = await open(RENEWABLE).begin(OBJECT, never)
  standIn.faults.add({ route: 'append', fault: { kind: 'expired' } })
  assert.equal(await upload.append(0, data.piece(0, 200_000), never), 200_000)
  standIn.faults.add({ route: 'finish', fault: { kind: 'expired' } })
  assert.equal((await upload.commit(data.commit(200_000), never)).digest, data.contentHash)
  assert.equal(standIn.requests.count('token'), 3)
})

test('a token is renewed before it lapses', async (t) => {
  const real = performance.now.bind(performance)
  let ahead = 0
  t.mock.method(performance, 'now', () => real() + ahead)
  const now = Date.now()
  const { standIn, open } = await startDropbox(t, { tokenLifetimeSeconds: 1000, clock: () => now + ahead })
  const destination = open(RENEWABLE)
  await destination.stat(OBJECT, never)
  ahead = 950_000
  await destination.stat(OBJECT, never)
  assert.deepEqual(
    standIn.requests.latest().map((one) => [one.route, one.status]),
    [
      ['token', 200],
      ['metadata', 409],
      ['token', 200],
      ['metadata', 409],
    ],
  )
})

test('an access token is used until it is refused, then the refresh token', async (t) => {
  const { standIn, open } = await startDropbox(t)
  const destination = open({ ...RENEWABLE, accessToken: SECRETS.accessToken })
  await destination.stat(OBJECT, never)
  assert.equal(standIn.requests.count('token'), 0)
  standIn.expireTokens()
  await destination.stat(OBJECT, never)
  assert.equal(standIn.requests.count('token'), 1)
})

test('an app without a secret renews its token too', async (t) => {
  const { open } = await startDropbox(t, { appSecret: null })
  assert.equal(await open({ ...RENEWABLE, appSecret: null }).stat(OBJECT, never), null)
})

test('no secret stands in an address', async (t) => {
  const { open } = await startDropbox(t)
  const addresses: string[] = []
  const watched = (real: Transport): Transport => ({
    fetch: (url, request) => {
      addresses.push(String(url))
      return real.fetch(url, request)
    },
    close: () => {
      real.close()
    },
  })
  await open(RENEWABLE, watched).signIn(never)
  assert.equal(addresses.length, 3)
  assert.doesNotMatch(addresses.join(), /secret|sl\.|\?/)
})

test('one caller that is stopped does not take the renewal away from another', async (t) => {
  const faults = [{ route: 'token', fault: { kind: 'delay', ms: 100 } }] as const
  const { standIn, open } = await startDropbox(t, { faults })
  const destination = open(RENEWABLE)
  const stopped = assert.rejects(destination.stat(OBJECT, AbortSignal.timeout(30)), { code: 'E_ABORTED' })
  assert.equal(await destination.stat(OBJECT, never), null)
  await stopped
  assert.equal(standIn.requests.count('token'), 1)
})

const connect = /dicom-backup accounts connect hospital-dropbox( --app-key KEY)?$/

test('a refresh token that was revoked is E_AUTH, and the advice names the account', async (t) => {
  const { standIn, open } = await startDropbox(t)
  const destination = open(RENEWABLE)
  await destination.signIn(never)
  standIn.revoke(SECRETS.refreshToken)
  assert.match((await rejectsWith('E_AUTH', 'stop', destination.signIn(never))).advice, connect)
})

const wrong: [string, Partial<DropboxConfig>, RegExp][] = [
  ['an unknown access token', { accessToken: 'sl.secret-wrong' }, connect],
  ['an unknown refresh token', { ...RENEWABLE, refreshToken: 'secret-wrong' }, connect],
  ['a wrong app key', { ...RENEWABLE, appKey: 'other-app' }, /appKey/],
  ['a wrong app secret', { ...RENEWABLE, appSecret: 'secret-wrong' }, /appSecret/],
  ['no sign-in', { accessToken: null }, connect],
  ['a refresh token without an app key', { accessToken: null, refreshToken: SECRETS.refreshToken }, connect],
]
for (const [name, config, advice] of wrong) {
  test(`${name} is E_AUTH with advice`, async (t) => {
    const { open } = await startDropbox(t)
    assert.match((await rejectsWith('E_AUTH', 'stop', open(config).stat(OBJECT, never))).advice, advice)
  })
}

test('an access token that has expired is E_AUTH, and the advice names what stays', async (t) => {
  const { standIn, destination } = await startDropbox(t)
  standIn.expireTokens()
  assert.match(
    (await rejectsWith('E_AUTH', 'stop', destination.signIn(never))).advice,
    /4 hours.*App key.* does not: .* --app-key KEY$/,
  )
})

const scope = 'files.content.write'
const refused: [string, Answer, RegExp][] = [
  [
    'a permission that the app lacks, told as text',
    badCall(
      'x',
      `Your app is not permitted to access this endpoint because it does not have the required scope '${scope}'.`,
    ),
    /files\.content\.write/,
  ],
  [
    'a permission that the token lacks, told as JSON',
    json(401, { error_summary: 'missing_scope/', error: { '.tag': 'missing_scope', required_scope: scope } }),
    /files\.content\.write/,
  ],
  [
    'a suspended account',
    json(401, { error_summary: 'user_suspended/', error: { '.tag': 'user_suspended' } }),
    /administrator/,
  ],
  [
    'a token that Dropbox repeats in its answer',
    badCall('x', `Invalid authorization value in HTTP header "Authorization": "Bearer ${SECRETS.accessToken}".`),
    connect,
  ],
  ['an account of the wrong kind', json(403, { error: { '.tag': 'invalid_account_type' } }), /account/],
]
for (const [name, given, advice] of refused) {
  test(`${name} is E_AUTH with advice`, async (t) => {
    const { destination } = await startDropbox(t, { faults: [{ route: 'start', fault: answer(given) }] })
    assert.match((await rejectsWith('E_AUTH', 'stop', destination.begin(OBJECT, never))).advice, advice)
  })
}

const passing: [string, Fault][] = [
  ['is down', answer(html(503))],
  ['asks to wait', answer(rateLimited('json', 1))],
  ['answers with a page of HTML', answer(html(200))],
  ['answers nonsense', answer(json(200, { access_token: 7 }))],
  ['does not answer', { kind: 'lost' }],
]
for (const [name, fault] of passing) {
  test(`a token endpoint that ${name} is to be tried again, and the next call tries`, async (t) => {
    const { open } = await startDropbox(t, { faults: [{ route: 'token', fault }] })
    const destination = open(RENEWABLE)
    await rejectsWith('E_DESTINATION', 'retry', destination.stat(OBJECT, never))
    assert.equal(await destination.stat(OBJECT, never), null)
  })
}

test('a new token that is refused as well ends in E_AUTH, not in a circle', async (t) => {
  const expired = json(401, { error_summary: 'expired_access_token/', error: { '.tag': 'expired_access_token' } })
  const { standIn, open } = await startDropbox(t, {
    faults: [{ route: 'metadata', nth: 'every', fault: answer(expired) }],
  })
  await rejectsWith('E_AUTH', 'stop', open(RENEWABLE).stat(OBJECT, never))
  assert.equal(standIn.requests.count('token'), 2)
  assert.equal(standIn.requests.count('metadata'), 2)
})

test('calls that only read are tried again after any doubt, and stop at a refusal', async (t) => {
  const { standIn, destination } = await startDropbox(t)
  const stored = await (await destination.begin(OBJECT, never)).commit(data.commit(0), never)
  for (const fault of [answer(html(500)), answer(text(200, 'nonsense')), { kind: 'lost' }] satisfies Fault[]) {
    standIn.faults.add({ route: 'metadata', fault }, { route: 'delete', fault }, { route: 'account', fault })
    await rejectsWith('E_DESTINATION', 'retry', destination.stat(OBJECT, never))
    await rejectsWith('E_DESTINATION', 'retry', destination.remove(stored, never))
    await rejectsWith('E_DESTINATION', 'retry', destination.signIn(never))
    standIn.faults.clear()
  }
  standIn.faults.add({ route: 'metadata', fault: answer(text(422, 'path root')) })
  await rejectsWith('E_DESTINATION', 'stop', destination.stat(OBJECT, never))
})
