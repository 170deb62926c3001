import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSecrets, redact } from '../../../src/stages/text/redact.ts'

const PASSWORD = 'pä"ss\\w/o+r d&1='
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----\n${'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo='.repeat(2)}\nenDqLast+Line/OfTheKey==\n-----END PRIVATE KEY-----\n`
addSecrets([PASSWORD, PRIVATE_KEY, 'abc', 'four'])

const base64 = (text: string): string => Buffer.from(text).toString('base64')

for (const [form, text] of [
  ['as it is', PASSWORD],
  ['in an address', encodeURIComponent(PASSWORD)],
  ['in an address, in small letters', encodeURIComponent(PASSWORD).replaceAll(/%../g, (hex) => hex.toLowerCase())],
  ['in a form', new URLSearchParams({ p: PASSWORD }).toString().slice(2)],
  ['in JSON', JSON.stringify(PASSWORD).slice(1, -1)],
  ['in JSON within JSON', JSON.stringify(JSON.stringify(PASSWORD)).slice(3, -3)],
  ['in base64', base64(PASSWORD)],
  ['in base64 for addresses', Buffer.from(PASSWORD).toString('base64url')],
] as const) {
  test(`a known secret is taken out ${form}`, () => {
    assert.equal(redact(`before ${text} after ${text}`), 'before [secret] after [secret]')
  })
}

test('a known secret is taken out of a longer base64 text, wherever it starts', () => {
  for (const before of ['', 'u', 'us', 'use:', 'user:']) {
    const text = redact(base64(`${before}${PASSWORD}${before}`))
    assert.match(text, /^[A-Za-z0-9+/]{0,8}\[secret\][A-Za-z0-9+/=]{0,9}$/)
  }
})

test('a private key is taken out whole, line by line and in JSON', () => {
  for (const text of [PRIVATE_KEY, JSON.stringify(PRIVATE_KEY), ...PRIVATE_KEY.split('\n').slice(1, -2)]) {
    assert.doesNotMatch(redact(text), /QUJD|enDq|Last/)
  }
})

test('a value of fewer than 4 characters is left, one of 4 is taken out', () => {
  assert.equal(redact('abc four'), 'abc [secret]')
})

test('half a surrogate pair in a secret is no fault', () => {
  addSecrets(['half\ud800pair'])
  assert.equal(redact('half\ud800pair'), '[secret]')
})

test('secrets are known from the moment they are added', () => {
  assert.equal(redact('hunter2'), 'hunter2')
  addSecrets(['hunter2'])
  assert.equal(redact(`hunter2 ${PASSWORD}`), '[secret] [secret]')
})

test('a sentence about a setting is left, its value is not', () => {
  for (const words of ['is missing', 'found a number', 'cannot be combined', 'uses the variable', 'starts with "&"']) {
    assert.equal(redact(`destinations[0].accessToken: ${words}`), `destinations[0].accessToken: ${words}`)
  }
  for (const value of ['is', 'found', 'isolated value', 'abcdefgh and more'])
    assert.match(redact(`destinations[0].accessToken: ${value}`), /^destinations\[0\]\.accessToken: \[secret\]/)
})

for (const [text, left] of [
  ['Authorization: Bearer AbC-1.2_3/4+5==, next', 'Authorization: Bearer [secret], next'],
  ['authorization: basic dXNlcjpwYXNz', 'authorization: basic [secret]'],
  [
    'PUT /upload?uploadType=resumable&upload_id=AHmT-x_1&z=2',
    'PUT /upload?uploadType=resumable&upload_id=[secret]&z=2',
  ],
  ['refresh_token=1%2F%2F0x&grant_type=refresh_token', 'refresh_token=[secret]&grant_type=refresh_token'],
  ['{"access_token":"x.y","expires_in":1}', '{"access_token":"[secret]","expires_in":1}'],
  ['{\\"session_id\\": \\"pid_1:2\\"}', '{\\"session_id\\": \\"[secret]\\"}'],
  ["clientSecret: 'x'", "clientSecret: '[secret]'"],
  ['mysqldump --user=u --password=x --host=h', 'mysqldump --user=u --password=[secret] --host=h'],
  ['mysql://root:pw@host/db', 'mysql://[secret]@host/db'],
  ['token sl.u.AbCd-Ef_12 refused', 'token [secret] refused'],
  ['token ya29.a0Ab_c-d refused', 'token [secret] refused'],
  ['token 1//0gAbCdEfGhIj refused', 'token [secret] refused'],
  ['GOCSPX-AbC_dEf', '[secret]'],
  ['assertion eyJhbGci.eyJpc3M.c2ln-_ sent', 'assertion [secret] sent'],
] as const) {
  test(`what looks like a secret is taken out: ${text}`, () => {
    assert.equal(redact(text), left)
    assert.equal(redact(left), left)
  })
}

for (const text of [
  "Access denied for user 'backup'@'localhost' (using password: YES)",
  'https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable',
  'C:\\xampp\\mysql\\bin\\mysqldump.exe is not there; see http://127.0.0.1:9000/2/files',
  'dicom_backup_2026-01-02_03-04-05.zip: E_QUOTA, session gone, the refresh token is refused',
  '1.2.840.10008.1.2.4.90 stored 8388608 bytes at 12:00:00+01:00',
]) {
  test(`ordinary words are left: ${text}`, () => {
    assert.equal(redact(text), text)
  })
}
