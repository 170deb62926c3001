/** The services' own client libraries work against the stand-ins. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { drive as googleDrive } from '@googleapis/drive'
import { Dropbox, DropboxResponseError } from 'dropbox'
import { JWT, OAuth2Client } from 'google-auth-library'
import { bytes, contentHash, drive, dropbox, md5, UNIT } from './support.ts'

/**
 * The Dropbox library builds https addresses of its own: they are sent to the stand-in, with the host they were meant
 * for.
 */
function toStandIn(origin: string): typeof fetch {
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const headers = new Headers(init?.headers)
    headers.set('x-forwarded-host', url.host)
    return fetch(`${origin}${url.pathname}${url.search}`, { ...init, headers })
  }
}

test('the dropbox package uploads a session, lists, reads space, downloads and deletes', async (t) => {
  const { standIn } = await dropbox(t, { refreshTokens: ['good'] })
  const client = new Dropbox({ refreshToken: 'good', clientId: 'app-key', fetch: toStandIn(standIn.origin) })
  const content = bytes(5 * 1024 * 1024)
  const { result } = await client.filesUploadSessionStart({ close: false, contents: content.subarray(0, 1000) })
  const cursor = (offset: number) => ({ session_id: result.session_id, offset })
  await client.filesUploadSessionAppendV2({ cursor: cursor(1000), contents: content.subarray(1000, 4_000_000) })
  await assert.rejects(
    client.filesUploadSessionAppendV2({ cursor: cursor(1000), contents: content.subarray(1000, 2000) }),
    (error) => {
      assert.ok(error instanceof DropboxResponseError)
      assert.equal(error.status, 409)
      const { error: union } = error.error as { error: object }
      assert.deepEqual(union, { '.tag': 'incorrect_offset', correct_offset: 4_000_000 })
      return true
    },
  )
  const commit = {
    path: '/B\u00e4ck\u007fup \u{1f600}/\u00e9.zip',
    mode: { '.tag': 'add' },
    autorename: true,
    mute: true,
  } as const
  const done = await client.filesUploadSessionFinish({
    cursor: cursor(4_000_000),
    commit,
    contents: content.subarray(4_000_000),
  })
  assert.equal(done.result.content_hash, contentHash(content))
  assert.equal(done.result.path_display, commit.path)
  const list = await client.filesListFolder({ path: '', recursive: true })
  assert.deepEqual(
    list.result.entries.map((entry) => entry['.tag']),
    ['folder', 'file'],
  )
  assert.equal((await client.usersGetSpaceUsage()).result.used, content.length)
  const downloaded = await client.filesDownload({ path: commit.path })
  assert.equal(downloaded.result.size, content.length)
  await client.filesDeleteV2({ path: commit.path })
  assert.deepEqual(standIn.objects(), [])
  assert.equal(standIn.requests.count('token'), 1)
})

test('@googleapis/drive signs in, makes a folder, lists, reads about and downloads; uploads go by plain requests', async (t) => {
  const { standIn } = await drive(t, { refreshTokens: ['good'] })
  const auth = new OAuth2Client({
    clientId: 'client-id',
    clientSecret: 'client-secret',
    endpoints: { oauth2TokenUrl: `${standIn.origin}/token` },
  })
  auth.setCredentials({ refresh_token: 'good' })
  const api = googleDrive({ version: 'v3', auth, rootUrl: `${standIn.origin}/` })
  const folder = await api.files.create({
    requestBody: { name: 'DICOM_Backups', mimeType: 'application/vnd.google-apps.folder' },
    fields: 'id',
  })
  const [id] = (await api.files.generateIds({ count: 1 })).data.ids ?? []
  const content = bytes(UNIT + 5)
  const begun = await auth.request({
    url: `${standIn.origin}/upload/drive/v3/files?uploadType=resumable&fields=id,size,md5Checksum`,
    method: 'POST',
    data: { id, name: "d'1.zip", parents: [folder.data.id] },
  })
  const address = begun.headers.get('location') ?? ''
  const put = (start: number, body: Buffer, total: number | '*') =>
    auth.request<{ id: string; size: string; md5Checksum: string }>({
      url: address,
      method: 'PUT',
      headers: { 'content-range': `bytes ${start}-${start + body.length - 1}/${total}` },
      data: body,
      validateStatus: () => true,
      redirect: 'manual',
    })
  assert.equal((await put(0, content.subarray(0, UNIT), '*')).headers.get('range'), `bytes=0-${UNIT - 1}`)
  const done = await put(UNIT, content.subarray(UNIT), content.length)
  assert.deepEqual(done.data, { id, size: String(content.length), md5Checksum: md5(content) })
  const list = await api.files.list({
    q: `name = 'd\\'1.zip' and '${folder.data.id ?? ''}' in parents`,
    fields: 'files(id,size)',
  })
  assert.deepEqual(list.data.files, [{ id, size: String(content.length) }])
  assert.equal((await api.about.get({ fields: 'storageQuota' })).data.storageQuota?.usage, String(content.length))
  const stream = await api.files.get({ fileId: id ?? '', alt: 'media' }, { responseType: 'stream' })
  const parts: Buffer[] = []
  for await (const part of Readable.from(stream.data)) parts.push(part as Buffer)
  assert.deepEqual(Buffer.concat(parts), content)
  await api.files.delete({ fileId: id ?? '' })
  assert.deepEqual(standIn.objects(), [])
  assert.equal(standIn.requests.count('token'), 1)
})

test("google-auth-library's service account signs in", async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const email = 'robot@project.iam.example'
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  const { standIn } = await drive(t, { serviceAccounts: [{ email, publicKey: pem }] })
  const auth = new JWT({
    email,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    scopes: ['https://www.googleapis.com/auth/drive.file'],
  })
  // Its token address is a constant: the request is turned to the stand-in on its way.
  auth.transporter.interceptors.request.add({
    resolved(config) {
      const url = new URL(config.url)
      if (url.host === 'oauth2.googleapis.com') config.url = new URL(`${standIn.origin}${url.pathname}`)
      return Promise.resolve(config)
    },
  })
  const about = await googleDrive({ version: 'v3', auth, rootUrl: `${standIn.origin}/` }).about.get({ fields: 'user' })
  assert.equal(about.data.user?.emailAddress, email)
})
