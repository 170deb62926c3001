import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import {
  forgetSignIn,
  saveSignIn,
  signInIn,
  tokenMark,
  withSignIns,
  type SignIn,
} from '../../../src/stages/accounts/sign-ins.ts'
import { loadConfig, type LoadedConfig } from '../../../src/stages/config/load.ts'
import type { DestinationConfig } from '../../../src/stages/config/types.ts'
import { redact } from '../../../src/stages/text/redact.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { asKind } from '../../support/as-kind.ts'

const POSIX_ONLY = process.platform === 'win32' && 'Windows has no file modes'
const DROPBOX = 'type: dropbox, folder: /X'
const DRIVE = 'type: google-drive, folder: X'
const CLIENT = 'clientId: id, clientSecret: secret'

interface Place {
  readonly state: string
  /** The configuration with one destination, without what was connected. */
  readonly load: (settings: string, name?: string) => Promise<LoadedConfig>
  /** The destination, with what was connected. */
  readonly used: (settings: string, name?: string) => Promise<DestinationConfig>
  /** Connects it as it stands there. */
  readonly connect: (settings: string, changed?: Partial<SignIn>) => Promise<void>
}

async function place(t: TestContext): Promise<Place> {
  const folder = await tempFolder(t)
  const file = path.join(folder, 'c.yaml')
  const state = path.join(folder, 'state')
  const load: Place['load'] = async (settings, name = 'Haus 1') => {
    const text = `dicom: { root: x }\nstate: { dir: state }\ndestinations: [{ name: ${name}, ${settings} }]\n`
    await writeFile(file, text, { mode: 0o600 })
    return loadConfig(file, {})
  }
  return {
    state,
    load,
    used: async (settings, name) => withSignIns(await load(settings, name)).destinations[0]!,
    async connect(settings, changed = {}) {
      const [one] = (await load(settings)).destinations
      assert.ok(one?.type === 'dropbox' || one?.type === 'google-drive')
      await saveSignIn(state, {
        name: one.name,
        type: one.type,
        refreshToken: 'connected-refresh-token',
        clientId:
          one.type === 'dropbox'
            ? (asKind('dropbox', one).appKey ?? 'given-key')
            : (asKind('google-drive', one).oauth?.clientId ?? ''),
        account: 'a@b.example',
        connectedAt: '2026-11-23T12:00:00+01:00',
        lapsesAt: null,
        replaces: tokenMark(one),
        ...changed,
      })
    },
  }
}

/** What it signs in with. */
function tokenOf(one: DestinationConfig): string | null {
  if (one.type === 'dropbox') {
    const { accessToken, refreshToken } = asKind('dropbox', one)
    return accessToken ?? refreshToken
  }
  const { oauth, credentialsFile } = asKind('google-drive', one)
  return oauth?.refreshToken ?? credentialsFile
}

async function fileIn(state: string): Promise<string> {
  const [name = ''] = await readdir(path.join(state, 'sign-ins'))
  return path.join(state, 'sign-ins', name)
}

