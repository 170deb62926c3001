/** The viewer's accounts as destinations: their names, what they sign in with, and rows of which nothing can be made. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test, type TestContext } from 'node:test'
import mysql from 'mysql2/promise'
import type { DestinationConfig } from '../../../../src/stages/config/types.ts'
import { openDestination } from '../../../../src/stages/destinations/open.ts'
import { redact } from '../../../../src/stages/text/redact.ts'
import { configWith } from '../../../../src/stages/state/open-state.ts'
import type { State } from '../../../../src/stages/state/state.ts'
import { load, testFolder } from '../../config/configured.ts'
import { startMariaDb, type MariaDb } from '../../../support/mariadb.ts'
import { mysqlPlace, type MysqlPlace } from '../../../support/mysql-state.ts'
import { asKind } from '../../../support/as-kind.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

type Row = Readonly<Record<string, string | number | null>>

/** The state of a viewer with these rows. */
async function withRows(t: TestContext, rows: readonly Row[], place?: MysqlPlace): Promise<State> {
  const made = place ?? (await mysqlPlace(t, server))
  const state = await made.open()
  const connection = await mysql.createConnection({
    socketPath: server.socket,
    user: 'root',
    database: made.name,
    charset: 'utf8mb4',
  })
  for (const row of rows) await connection.query('INSERT INTO backup_accounts SET ?', [row])
  await connection.end()
  return state
}

const dropbox = (name: string, change: Row = {}): Row => ({
  account_name: name,
  backup_provider: 'dropbox',
  dropbox_access_token: 'sl.token-of-the-viewer',
  ...change,
})
const google = (credentials: unknown, change: Row = {}): Row => ({
  account_name: 'drive',
  credentials_json: typeof credentials === 'string' ? credentials : JSON.stringify(credentials),
  ...change,
})
const names = async (state: State): Promise<string[]> => (await state.accounts()).map(({ name }) => name)
const one = async (t: TestContext, row: Row): Promise<DestinationConfig> => {
  const [found, ...more] = await (await withRows(t, [row])).accounts()
  assert.ok(found !== undefined && more.length === 0)
  return found
}

describe('names', () => {
  test('are those of the rows; a second one of the same name gets its id', async (t) => {
    const state = await withRows(t, [
      dropbox('Klinik Süd'),
      dropbox('nas'),
      dropbox('KLINIK SÜD'),
      dropbox('nas #5'),
      dropbox('nas'),
    ])
    assert.deepEqual(await names(state), ['Klinik Süd', 'nas', 'KLINIK SÜD #3', 'nas #5', 'nas #5 #5'])
  })

  test('stay when another account is switched off, and no two are ever the same', async (t) => {
    const place = await mysqlPlace(t, server)
    const state = await withRows(t, [dropbox('a'), dropbox('a'), dropbox('A ')], place)
    assert.deepEqual(await names(state), ['a', 'a #2', 'A #3'])
    await place.query('UPDATE backup_accounts SET is_active = 0 WHERE id = 1')
    assert.deepEqual(await names(state), ['a #2', 'A #3'])
    assert.deepEqual(await state.inactiveAccounts(), [{ name: 'a', type: 'dropbox' }])
  })

  test('of any kind are taken; what would break a line is not in them', async (t) => {
    const hostile = [
      'O\'Brien "&" \\',
      '🩻 放射線',
      "'; DROP TABLE backup_accounts; --",
      'n'.repeat(255),
      'two\nlines\t\u0007and\u202eback',
      ' ',
      '',
    ]
    const state = await withRows(
      t,
      hostile.map((name) => dropbox(name)),
    )
    assert.deepEqual(await names(state), [...hostile.slice(0, 4), 'two lines and back', 'account #6', 'account #7'])
  })

  test('that a destination of the file has already are told as E_CONFIG', async (t) => {
    const state = await withRows(t, [dropbox('NAS'), dropbox('b')])
    const config = load(testFolder(), 'dicom: { root: x }\ndestinations: [{ name: nas, type: local, folder: /nas }]\n')
    await assert.rejects(configWith(config, state), {
      code: 'E_CONFIG',
      message: /backup_accounts\) and .*dicom-backup\.yaml both have a destination named NAS\.$/,
      advice: /Rename the one in the file/,
    })
  })
})

