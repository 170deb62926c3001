import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { inspect } from 'node:util'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { html, json, text } from '../../../src/stages/stand-ins/answer.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import { apiError, rateLimited, unauthorized } from '../../../src/stages/stand-ins/google-drive/errors.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { never, rejection, rejectsWith, sample, SECRETS, startDrive, UNIT } from './google-drive-far-side.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const EMAIL = 'backup@project.iam.gserviceaccount.com'
const KEY_FILE = { type: 'service_account', client_email: EMAIL, private_key: privateKey }

async function keyFile(t: TestContext, content: unknown): Promise<string> {
  const file = path.join(await tempFolder(t), 'service-account.json')
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

const answered = (answer: Extract<Fault, { kind: 'answer' }>['answer']): Fault => ({ kind: 'answer', answer })

test('signing in tells the e-mail address and the free space, and writes nothing', async (t) => {
  const { standIn, destination } = await startDrive(t, { quotaBytes: 1000 })
  assert.deepEqual(await destination.signIn(never), { label: 'backup@hospital.example', freeBytes: 1000 })
  await (await destination.begin('a.zip', never)).commit(sample(300).commit(0), never)
  assert.equal((await destination.signIn(never)).freeBytes, 700)
  standIn.quotaBytes = 100
  assert.equal((await destination.signIn(never)).freeBytes, 0)
  standIn.quotaBytes = null
  assert.equal((await destination.signIn(never)).freeBytes, null)
  assert.equal(standIn.requests.count('create'), 1)
})

test('a token is asked for once, and kept', async (t) => {
  const { standIn, destination } = await startDrive(t)
  await Promise.all([destination.signIn(never), destination.stat('a.zip', never), destination.signIn(never)])
  await destination.signIn(never)
  assert.equal(standIn.requests.count('token'), 1)
})

test('calls at once that are all refused share one new token', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const uploads = await Promise.all(['a', 'b', 'c', 'd'].map((name) => destination.begin(name, never)))
  standIn.expireTokens()
  // This one is refused when the others have their new token already.
  standIn.faults.add({ route: 'about', fault: { kind: 'delay', ms: 150, at: 'arrival' } })
  await Promise.all([
    ...uploads.map((upload) => upload.append(0, [Buffer.alloc(UNIT)], never)),
    destination.stat('a.zip', never),
    destination.signIn(never),
  ])
  assert.equal(standIn.requests.count('token'), 2)
  assert.equal(standIn.requests.latest('chunk').filter(({ status }) => status === 308).length, 4)
})

test('a call that is refused with a new token too is not made a third time', async (t) => {
  const { standIn, destination } = await startDrive(t)
  standIn.faults.add({ route: 'about', nth: 'every', fault: answered(unauthorized()) })
  const error = await rejectsWith('E_AUTH', 'stop', destination.signIn(never))
  assert.match(error.advice, /dicom-backup accounts connect hospital-drive$/)
  assert.equal(standIn.requests.count('about'), 2)
})

test('a sign-in that was revoked is told with what to do', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const upload = await destination.begin('a.zip', never)
  standIn.revoke(SECRETS.refreshToken)
  for (const call of [
    () => destination.signIn(never),
    () => destination.begin('b.zip', never),
    () => upload.append(0, [Buffer.alloc(UNIT)], never),
    () => upload.held(never),
  ]) {
    const error = await rejectsWith('E_AUTH', 'stop', call())
    assert.match(error.message, /^hospital-drive: .*invalid_grant/)
    assert.match(error.advice, /7 days.*Testing.*publish.*dicom-backup accounts connect hospital-drive$/)
  }
})

test('a wrong OAuth client is told by its keys in the configuration', async (t) => {
  const { open } = await startDrive(t)
  const oauth = { clientId: 'client-id', clientSecret: 'wrong', refreshToken: SECRETS.refreshToken }
  const error = await rejectsWith('E_AUTH', 'stop', open({ oauth }).signIn(never))
  assert.match(error.advice, /oauth\.clientId and oauth\.clientSecret/)
})

