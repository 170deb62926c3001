/** A folder after a kill or a power cut at any step: what was interrupted goes on, and what is not ours stays. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Commit, Destination } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const never = new AbortController().signal
const OBJECT = 'dicom_backup_2026-11-23_12-00-00.zip'
const data = randomBytes(5000)

const local = (folder: string): Destination => localDestination({ type: 'local', name: 'nas', folder, chunkSize: null })

function commitOf(bytes: Buffer, offset: number): Commit {
  const digest = new ObjectDigest()
  digest.update(bytes)
  return { offset, tail: [bytes.subarray(offset)], bytes: bytes.length, digests: digest.digests() }
}

/** A folder with an upload that was interrupted when `held` bytes were on the disk. */
async function interrupted(t: TestContext, held: number) {
  const folder = await tempFolder(t)
  const upload = await local(folder).begin(OBJECT, never)
  await upload.append(0, [data.subarray(0, held)], never)
  const final = path.join(folder, OBJECT)
  return { folder, token: upload.token, final, partial: `${final}.partial`, first: upload }
}

test('what came after the acknowledged bytes is dropped, whatever the disk holds there', async (t) => {
  for (const acknowledged of [0, 1, 2999, 3000, 3001, 9000]) {
    const { folder, token, final, partial } = await interrupted(t, 3000)
    const known = Math.min(acknowledged, 3000)
    await writeFile(partial, Buffer.concat([data.subarray(0, known), Buffer.alloc(3000 - known)]))
    const { upload: upload } = await local(folder).resume(token, acknowledged, never)
    assert.equal(await upload.held(never), known)
    await upload.commit(commitOf(data, known), never)
    assert.deepEqual(await readFile(final), data)
    assert.deepEqual(await readdir(folder), [OBJECT])
  }
})

test('a kill after the last byte was written, and before the rename, costs what was not acknowledged', async (t) => {
  for (const acknowledged of [3000, 5000]) {
    const { folder, token, final, partial } = await interrupted(t, 3000)
    await writeFile(partial, data)
    const { upload: upload } = await local(folder).resume(token, acknowledged, never)
    assert.equal(await upload.held(never), acknowledged)
    await upload.commit(commitOf(data, acknowledged), never)
    assert.deepEqual(await readFile(final), data)
  }
})

test('a kill between the rename and the record of it: the file proves itself by being read', async (t) => {
  const { folder, token, final, partial } = await interrupted(t, 3000)
  await writeFile(partial, data)
  await rename(partial, final)
  const destination = local(folder)
  const { upload: upload } = await destination.resume(token, 3000, never)
  assert.equal(await upload.held(never), 5000)
  assert.deepEqual(await upload.commit(commitOf(data, 5000), never), await destination.stat(OBJECT, never))
  await upload.abort()
  assert.deepEqual(await readFile(final), data)
})

test('a file with the final name that is not this upload is neither believed nor touched', async (t) => {
  for (const foreign of [randomBytes(5000), randomBytes(4999), Buffer.alloc(0)]) {
    const { folder, token, final, partial } = await interrupted(t, 3000)
    await rm(partial)
    await writeFile(final, foreign)
    const { upload: upload } = await local(folder).resume(token, 3000, never)
    assert.equal(await upload.held(never), foreign.length)
    const commit = { ...commitOf(data, 0), offset: foreign.length, tail: [] }
    const refused = { code: 'E_DESTINATION', remedy: 'stop', message: /exists already/ }
    await assert.rejects(upload.commit(commit, never), refused)
    await upload.abort()
    assert.deepEqual(await readFile(final), foreign)
  }
})

test('a file with the final name beside the partial one stays, and ends the upload', async (t) => {
  const { folder, token, final } = await interrupted(t, 3000)
  await writeFile(final, 'of somebody else')
  const { upload: upload } = await local(folder).resume(token, 3000, never)
  assert.equal(await upload.held(never), 3000)
  await assert.rejects(upload.commit(commitOf(data, 3000), never), { code: 'E_DESTINATION', message: /exists already/ })
  await upload.abort()
  assert.deepEqual(await readdir(folder), [OBJECT])
  assert.equal(await readFile(final, 'utf8'), 'of somebody else')
})

test('giving up an upload that was taken up removes its partial file', async (t) => {
  const { folder, token } = await interrupted(t, 3000)
  const { upload: upload } = await local(folder).resume(token, 3000, never)
  await upload.abort()
  assert.deepEqual(await readdir(folder), [])
  await assert.rejects(local(folder).resume(token, 3000, never), { code: 'E_SESSION', remedy: 'restart' })
})

test('a damaged partial file is found at the end, and goes', async (t) => {
  const { folder, token, partial } = await interrupted(t, 3000)
  await writeFile(partial, Buffer.concat([Buffer.of(data[0]! ^ 1), data.subarray(1, 3000)]))
  const { upload: upload } = await local(folder).resume(token, 3000, never)
  await assert.rejects(upload.commit(commitOf(data, 3000), never), { code: 'E_INTEGRITY' })
  await upload.abort()
  assert.deepEqual(await readdir(folder), [])
})

test('a token of another folder, or of no upload, opens nothing', async (t) => {
  const { folder, token, final } = await interrupted(t, 3000)
  const elsewhere = await tempFolder(t)
  await mkdir(path.join(folder, 'deeper'))
  await writeFile(final, data)
  for (const [destination, given] of [
    [local(elsewhere), token],
    [local(path.join(folder, 'deeper')), token],
    [local(folder), final],
    [local(folder), path.join(folder, 'deeper', '..', '..', path.basename(elsewhere), `${OBJECT}.partial`)],
    [local(folder), ''],
  ] as const) {
    await assert.rejects(destination.resume(given, 3000, never), { code: 'E_SESSION', remedy: 'restart' })
  }
  await (await local(folder).resume(token, 3000, never)).upload.abort()
  await (await local(`${folder}/`).begin('b.zip', never)).abort()
})

test('a drive that is not connected has lost no upload', async (t) => {
  const { folder, token } = await interrupted(t, 3000)
  await rename(folder, `${folder}-away`)
  await assert.rejects(local(folder).resume(token, 3000, never), { code: 'E_DESTINATION', message: /does not exist/ })
  await rename(`${folder}-away`, folder)
  assert.equal(await (await local(folder).resume(token, 3000, never)).upload.held(never), 3000)
})

test('reading closes the file, however it ends', { skip: process.platform !== 'linux' && 'needs /proc' }, async (t) => {
  const folder = await tempFolder(t)
  const destination = local(folder)
  const stored = await (await destination.begin(OBJECT, never)).commit(commitOf(data, 0), never)
  const openFiles = (): number => readdirSync('/proc/self/fd').length
  const before = openFiles()
  for await (const _ of destination.read(stored, { from: 0, to: 5000 }, never));
  for await (const _ of destination.read(stored, { from: 0, to: 5000 }, never)) break
  const reading = destination.read(stored, { from: 0, to: 5000 }, never)
  await reading.next()
  await reading.return(undefined)
  const failing = (async () => {
    for await (const _ of destination.read(stored, { from: 0, to: 6000 }, never));
  })()
  await assert.rejects(failing, { code: 'E_DESTINATION', remedy: 'stop' })
  assert.equal(openFiles(), before)
})