describe('a sign-in', () => {
  test('is read back whole, is known to redact, and is for its owner alone', { skip: POSIX_ONLY }, async (t) => {
    const { state, load, connect, used } = await place(t)
    await connect(`${DROPBOX}, appKey: key`, { refreshToken: 'never-shown-refresh-token' })
    assert.equal((await stat(path.join(state, 'sign-ins'))).mode & 0o777, 0o700)
    assert.equal((await stat(await fileIn(state))).mode & 0o777, 0o600)
    const { type, name, ...one } = await used(`${DROPBOX}, appKey: key`)
    assert.deepEqual([type, name], ['dropbox', 'Haus 1'])
    assert.deepEqual(one, {
      chunkSize: null,
      folder: '/X',
      accessToken: null,
      refreshToken: 'never-shown-refresh-token',
      appKey: 'key',
      appSecret: null,
    })
    assert.ok(withSignIns(await load(`${DROPBOX}, appKey: key`)).secrets.includes('never-shown-refresh-token'))
    assert.doesNotMatch(redact('it was never-shown-refresh-token'), /never-shown/)
  })

  test('made again takes the place of the earlier one, and leaves no other file', async (t) => {
    const { state, connect, used } = await place(t)
    await connect(`${DROPBOX}, appKey: key`, { refreshToken: 'first-refresh-token' })
    await connect(`${DROPBOX}, appKey: key`, { refreshToken: 'second-refresh-token' })
    assert.equal(tokenOf(await used(`${DROPBOX}, appKey: key`)), 'second-refresh-token')
    assert.equal((await readdir(path.join(state, 'sign-ins'))).length, 1)
  })

  test('is its destination’s, however the name is written', async (t) => {
    const { connect, used } = await place(t)
    await connect(`${DROPBOX}, appKey: key`)
    assert.equal(tokenOf(await used(`${DROPBOX}, appKey: key`, 'HAUS 1')), 'connected-refresh-token')
    assert.equal(tokenOf(await used(`${DROPBOX}, appKey: key`, 'Haus 2')), null)
  })

  const connected = 'connected-refresh-token'
  const changes: readonly (readonly [what: string, before: string, after: string, used: string | null])[] = [
    ['nothing', `${DROPBOX}, appKey: k`, `${DROPBOX}, appKey: k`, connected],
    [
      'nothing, beside a token',
      `${DROPBOX}, appKey: k, refreshToken: r`,
      `${DROPBOX}, appKey: k, refreshToken: r`,
      connected,
    ],
    ['the token', `${DROPBOX}, appKey: k, refreshToken: r`, `${DROPBOX}, appKey: k, refreshToken: new`, 'new'],
    ['the access token', `${DROPBOX}, accessToken: a`, `${DROPBOX}, accessToken: new`, 'new'],
    ['a token, put in', `${DROPBOX}, appKey: k`, `${DROPBOX}, accessToken: new`, 'new'],
    ['the token, taken out', `${DROPBOX}, accessToken: a`, `${DROPBOX}, appKey: given-key`, connected],
    ['the app', `${DROPBOX}, appKey: k`, `${DROPBOX}, appKey: another`, null],
    ['the folder', `${DROPBOX}, appKey: k`, `type: dropbox, folder: /Y, appKey: k`, connected],
    ['the service', `${DROPBOX}, appKey: k`, `${DRIVE}, oauth: { ${CLIENT} }`, null],
    ['nothing, at Google', `${DRIVE}, oauth: { ${CLIENT} }`, `${DRIVE}, oauth: { ${CLIENT} }`, connected],
    ['the client', `${DRIVE}, oauth: { ${CLIENT} }`, `${DRIVE}, oauth: { clientId: new, clientSecret: s }`, null],
    ['its token', `${DRIVE}, oauth: { ${CLIENT} }`, `${DRIVE}, oauth: { ${CLIENT}, refreshToken: new }`, 'new'],
  ]
  for (const [what, before, after, expected] of changes) {
    test(`goes before the configuration until that is changed: ${what}`, async (t) => {
      const { state, connect, used } = await place(t)
      await connect(before)
      const one = await used(after)
      assert.equal(tokenOf(one), expected)
      assert.equal(signInIn(one, state) !== null, expected === connected)
    })
  }

  test('goes with the client secret that the configuration has now', async (t) => {
    const { connect, used } = await place(t)
    await connect(`${DRIVE}, oauth: { ${CLIENT} }`)
    const one = await used(`${DRIVE}, oauth: { clientId: id, clientSecret: rotated }`)
    assert.deepEqual(asKind('google-drive', one).oauth, {
      clientId: 'id',
      clientSecret: 'rotated',
      refreshToken: connected,
    })
  })

  test('that is damaged is the fault of its destination, quotes nothing, and can be forgotten or made again', async (t) => {
    const { state, connect, used } = await place(t)
    const settings = `${DROPBOX}, appKey: key`
    await connect(settings)
    const file = await fileIn(state)
    const whole = await readFile(file, 'utf8')
    const without = (field: keyof SignIn, value?: unknown): string =>
      JSON.stringify({ ...(JSON.parse(whole) as SignIn), [field]: value })
    const damages = [
      '',
      '{',
      'null',
      '[]',
      '7',
      whole.slice(0, -20),
      without('refreshToken'),
      without('refreshToken', 7),
      without('refreshToken', ''),
      without('type', 'local'),
      without('clientId'),
      without('connectedAt', 'yesterday'),
      without('lapsesAt', 'soon'),
      without('replaces', 7),
    ]
    for (const text of damages) {
      await writeFile(file, text)
      const one = await used(settings)
      assert.equal(one.fault?.code, 'E_AUTH', text)
      assert.match(one.fault.message, /^Haus 1: its sign-in, the file .*\.json, is damaged\.$/)
      assert.equal(one.fault.advice, 'Connect it again: dicom-backup accounts connect "Haus 1"')
      assert.doesNotMatch(JSON.stringify(one.fault), /connected-refresh/)
    }
    await connect(settings)
    assert.equal(tokenOf(await used(settings)), connected)
    await writeFile(file, '{')
    assert.equal(await forgetSignIn(state, 'haus 1'), true)
    assert.equal(await forgetSignIn(state, 'Haus 1'), false)
    assert.equal((await used(settings)).fault, undefined)
  })

  test('that may not be read is told with the rights', { skip: POSIX_ONLY }, async (t) => {
    const { state, connect, used } = await place(t)
    await connect(`${DROPBOX}, appKey: key`)
    const file = await fileIn(state)
    // A folder in its place: root may read everything else.
    await rm(file)
    await mkdir(file)
    const { fault } = await used(`${DROPBOX}, appKey: key`)
    assert.equal(fault?.code, 'E_AUTH')
    assert.match(fault.message, /cannot be read \(EISDIR\)/)
    assert.match(fault.advice, /Let the account that this runs as read it; or connect it again as that account/)
  })

  test('that cannot be kept is E_STATE, and leaves nothing', async (t) => {
    const { state, connect } = await place(t)
    await mkdir(state)
    await writeFile(path.join(state, 'sign-ins'), 'a file')
    const error = (call: Promise<unknown>): Promise<unknown> =>
      call.then(
        () => null,
        (thrown: unknown) => thrown,
      )
    const found = await error(connect(`${DROPBOX}, appKey: key`))
    assert.ok(found instanceof BackupError && found.code === 'E_STATE')
    assert.match(found.message, /The sign-in of Haus 1 could not be saved/)
    assert.match(found.advice, /state\.dir/)
    await rm(path.join(state, 'sign-ins'))
    await connect(`${DROPBOX}, appKey: key`)
    const file = await fileIn(state)
    await rm(file)
    await mkdir(file)
    assert.ok((await error(connect(`${DROPBOX}, appKey: key`))) instanceof BackupError)
    assert.deepEqual(await readdir(path.join(state, 'sign-ins')), [path.basename(file)])
  })

  test('of a folder is none, and a state folder that is none holds none', async (t) => {
    const { state, used } = await place(t)
    await writeFile(state, 'a file')
    assert.equal((await used(`${DROPBOX}, appKey: key`)).fault, undefined)
    assert.equal(await forgetSignIn(state, 'Haus 1'), false)
    await rm(state)
    await mkdir(state)
    await chmod(state, 0o700)
    assert.equal((await used('type: local, folder: nas')).type, 'local')
  })
})
