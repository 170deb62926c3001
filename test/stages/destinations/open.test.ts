/** Opening a destination never throws: whatever is wrong is said by its own calls. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import type { DestinationConfig } from '../../../src/stages/destinations/config.ts'
import type { DropboxConfig } from '../../../src/stages/destinations/dropbox/settings.ts'
import type { GoogleDriveConfig } from '../../../src/stages/destinations/google-drive/settings.ts'
import { kindOf, kinds } from '../../../src/stages/destinations/kinds.ts'
import { openDestination } from '../../../src/stages/destinations/open.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const never = new AbortController().signal
const object = { id: 'id', path: '/a.zip', bytes: 1, digest: null }

/** The codes that its calls reject with; a call that does not reject is 'none'. */
async function codesOf(destination: Destination): Promise<Set<string>> {
  const calls = [
    destination.signIn(never),
    destination.probe(never),
    destination.place(never),
    destination.begin('a.zip', never),
    destination.resume('token', 0, never),
    destination.cancel('token', never),
    destination.stat('a.zip', never),
    destination.list(never).next(),
    destination.read(object, { from: 0, to: 1 }, never).next(),
    destination.remove(object, never),
  ]
  const codes = await Promise.all(
    calls.map((call) =>
      call.then(
        () => 'none',
        (error: unknown) => (error instanceof BackupError ? error.code : String(error)),
      ),
    ),
  )
  await destination.close()
  return new Set(codes)
}

const common = { name: 'one', chunkSize: null }
const dropbox: DropboxConfig = {
  ...common,
  type: 'dropbox',
  folder: '/x',
  accessToken: 'a-token',
  refreshToken: null,
  appKey: null,
  appSecret: null,
}
const drive: GoogleDriveConfig = {
  ...common,
  type: 'google-drive',
  folder: 'x',
  oauth: { clientId: 'id', clientSecret: 'secret', refreshToken: 'refresh' },
  credentialsFile: null,
}

test('a proxy variable that cannot be read fails each service, and no folder', async (t) => {
  const before = process.env['HTTPS_PROXY']
  process.env['HTTPS_PROXY'] = 'socks5://proxy:1080'
  t.after(() => {
    if (before === undefined) delete process.env['HTTPS_PROXY']
    else process.env['HTTPS_PROXY'] = before
  })
  const local: DestinationConfig = { ...common, type: 'local', folder: await tempFolder(t) }
  const all = [dropbox, drive, local]
  assert.deepEqual(
    all.map(({ type }) => type),
    kinds().map(({ type }) => type),
  )
  for (const one of all) {
    const destination = openDestination(one, {})
    if (one === local) assert.equal((await destination.signIn(never)).label, local.folder)
    else assert.deepEqual(await codesOf(destination), new Set(['E_CONFIG']), one.type)
    await destination.close()
  }
})

test('a fault of the configuration is what every call of it says, and a type that is not known another', async () => {
  const fault = { code: 'E_AUTH', message: 'It has no key.', advice: 'Give it one.' } as const
  for (const one of [dropbox, drive]) {
    const destination = openDestination({ ...one, fault }, {})
    assert.deepEqual(destination.traits, kindOf(one)?.traits)
    await assert.rejects(destination.signIn(never), fault)
    assert.deepEqual(await codesOf(destination), new Set(['E_AUTH']))
  }
  const unknown = openDestination({ ...common, type: 'unknown', folder: 'x' }, {})
  assert.deepEqual(await codesOf(unknown), new Set(['E_CONFIG']))
})

test('one that was closed before its first call opens nothing', async () => {
  const destination = openDestination(dropbox, { dropbox: 'http://127.0.0.1:1' })
  await destination.close()
  assert.deepEqual(await codesOf(destination), new Set(['E_ABORTED']))
})
