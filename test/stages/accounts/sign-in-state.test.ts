import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { signInStatus, type SignInFacts } from '../../../src/stages/accounts/sign-in-state.ts'
import type { SignIn } from '../../../src/stages/accounts/sign-ins.ts'
import type { DropboxConfig } from '../../../src/stages/destinations/dropbox/settings.ts'
import type { GoogleDriveConfig } from '../../../src/stages/destinations/google-drive/settings.ts'

const NOW = '2026-11-23T12:00:00+01:00'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const dropbox: DropboxConfig = {
  type: 'dropbox',
  name: 'hospital-dropbox',
  chunkSize: null,
  folder: '/X',
  accessToken: null,
  refreshToken: 'refresh',
  appKey: 'key',
  appSecret: null,
}
const oauth = { clientId: 'id', clientSecret: 'secret', refreshToken: 'refresh' }
const drive: GoogleDriveConfig = {
  type: 'google-drive',
  name: 'hospital-drive',
  chunkSize: null,
  folder: 'X',
  oauth,
  credentialsFile: null,
}
const dropboxWith = (changed: Partial<DropboxConfig>): DropboxConfig => ({ ...dropbox, ...changed })
const driveWith = (changed: Partial<GoogleDriveConfig>): GoogleDriveConfig => ({ ...drive, ...changed })
const signIn: SignIn = {
  name: drive.name,
  type: 'google-drive',
  refreshToken: 'refresh',
  clientId: 'id',
  account: 'a@b',
  connectedAt: NOW,
  lapsesAt: null,
  replaces: null,
}
const refused = { code: 'E_AUTH', message: 'refused' } as const

const statusOf = (facts: Partial<SignInFacts>) =>
  signInStatus({
    destination: drive,
    signIn: null,
    lastError: null,
    now: new Date(NOW),
    intervalMs: 6 * HOUR_MS,
    ...facts,
  })

describe('how a sign-in stands', () => {
  test('a folder needs none', () => {
    assert.equal(statusOf({ destination: { type: 'local', name: 'nas', chunkSize: null, folder: '/x' } }), null)
  })

  test('a refresh token, an access token of before 2021 and a key file are well', () => {
    for (const destination of [
      dropbox,
      drive,
      dropboxWith({ refreshToken: null, accessToken: 'of-2019' }),
      driveWith({ oauth: null, credentialsFile: '/key.json' }),
    ])
      assert.deepEqual(statusOf({ destination }), { state: 'ok', lapsesAt: null, advice: '' })
  })

  test('without anything to sign in with there is none, and the advice names the command', () => {
    const one = statusOf({ destination: dropboxWith({ name: 'Haus 1', refreshToken: null }) })
    assert.deepEqual(one, {
      state: 'none',
      lapsesAt: null,
      advice: 'Connect it: dicom-backup accounts connect "Haus 1"',
    })
    assert.equal(statusOf({ destination: driveWith({ oauth: { ...oauth, refreshToken: null } }) })?.state, 'none')
  })

  test('one that ends is about to lapse two days before, or two intervals where those are longer, and then has lapsed', () => {
    const after = (ms: number, intervalMs: number): string | undefined =>
      statusOf({
        signIn: { ...signIn, lapsesAt: new Date(Date.parse(NOW) + 7 * DAY_MS).toISOString() },
        now: new Date(Date.parse(NOW) + ms),
        intervalMs,
      })?.state
    for (const intervalMs of [HOUR_MS, 24 * HOUR_MS]) {
      assert.equal(after(0, intervalMs), 'ok')
      assert.equal(after(5 * DAY_MS, intervalMs), 'ok')
      assert.equal(after(5 * DAY_MS + 1, intervalMs), 'lapsing')
      assert.equal(after(7 * DAY_MS - 1, intervalMs), 'lapsing')
      assert.equal(after(7 * DAY_MS, intervalMs), 'lapsed')
    }
    assert.equal(after(4 * DAY_MS + 1, 36 * HOUR_MS), 'lapsing')
  })

  test('a token of Dropbox that lapses within hours is about to', () => {
    const lapsing = statusOf({ destination: dropboxWith({ refreshToken: null, appKey: null, accessToken: 'sl.u.x' }) })
    assert.equal(lapsing?.state, 'lapsing')
    assert.match(
      lapsing.advice,
      /4 hours.*App key.* does not: dicom-backup accounts connect hospital-dropbox --app-key KEY$/,
    )
  })

  test('one that the last run was refused with has lapsed; other errors say nothing of it', () => {
    assert.deepEqual(statusOf({ lastError: refused }), {
      state: 'lapsed',
      lapsesAt: null,
      advice: 'Connect it again: dicom-backup accounts connect hospital-drive',
    })
    assert.equal(statusOf({ lastError: { code: 'E_QUOTA', message: 'full' } })?.state, 'ok')
    const account = statusOf({
      destination: driveWith({ oauth: null, credentialsFile: '/key.json' }),
      lastError: refused,
    })
    assert.equal(account?.state, 'lapsed')
    assert.doesNotMatch(account.advice, /connect/, 'a service account is not connected')
    assert.match(account.advice, /key still exists.*folder is shared/)
  })

  test('one that cannot be read has lapsed, with its own words', () => {
    const fault = { code: 'E_AUTH', message: 'hospital-drive: it is damaged.', advice: 'Connect it again.' } as const
    const found = statusOf({ destination: driveWith({ fault }) })
    assert.deepEqual([found?.state, found?.advice], ['lapsed', 'hospital-drive: it is damaged. Connect it again.'])
  })
})
