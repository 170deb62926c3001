/** Files, space and rate limits of Google Drive: items 43–46 of the conformance list, and downloads. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { driveAnswers } from '../../../src/stages/stand-ins/index.ts'
import { bytes, drive, md5, UNIT } from './support.ts'

const FOLDER = 'application/vnd.google-apps.folder'

test('43: a full account is told when an upload begins and when it ends', async (t) => {
  const { file, begin, session, put, query, standIn } = await drive(t, { quotaBytes: 10 })
  await file({ name: 'a' }, bytes(4))
  const declared = await begin({ name: 'b' }, '', { headers: { 'x-upload-content-length': 7 } })
  assert.equal(declared.status, 403)
  assert.equal(declared.at('error/errors/0/reason'), 'storageQuotaExceeded')
  assert.equal(declared.at('error/message'), "The user's Drive storage quota has been exceeded.")
  const address = await session({ name: 'b' })
  assert.equal((await put(address, 0, bytes(7), 7)).at('error/errors/0/reason'), 'storageQuotaExceeded')
  assert.equal((await query(address)).status, 404, 'the session is over')
  standIn.quotaBytes = 4
  assert.equal((await begin({ name: 'b' })).status, 403)
  standIn.quotaBytes = null
  assert.equal((await begin({ name: 'b' })).status, 200)
})

test('43: a full account may also be told in the middle', async (t) => {
  const { session, put } = await drive(t, { quotaBytes: UNIT, quotaChecks: ['chunk'] })
  const address = await session()
  assert.equal((await put(address, 0, bytes(UNIT))).status, 308)
  assert.equal((await put(address, UNIT, bytes(UNIT))).at('error/errors/0/reason'), 'storageQuotaExceeded')
})

test('43: rate limits in all their forms leave the session alive', async (t) => {
  const { session, put, query, standIn } = await drive(t)
  const address = await session()
  const cases = [
    [driveAnswers.rateLimited('403 user'), 403, 'userRateLimitExceeded', 'User Rate Limit Exceeded', undefined],
    [driveAnswers.rateLimited('403', 3), 403, 'rateLimitExceeded', 'Rate Limit Exceeded', '3'],
    [driveAnswers.rateLimited('429'), 429, 'rateLimitExceeded', 'Rate Limit Exceeded', undefined],
    [driveAnswers.rateLimited('daily'), 403, 'userRateLimitExceeded', 'User rate limit exceeded.', undefined],
  ] as const
  for (const [answer, status, reason, message, retryAfter] of cases) {
    standIn.faults.add({ route: 'chunk', fault: { kind: 'answer', answer } })
    const reply = await put(address, 0, bytes(UNIT))
    assert.equal(reply.status, status)
    assert.deepEqual(reply.at('error'), {
      errors: [{ domain: 'usageLimits', reason, message }],
      code: status,
      message,
    })
    assert.equal(reply.headers['retry-after'], retryAfter)
    assert.equal((await query(address)).headers.range, undefined)
  }
  assert.equal((await put(address, 0, bytes(UNIT))).status, 308)
  assert.deepEqual(standIn.faults.unused(), [])
})

test('44: two files may have one name; one id makes one file', async (t) => {
  const { api, file, begin, session, put, standIn } = await drive(t)
  await file({ name: 'x.zip' }, bytes(1))
  await file({ name: 'x.zip' }, bytes(1))
  assert.equal(standIn.objects().filter((object) => object.path === 'x.zip').length, 2)
  const ids = (await api('GET', '/drive/v3/files/generateIds?count=2')).at('ids') as string[]
  assert.equal(new Set(ids).size, 2)
  const metadata = { name: 'y.zip', id: ids[0] }
  const late = await session(metadata)
  assert.equal((await file(metadata, bytes(1))).at('id'), ids[0])
  const again = await begin(metadata)
  assert.deepEqual([again.status, again.at('error/code')], [409, 409])
  assert.equal((await put(late, 0, bytes(1), 1)).status, 409)
  assert.equal((await api('POST', '/drive/v3/files', metadata)).status, 409)
})

test('45: files.list understands the queries of the guide', async (t) => {
  const { api, file, list } = await drive(t)
  const folder = (await api('POST', '/drive/v3/files', { name: "O'Brien's \\ scans", mimeType: FOLDER })).at(
    'id',
  ) as string
  await file({ name: 'dicom_backup_1.zip', parents: [folder], appProperties: { tool: 'dicom-backup' } }, bytes(1))
  const loose = (await file({ name: 'loose.zip' }, bytes(1))).at('id') as string
  await api('PATCH', `/drive/v3/files/${loose}`, { trashed: true })
  const names = async (q: string) => ((await list(q)).at('files') as { name: string }[]).map((one) => one.name)
  assert.deepEqual(
    await names(
      `name = 'O\\'Brien\\'s \\\\ scans' and mimeType = '${FOLDER}' and 'root' in parents and trashed = false`,
    ),
    ["O'Brien's \\ scans"],
  )
  assert.deepEqual(await names(`'${folder}' in parents`), ['dicom_backup_1.zip'])
  assert.deepEqual(await names('trashed = true'), ['loose.zip'])
  assert.deepEqual(await names(`mimeType != '${FOLDER}' and not trashed = true`), ['dicom_backup_1.zip'])
  assert.deepEqual(await names("name = 'loose.zip' or (name = 'dicom_backup_1.zip' and trashed = false)"), [
    'dicom_backup_1.zip',
    'loose.zip',
  ])
  assert.deepEqual(await names("appProperties has { key='tool' and value='dicom-backup' }"), ['dicom_backup_1.zip'])
  assert.deepEqual(await names("name contains 'dicom_'"), ['dicom_backup_1.zip'])
  assert.deepEqual(await names("name contains 'icom'"), [])
  assert.deepEqual(await names("createdTime > '2999-01-01T00:00:00'"), [])
  for (const q of [
    "name = 'a",
    'name',
    "name = 'a' and",
    "color = 'red'",
    "name > 'a'",
    "trashed = 'true'",
    "name = 'a' ;",
  ]) {
    const reply = await list(q)
    assert.deepEqual([reply.status, reply.at('error/errors/0/location')], [400, 'q'], q)
  }
})

test('45: with drive.file only own files show; with drive all do', async (t) => {
  for (const [scope, visible] of [
    ['drive.file', false],
    ['drive', true],
  ] as const) {
    const { standIn, list, api, begin } = await drive(t, { scope })
    const foreign = standIn.addForeignFolder('DICOM_Backups')
    assert.equal(((await list("name = 'DICOM_Backups'")).at('files') as unknown[]).length, visible ? 1 : 0)
    assert.equal((await api('GET', `/drive/v3/files/${foreign}`)).status, visible ? 200 : 404)
    assert.equal((await begin({ name: 'x', parents: [foreign] })).status, visible ? 200 : 404)
  }
})

test('45: pages may hold fewer files than asked for, or none, and still name a next one', async (t) => {
  const { file, list } = await drive(t)
  for (let n = 0; n < 5; n++) await file({ name: n === 4 ? 'wanted' : 'other' }, bytes(1))
  const sizes: number[] = []
  let token = ''
  do {
    const reply = await list("name = 'wanted'", `&pageSize=2${token}`)
    sizes.push((reply.at('files') as unknown[]).length)
    const next = reply.at('nextPageToken') as string | undefined
    token = next === undefined ? '' : `&pageToken=${next}`
  } while (token !== '')
  assert.deepEqual(sizes, [0, 0, 1])
})

test('45: a page goes on behind the last file of the one before, whatever was removed, in every order', async (t) => {
  for (const order of ['', '&orderBy=name', '&orderBy=name%20desc']) {
    const { api, file, list } = await drive(t, { pageEntries: 2 })
    for (const name of ['b', 'e', 'a', 'd', 'c', 'b']) await file({ name }, bytes(1))
    const names: string[] = []
    let token = ''
    do {
      const reply = await list('trashed = false', `&pageSize=1000${order}${token}`)
      for (const { id, name } of reply.at('files') as { id: string; name: string }[]) {
        names.push(name)
        assert.equal((await api('DELETE', `/drive/v3/files/${id}`)).status, 204)
      }
      const next = reply.at('nextPageToken') as string | undefined
      token = next === undefined ? '' : `&pageToken=${next}`
    } while (token !== '')
    const sorted = ['a', 'b', 'b', 'c', 'd', 'e']
    const expected =
      order === '' ? ['b', 'e', 'a', 'd', 'c', 'b'] : order.includes('desc') ? sorted.toReversed() : sorted
    assert.deepEqual(names, expected)
    assert.equal((await list('trashed = false', '&pageToken=nonsense')).at('error/errors/0/reason'), 'invalid')
  }
})

test('45: lists are ordered as asked', async (t) => {
  const { file, list } = await drive(t)
  for (const name of ['b', 'c', 'a']) await file({ name }, bytes(1))
  const names = async (order: string) =>
    ((await list('trashed = false', `&orderBy=${order}`)).at('files') as { name: string }[]).map((one) => one.name)
  assert.deepEqual(await names('name'), ['a', 'b', 'c'])
  assert.deepEqual(await names(encodeURIComponent('name desc')), ['c', 'b', 'a'])
  assert.equal((await list('trashed = false', '&orderBy=color')).status, 400)
})

test('45: the trash keeps using space; what is deleted is gone, with what it held', async (t) => {
  const { api, file } = await drive(t)
  const usage = async () => (await api('GET', '/drive/v3/about?fields=storageQuota')).at('storageQuota')
  const folder = (await api('POST', '/drive/v3/files', { name: 'f', mimeType: FOLDER })).at('id') as string
  const id = (await file({ name: 'a', parents: [folder] }, bytes(7))).at('id') as string
  await api('PATCH', `/drive/v3/files/${id}`, { trashed: true })
  assert.deepEqual(await usage(), { usage: '7', usageInDrive: '7', usageInDriveTrash: '7' })
  const gone = await api('DELETE', `/drive/v3/files/${folder}`)
  assert.deepEqual([gone.status, gone.text], [204, ''])
  for (const one of [folder, id]) {
    const again = await api('DELETE', `/drive/v3/files/${one}`)
    assert.deepEqual([again.status, again.at('error/errors/0/reason')], [404, 'notFound'])
    assert.equal(again.at('error/message'), `File not found: ${one}.`)
  }
  assert.deepEqual(await usage(), { usage: '0', usageInDrive: '0', usageInDriveTrash: '0' })
})

test('46: about wants fields, and tells space as strings, without a limit where there is none', async (t) => {
  const { api, standIn, file } = await drive(t, { quotaBytes: 1000 })
  await file({ name: 'a' }, bytes(4))
  const about = (fields: string) => api('GET', `/drive/v3/about${fields}`)
  const bare = await about('')
  assert.deepEqual([bare.status, bare.at('error/errors/0/reason')], [400, 'required'])
  assert.deepEqual((await about('?fields=storageQuota(limit,usage),user/emailAddress')).json, {
    storageQuota: { limit: '1000', usage: '4' },
    user: { emailAddress: 'backup@hospital.example' },
  })
  standIn.quotaBytes = null
  assert.equal((await about('?fields=*')).at('storageQuota/limit'), undefined)
})

test('fields pick what is named, at every depth', async (t) => {
  const { api, file } = await drive(t)
  const content = bytes(9)
  const id = (await file({ name: 'a', appProperties: { x: '1' } }, content, '')).at('id') as string
  const get = async (fields: string) => (await api('GET', `/drive/v3/files/${id}?fields=${fields}`)).json
  assert.deepEqual(await get('name,size'), { name: 'a', size: '9' })
  assert.deepEqual(await get('appProperties'), { appProperties: { x: '1' } })
  assert.deepEqual(await get('md5Checksum'), { md5Checksum: md5(content) })
  // Digests that the upload did not ask for are there when they are asked for later.
  assert.deepEqual(Object.keys((await get('sha1Checksum,sha256Checksum')) as object), [
    'sha1Checksum',
    'sha256Checksum',
  ])
  assert.equal(
    ((await api('GET', `/drive/v3/files/${id}?fields=)`)).json as { error: { code: number } }).error.code,
    400,
  )
})

test('a file is downloaded whole or in part; a folder is not', async (t) => {
  const { api, file } = await drive(t)
  const content = bytes(100_000)
  const id = (await file({ name: 'a' }, content)).at('id') as string
  const path = `/drive/v3/files/${id}?alt=media`
  assert.deepEqual(Buffer.from((await api('GET', path)).text, 'latin1'), content)
  const part = await api('GET', path, null, { headers: { range: 'bytes=5-9' } })
  assert.deepEqual([part.status, part.headers['content-range']], [206, 'bytes 5-9/100000'])
  assert.deepEqual(Buffer.from(part.text, 'latin1'), content.subarray(5, 10))
  assert.equal((await api('GET', '/drive/v3/files/root?alt=media')).at('error/errors/0/reason'), 'fileNotDownloadable')
})
