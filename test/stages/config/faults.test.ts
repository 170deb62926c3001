import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { failure, testFolder, write } from './configured.ts'
import { both, rows } from './fault-rows.ts'

const folder = testFolder()
write(folder, 'empty.txt', '')
write(folder, 'two-lines.txt', 'one\ntwo\n')
write(folder, 'ansi.txt', Buffer.from('pass\xf6', 'latin1'))
write(folder, 'user.json', '{ "type": "authorized_user", "refresh_token": "hunter2" }')
write(folder, 'no-key.json', '{ "type": "service_account", "client_email": "a@b" }')
write(folder, 'not.json', 'hunter2')

write(folder, 'ok.txt', 'ok')
write(folder, 'ok.pem', '-----BEGIN CERTIFICATE-----\n')
write(folder, 'ok.json', '{ "type": "service_account", "client_email": "a@b", "private_key": "k" }')
const env = { WORD: 'hunter2', EMPTY: '', TRUE: 'true' }

for (const [yaml, key, [line, starts], message] of rows) {
  test(`told at ${key === '' ? 'the file' : key}: ${yaml.trim().split('\n').at(-1) ?? ''}`, () => {
    const error = failure(folder, yaml, env)
    const [fault] = error.faults
    assert.ok(fault !== undefined)
    assert.equal(error.faults.length, 1, inspect(error.faults))
    assert.deepEqual([fault.key, fault.line], [key, line])
    assert.equal((yaml.split('\n')[line - 1] ?? '').slice(fault.column - 1).slice(0, starts.length), starts)
    assert.match(fault.message, message)
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /hunter2/)
  })
}

test('all faults are told at once, in the order of the file, and counted with its name', () => {
  const error = failure(
    folder,
    `database:
  usr: x
  port: abc
  password: 5
  passwordFile: gone.txt
dicom:
  root: [x]
destinations:
  - name: one
    type: dropbox
    accessToken: \${GONE}
    refreshToken: tok
    chunkSize: 5MiB
  - type: s3
  - name: ONE
    type: google-drive
    credentialsFile: gone.json
    shape: round
schedule:
  every: 5h
retention: { days: x }
state: { driver: mongo }
`,
  )
  assert.ok(error instanceof BackupError)
  assert.equal(error.code, 'E_CONFIG')
  assert.deepEqual(
    error.faults.map(({ line, key }) => `${line} ${key}`),
    [
      '1 database.user',
      '1 database.name',
      '2 database.usr',
      '3 database.port',
      '4 database.password',
      '5 database.passwordFile',
      '7 dicom.root',
      '11 destinations[0].accessToken',
      '12 destinations[0].refreshToken',
      '13 destinations[0].chunkSize',
      '14 destinations[1].name',
      '14 destinations[1].type',
      '15 destinations[2].name',
      '17 destinations[2].credentialsFile',
      '18 destinations[2].shape',
      '20 schedule.every',
      '21 retention.days',
      '22 state.driver',
    ],
  )
  assert.equal(error.message, `18 faults in ${path.join(folder, 'dicom-backup.yaml')}`)
  assert.equal(error.file, path.join(folder, 'dicom-backup.yaml'))
})

test('every broken line of YAML is told, without the faults that only follow from the first', () => {
  const { faults } = failure(folder, 'a: "\\x"\nb: "\\y"\nc: [ {] }\nd: } x\n')
  assert.deepEqual(
    faults.map(({ line }) => line),
    [1, 2, 3],
  )
})

test('a token that was pasted in the wrong place is not shown', () => {
  const { faults } = failure(folder, both('log: { level: sl.u.AbCdEfGh1234 }'))
  assert.match(faults[0]?.message ?? '', /found the text "\[secret\]"/)
})
