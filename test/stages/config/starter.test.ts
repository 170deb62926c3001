import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { loadConfig } from '../../../src/stages/config/load.ts'
import { starterConfig, writeStarterConfig } from '../../../src/stages/config/starter.ts'
import { failure, load, testFolder, write } from './configured.ts'
import { asKind } from '../../support/as-kind.ts'

const folder = testFolder()
write(folder, 'database-password.txt', 'the password\n')
write(folder, 'database-ca.pem', '-----BEGIN CERTIFICATE-----\n')
write(
  folder,
  'service-account.json',
  JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: 'private key' }),
)

/** Takes the "#" away from the examples, but not from the explanations, as the file's head says. */
function switchOn(starter: string): string {
  return starter.replaceAll(/^#(?! \S|$)/gm, '')
}

function without(yaml: string, ...lines: readonly RegExp[]): string {
  return yaml
    .split('\n')
    .filter((line) => !lines.some((pattern) => pattern.test(line)))
    .join('\n')
}

for (const platform of ['win32', 'linux', 'darwin'] as const) {
  const written = starterConfig(platform)
  const starter = written.replaceAll('\r\n', '\n')

  test(`the starter for ${platform} is a whole configuration once its password file is there`, () => {
    const config = load(folder, written)
    assert.equal(config.database?.password, 'the password')
    assert.deepEqual(
      config.destinations.map(({ name, type }) => `${name} ${type}`),
      ['nas local'],
    )
    assert.deepEqual(config.schedule, { enabled: true, every: '6h', verify: 'weekly' })
    assert.deepEqual(config.retention, { days: 30, keepAtLeast: 3 })
  })

  test(`the starter for ${platform} has paths of that system`, () => {
    assert.equal(starter.includes('C:\\xampp\\htdocs\\viewer\\dicom_files'), platform === 'win32')
    assert.equal(starter.includes('/var/www/'), platform !== 'win32')
    assert.doesNotMatch(starter, /undefined|null/)
    const lineEnds = new Set(written.match(/\r?\n/g))
    assert.deepEqual([...lineEnds], [platform === 'win32' ? '\r\n' : '\n'])
  })

  test(`every example in the starter for ${platform} works when it is switched on`, () => {
    const env = {
      DROPBOX_REFRESH_TOKEN: 'dropbox-refresh',
      DROPBOX_APP_KEY: 'app-key',
      DROPBOX_APP_SECRET: 'app-secret',
      GOOGLE_CLIENT_ID: 'client-id',
      GOOGLE_CLIENT_SECRET: 'client-secret',
      GOOGLE_REFRESH_TOKEN: 'google-refresh',
      DB_PASSWORD: 'from the environment',
      DROPBOX_TOKEN: 'access-token',
    }
    const all = switchOn(starter)
    const config = load(
      folder,
      without(all, /^ *socket:/, /^ *passwordFile:/, /^ *accessToken:/, /^ *credentialsFile:/),
      env,
    )
    assert.equal(config.database?.password, 'from the environment')
    assert.deepEqual(config.database.tls, {
      ca: path.join(folder, 'database-ca.pem'),
      cert: null,
      key: null,
      required: true,
    })
    const [nas] = config.destinations
    assert.deepEqual([asKind('local', nas).chunkSize, asKind('local', nas).mode], [8 * 1024 * 1024, 0o600])
    assert.deepEqual(config.endpoints, { dropbox: 'http://127.0.0.1:9000', 'google-drive': 'http://127.0.0.1:9001' })
    assert.deepEqual(config.destinations.slice(1), [
      {
        type: 'dropbox',
        name: 'hospital-dropbox',
        chunkSize: null,
        folder: '/DICOM_Backups',
        accessToken: null,
        refreshToken: 'dropbox-refresh',
        appKey: 'app-key',
        appSecret: 'app-secret',
      },
      {
        type: 'google-drive',
        name: 'hospital-drive',
        chunkSize: null,
        folder: 'DICOM_Backups',
        oauth: { clientId: 'client-id', clientSecret: 'client-secret', refreshToken: 'google-refresh' },
        credentialsFile: null,
      },
    ])
    const connected = load(
      folder,
      without(all, /^ *socket:/, /^ *password:/, /^ *refreshToken:/, /^ *(appSecret|accessToken|credentialsFile):/),
      env,
    )
    const dropbox = asKind('dropbox', connected.destinations[1])
    const drive = asKind('google-drive', connected.destinations[2])
    assert.deepEqual([dropbox.appKey, dropbox.refreshToken, dropbox.accessToken], ['app-key', null, null])
    assert.deepEqual(drive.oauth, { clientId: 'client-id', clientSecret: 'client-secret', refreshToken: null })
    for (const { name } of [dropbox, drive]) assert.match(starter, new RegExp(`accounts connect ${name}\n`))
    const others = load(
      folder,
      without(all, /^ *port:/, /^ *password:/, /^ *app/, /^ *refreshToken:/, /^ *oauth:/, /^ *client/),
      env,
    )
    assert.equal(others.database?.socket, platform === 'win32' ? null : '/run/mysqld/mysqld.sock')
    assert.equal(others.database?.password, 'the password')
    assert.equal(asKind('dropbox', others.destinations[1]).accessToken, 'access-token')
    assert.equal(
      asKind('google-drive', others.destinations[2]).credentialsFile,
      path.join(folder, 'service-account.json'),
    )
  })
}

test('without its password file the starter says which file is missing', () => {
  const { faults } = failure(testFolder(), starterConfig())
  assert.deepEqual(
    faults.map(({ key }) => key),
    ['database.passwordFile'],
  )
})

test('init writes the starter for its owner only', async () => {
  const file = path.join(folder, 'written', '..', 'written.yaml')
  await writeStarterConfig(file)
  assert.equal(readFileSync(file, 'utf8'), starterConfig())
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(loadConfig(file, {}).warnings, [])
})

test('init never overwrites a file', async () => {
  const file = write(folder, 'mine.yaml', 'mine')
  await assert.rejects(
    writeStarterConfig(file),
    (error) =>
      error instanceof BackupError && error.code === 'E_CONFIG' && /mine\.yaml exists already/.test(error.message),
  )
  assert.equal(readFileSync(file, 'utf8'), 'mine')
})

test('init in a folder that does not exist is E_CONFIG', async () => {
  await assert.rejects(
    writeStarterConfig(path.join(folder, 'nowhere', 'c.yaml')),
    (error) =>
      error instanceof BackupError && error.code === 'E_CONFIG' && /cannot be written \(ENOENT\)/.test(error.message),
  )
})