describe('what they sign in with', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const key = { type: 'service_account', client_email: 'backup@project.iam', private_key: pem }

  test('of Dropbox is the access token, and the folder a path', async (t) => {
    assert.deepEqual(
      await one(t, dropbox('a', { dropbox_access_token: ' sl.x \n', folder_name: ' /Klinik/ Backups/' })),
      {
        type: 'dropbox',
        name: 'a',
        chunkSize: null,
        folder: '/Klinik/Backups',
        accessToken: 'sl.x',
        refreshToken: null,
        appKey: null,
        appSecret: null,
      },
    )
    for (const [written, folder] of [
      ['', '/DICOM_Backups'],
      ['/', ''],
      ['x', '/x'],
    ] as const)
      assert.equal(
        (await one(t, dropbox('a', { folder_name: written }))).type === 'dropbox' &&
          (await one(t, dropbox('a', { folder_name: written }))).folder,
        folder,
      )
  })

  test("of Google Drive is a service account's key, also one whose line ends are written out", async (t) => {
    const wanted = {
      type: 'google-drive',
      name: 'drive',
      chunkSize: null,
      folder: 'DICOM_Backups',
      oauth: null,
      credentialsFile: null,
      serviceAccount: { clientEmail: 'backup@project.iam', privateKey: pem.trim() },
    }
    for (const written of [pem, pem.replaceAll('\n', '\\n')])
      assert.deepEqual(await one(t, google({ ...key, private_key: written })), wanted)
  })

  test('or an OAuth client with its refresh token, in each form that libraries write', async (t) => {
    const client = { client_id: 'id', client_secret: 'GOCSPX-secret', auth_uri: 'https://x' }
    const refresh = { refresh_token: '1//refresh' }
    for (const form of [
      { installed: client, ...refresh },
      { web: client, ...refresh },
      { installed: { ...client, ...refresh } },
      { web: client, token: { access_token: 'ya29.x', ...refresh } },
      { type: 'authorized_user', ...client, ...refresh },
    ]) {
      const found = await one(t, google(form, { backup_provider: ' Google_Drive ' }))
      assert.equal(found.fault, undefined, JSON.stringify(form))
      assert.deepEqual(asKind('google-drive', found).oauth, {
        clientId: 'id',
        clientSecret: 'GOCSPX-secret',
        refreshToken: '1//refresh',
      })
    }
  })

  test('is known to redact from then on, and no part of a fault', async (t) => {
    await withRows(t, [
      dropbox('a', { dropbox_access_token: 'plain-looking-token-a' }),
      google({ ...key, client_email: 'x' }),
      google({
        web: { client_id: 'id', client_secret: 'plain-looking-secret-b' },
        refresh_token: 'plain-looking-token-c',
      }),
      google('{"client_secret": "plain-looking-secret-d" oops', { account_name: 'broken' }),
    ]).then((state) => state.accounts())
    for (const secret of [
      'plain-looking-token-a',
      'plain-looking-secret-b',
      'plain-looking-token-c',
      pem.split('\n')[3]!,
    ])
      assert.equal(redact(`x ${secret} y`), 'x [secret] y')
  })
})

