import assert from 'node:assert/strict'
import test from 'node:test'
import {
  accountsSummary,
  accountTestSummary,
  addressText,
  connectedSummary,
} from '../../../src/cli/display/accounts-summary.ts'
import { visibleWidth } from '../../../src/cli/display/width.ts'
import type { AccountsResult } from '../../../src/stages/contract/results.ts'
import { ascii, bare } from './samples.ts'

process.env.TZ = 'UTC'

const common = { active: true, lastBackupAt: null, lastStatus: null, lastError: null } as const
const result: AccountsResult = {
  accounts: [
    {
      ...common,
      name: 'hospital-dropbox',
      type: 'dropbox',
      folder: '/DICOM_Backups',
      signedInBy: '',
      signIn: { state: 'none', lapsesAt: null, advice: 'Connect it.' },
    },
    {
      ...common,
      name: 'hospital-drive',
      type: 'google-drive',
      folder: 'DICOM_Backups',
      signedInBy: 'connected',
      signIn: { state: 'lapsing', lapsesAt: '2026-03-05T12:00:00+00:00', advice: 'Publish the app.' },
      lastBackupAt: '2026-03-04T12:00:00+00:00',
    },
    { ...common, name: 'nas', type: 'local', folder: '/mnt/nas', signedInBy: '', signIn: null },
  ],
}

test('the accounts, how each is signed in to and what to do, in the width there is', () => {
  const wide = accountsSummary(result, bare(120))
  assert.match(wide, /✘ +hospital-dropbox +dropbox +\/DICOM_Backups +not signed in yet +never\n/)
  assert.match(wide, /hospital-drive +google-drive +DICOM_Backups +connected, expires soon +2026-03-04 12:00\n/)
  assert.match(wide, /✔ +nas +local +\/mnt\/nas +never\n/)
  assert.match(wide, /Sign-ins\n.*hospital-dropbox +not signed in yet\. Connect it\.\n/)
  assert.match(wide, /hospital-drive +expires soon \(2026-03-05 12:00\)\. Publish the app\.\n/)
  for (const line of accountsSummary(result, bare(60)).split('\n')) assert.ok(visibleWidth(line) <= 60, line)
  assert.match(accountsSummary(result, ascii(100)), /^[\x20-\x7e\n]*$/)
})

test('accounts that are well have no steps under them', () => {
  assert.doesNotMatch(accountsSummary({ accounts: result.accounts.slice(2) }, bare(80)), /Sign-ins/)
})

test('a test of the accounts says of each who is signed in and what fits, or why not', () => {
  const well = { type: 'dropbox', ok: true, account: 'a@b.example', error: null }
  const bad = { code: 'E_AUTH', message: 'd: Dropbox no longer accepts the sign-in.' } as const
  const shown = accountTestSummary(
    [
      { ...well, name: 'a', freeBytes: 5 * 1024 ** 3 },
      { ...well, name: 'b', freeBytes: null },
      { ...well, name: 'd', ok: false, account: null, freeBytes: null, error: bad },
    ],
    bare(80),
  )
  assert.match(shown, /✔ +a +a@b\.example, 5(?:\.0+)? GiB free\n/)
  assert.match(shown, /✔ +b +a@b\.example, no limit on space\n/)
  assert.match(shown, /✘ +d +Dropbox no longer accepts the sign-in\. \(E_AUTH\)\n.*1 of 3 cannot be used/is)
})

test('the address stands whole and alone on its line, however narrow the terminal', () => {
  const address = `https://accounts.google.com/o/oauth2/v2/auth?${'x'.repeat(300)}`
  for (const [pasted, says] of [
    ['code', /paste the code from that page/],
    ['address', /Paste that whole address here/],
    [null, /then continues by itself.*--no-browser/],
  ] as const) {
    const shown = addressText({ title: 'Google', address, pasted }, bare(40))
    assert.ok(shown.split('\n').includes(address))
    assert.match(shown.replaceAll('\n', ' '), says)
  }
})

test('a sign-in that was made says whose it is, and when it ends if it does', () => {
  assert.equal(
    connectedSummary({ name: 'd', type: 'dropbox', account: 'a@b', lapsesAt: null }, bare(80)),
    '✔ d is connected: a@b\n\nNext\n  "dicom-backup doctor" checks that a backup can be stored there.\n',
  )
  const ends = connectedSummary(
    { name: 'd', type: 'google-drive', account: 'a@b', lapsesAt: '2026-03-11T12:00:00+00:00' },
    bare(80),
  )
  assert.match(
    ends.replaceAll(/\n */g, ' '),
    /This sign-in expires at 2026-03-11 12:00, .* in testing\. Publish the app .*connect again/,
  )
})