test('a fault where tokens are made is tried again by the engine, not by the client', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const faults: Fault[] = [
    answered(html(503)),
    answered(rateLimited('429', 5)),
    answered(html(200)),
    answered(json(200, { token_type: 'Bearer' })),
    { kind: 'lost' },
  ]
  for (const [index, fault] of faults.entries()) {
    standIn.faults.add({ route: 'token', fault })
    await rejectsWith('E_DESTINATION', 'retry', destination.signIn(never))
    assert.equal(standIn.requests.count('token'), index + 1)
  }
  await destination.signIn(never)
})

test('one who stops waiting for a token does not stop the others', async (t) => {
  const { standIn, destination } = await startDrive(t)
  standIn.faults.add({ route: 'token', fault: { kind: 'delay', ms: 100 } })
  const stop = new AbortController()
  const stopped = rejection(destination.signIn(stop.signal))
  const other = destination.signIn(never)
  stop.abort(new BackupError('E_ABORTED', 'Enough.'))
  assert.equal((await stopped).message, 'Enough.')
  assert.equal((await other).label, 'backup@hospital.example')
  assert.equal(standIn.requests.count('token'), 1)
})

test('a passing fault of the service is for trying again, one that lasts is not', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const rows: readonly (readonly [
    Fault,
    ...(Parameters<typeof rejectsWith> extends [...infer Told, unknown] ? Told : never),
  ])[] = [
    [answered(html(503)), 'E_DESTINATION', 'retry'],
    [answered(rateLimited('403 user')), 'E_DESTINATION', 'retry'],
    [answered(html(200)), 'E_DESTINATION', 'retry'],
    [answered(json(200, {})), 'E_DESTINATION', 'retry'],
    [{ kind: 'truncated' }, 'E_DESTINATION', 'retry'],
    [{ kind: 'lost' }, 'E_DESTINATION', 'retry'],
    [answered(apiError(403, 'accessNotConfigured', '')), 'E_AUTH', 'stop'],
    [answered(apiError(400, 'invalidParameter', '')), 'E_DESTINATION', 'stop'],
  ]
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    about: () => destination.signIn(never),
    list: () => destination.stat('a.zip', never),
    'generate-ids': () => destination.begin('a.zip', never),
  }
  for (const [route, call] of Object.entries(calls)) {
    await destination.begin('warm-up.zip', never)
    for (const [fault, code, remedy] of rows) {
      standIn.faults.add({ route, fault })
      const before = standIn.requests.count(route)
      await rejectsWith(code, remedy, call())
      assert.equal(standIn.requests.count(route), before + 1, `${route}: the SDK tries nothing again`)
    }
  }
})

test('a service account signs in with its key file and uploads where it has room', async (t) => {
  const { standIn, open } = await startDrive(t, { serviceAccounts: [{ email: EMAIL, publicKey, quotaBytes: 1000 }] })
  const destination = open({ oauth: null, credentialsFile: await keyFile(t, KEY_FILE) })
  assert.deepEqual(await destination.signIn(never), { label: EMAIL, freeBytes: 1000 })
  const upload = await destination.begin('a.zip', never)
  standIn.expireTokens()
  await upload.commit(sample(10).commit(0), never)
  assert.equal(standIn.requests.count('token'), 2)
})

test("a service account's key signs in by itself too, without a file; a client without a sign-in is told", async (t) => {
  const { open } = await startDrive(t, { serviceAccounts: [{ email: EMAIL, publicKey, quotaBytes: 1000 }] })
  const serviceAccount = { clientEmail: EMAIL, privateKey }
  assert.equal((await open({ oauth: null, serviceAccount }).signIn(never)).label, EMAIL)
  const oauth = { clientId: 'client-id', clientSecret: SECRETS.clientSecret, refreshToken: null }
  const error = await rejectsWith('E_AUTH', 'stop', open({ oauth }).signIn(never))
  assert.match(error.message, /^hospital-drive: there is no sign-in to Google Drive yet/)
})