describe('a row of which nothing can be made', () => {
  const cases: readonly (readonly [what: string, row: Row, code: string, words: RegExp])[] = [
    [
      'no JSON',
      google('{ oops hunter2'),
      'E_CONFIG',
      /^drive: the account in backup_accounts has a credentials_json that is not JSON; expected/,
    ],
    ['JSON of another kind', google('[1, "hunter2"]'), 'E_CONFIG', /without a key or an OAuth client/],
    [
      'a key that is none',
      google({ client_email: 'a@b', private_key: 'hunter2' }),
      'E_CONFIG',
      /private_key is invalid/,
    ],
    ['megabytes', google(JSON.stringify({ hunter2: 'x'.repeat(3_000_000) })), 'E_CONFIG', /far more bytes/],
    [
      'no credentials',
      google('', { credentials_json: null }),
      'E_AUTH',
      /^drive: there is no sign-in to Google Drive yet/,
    ],
    [
      'a client and no sign-in',
      google({ web: { client_id: 'i', client_secret: 's' } }),
      'E_AUTH',
      /^drive: there is no sign-in/,
    ],
    ['no token', dropbox('box', { dropbox_access_token: null }), 'E_AUTH', /^box: there is no sign-in to Dropbox yet/],
    [
      'a token that is none',
      dropbox('box', { dropbox_access_token: 'hunter2\nX-Header: 1' }),
      'E_AUTH',
      /invalid dropbox_access_token/,
    ],
    [
      'a token of megabytes',
      dropbox('box', { dropbox_access_token: 'x'.repeat(60_000) }),
      'E_AUTH',
      /invalid dropbox_access_token/,
    ],
    [
      'another service',
      dropbox('s3', { backup_provider: 'amazon\ns3' }),
      'E_CONFIG',
      /backup_provider "amazon s3"; expected dropbox or google_drive/,
    ],
    ['no service', dropbox('x', { backup_provider: '' }), 'E_CONFIG', /backup_provider ""/],
    ['a folder that is none', dropbox('x', { folder_name: '../../etc' }), 'E_CONFIG', /invalid folder_name/],
    [
      'the root of Drive',
      google({ web: { client_id: 'i', client_secret: 's' }, refresh_token: 'r' }, { folder_name: '/' }),
      'E_CONFIG',
      /folder_name/,
    ],
  ]
  for (const [what, row, code, words] of cases) {
    test(`(${what}) is a destination that fails, says why and how to mend it, and shows no secret`, async (t) => {
      const state = await withRows(t, [row, dropbox('well')])
      const [config, well] = await state.accounts()
      assert.ok(config !== undefined && well?.name === 'well' && well.fault === undefined)
      const destination = openDestination(config, {
        dropbox: 'http://127.0.0.1:1',
        'google-drive': 'http://127.0.0.1:1',
      })
      const signal = new AbortController().signal
      const listed = async (): Promise<void> => {
        for await (const _ of destination.list(signal));
      }
      for (const call of [destination.signIn(signal), destination.begin('x.zip', signal), listed()]) {
        await assert.rejects(call, (error: Error & { code?: string; advice?: string }) => {
          assert.equal(error.code, code)
          assert.match(error.message, words)
          assert.ok(error.message.length < 400)
          assert.notEqual(error.advice ?? '', '')
          assert.doesNotMatch(`${error.message} ${error.advice}`, /hunter2|xxxxx/)
          return true
        })
      }
      await destination.close()
    })
  }

  test('with nothing in it at all spoils no other, nor the schedule and the history', async (t) => {
    const place = await mysqlPlace(t, server)
    await (await place.open()).close()
    for (const table of ['backup_accounts', 'backup_history', 'backup_schedule_config']) {
      const columns = await place.query(`SHOW COLUMNS FROM ${table}`)
      const changes = columns
        .filter(({ Field }) => Field !== 'id')
        .map(({ Field, Type }) => `MODIFY ${String(Field)} ${String(Type)} NULL DEFAULT NULL`)
      await place.query(`ALTER TABLE ${table} ${changes.join(', ')}; INSERT INTO ${table} (id) VALUES (NULL)`)
    }
    await place.query('INSERT INTO backup_accounts (is_active) VALUES (1)')
    const state = await withRows(t, [dropbox('well', { is_active: 1, folder_name: 'x' })], place)
    assert.deepEqual(await names(state), ['account #2', 'well'])
    assert.deepEqual(await state.inactiveAccounts(), [{ name: 'account #1', type: 'unknown' }])
    assert.deepEqual(await state.schedule({ enabled: true, every: '12h', verify: 'never' }), {
      enabled: false,
      every: '12h',
      verify: 'never',
    })
    const [old] = await state.history(5)
    assert.deepEqual([old?.status, old?.archive, old?.bytes], ['failed', null, null])
    assert.deepEqual(await state.runTimes(new Date()), { first: null, last: null })
    assert.equal(await state.lastStoredAt(new Date(), null), null)
  })
})