test('a service account without storage is told where its archives can go', async (t) => {
  const { open } = await startDrive(t, { serviceAccounts: [{ email: EMAIL, publicKey }] })
  const destination = open({ oauth: null, credentialsFile: await keyFile(t, KEY_FILE) })
  const error = await rejectsWith('E_QUOTA', 'stop', destination.begin('a.zip', never))
  assert.match(error.advice, /no storage of its own.*oauth.*shared drive.*id:FOLDER_ID/)
})

test('a service account that is gone is told by its key and the clock', async (t) => {
  const { open } = await startDrive(t)
  const destination = open({ oauth: null, credentialsFile: await keyFile(t, KEY_FILE) })
  const error = await rejectsWith('E_AUTH', 'stop', destination.signIn(never))
  assert.match(error.advice, /key.*clock/)
})

test('a key file that is none is a fault of the configuration, and quoted nowhere', async (t) => {
  const { standIn, open } = await startDrive(t)
  const inner = privateKey.split('\n')[1]!
  const contents = [
    `{ "private_key": "${inner}`,
    inner,
    {},
    { ...KEY_FILE, private_key: inner },
    { ...KEY_FILE, client_email: undefined },
  ]
  const files = [path.join(await tempFolder(t), 'none.json'), await tempFolder(t)]
  for (const content of contents) files.push(await keyFile(t, content))
  for (const file of files) {
    const error = await rejectsWith('E_CONFIG', 'stop', open({ oauth: null, credentialsFile: file }).signIn(never))
    assert.ok(error.message.includes(file))
    assert.equal(inspect(error, { depth: 10, showHidden: true }).includes(inner), false)
  }
  const none = await rejectsWith('E_AUTH', 'stop', open({ oauth: null }).signIn(never))
  assert.match(none.advice, /accounts connect hospital-drive$/)
  assert.equal(standIn.requests.count(), 0)
})

test('no error carries a token, a secret or the address of a session', async (t) => {
  const { standIn, destination } = await startDrive(t)
  const telltale = /ya29\.|upload_id|Bearer|authorization|refresh-secret|GOCSPX|client_secret|refresh_token/i
  const echo = 'Authorization: Bearer ya29.echo client_secret=GOCSPX-client-secret upload_id=echo'
  const faults: Fault[] = [
    answered(text(400, echo)),
    answered(apiError(400, echo, echo)),
    answered(apiError(403, 'forbidden', echo)),
    answered(text(503, `${echo} exceeds already uploaded size`)),
    answered(json(400, { error: 'invalid_grant', error_description: echo })),
    answered(unauthorized()),
    answered(text(200, echo)),
    { kind: 'lost' },
    { kind: 'cut', afterBytes: 10 },
  ]
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    token: () => destination.signIn(never),
    about: () => destination.signIn(never),
    list: () => destination.stat('a.zip', never),
    begin: () => destination.begin('a.zip', never),
    chunk: async () => (await destination.begin('a.zip', never)).append(0, [Buffer.alloc(UNIT)], never),
    final: async () => (await destination.begin('a.zip', never)).commit(sample(100).commit(0), never),
    query: async () => (await destination.begin('a.zip', never)).held(never),
  }
  for (const [route, call] of Object.entries(calls)) {
    for (const fault of faults) {
      if (fault.kind === 'cut' && !['chunk', 'final', 'begin', 'token'].includes(route)) continue
      if (route === 'token') standIn.expireTokens()
      standIn.faults.add({ route, nth: 'every', fault })
      const error = await rejection(call())
      assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), telltale)
      assert.deepEqual(standIn.faults.unused(), [])
      standIn.faults.clear()
    }
  }
})
