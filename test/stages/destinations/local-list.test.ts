import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { localError } from '../../../src/stages/destinations/local/errors.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { assertListed, listAll, namesOf } from './listing.ts'
import { rejects } from './reading.ts'

const never = new AbortController().signal
const to = (folder: string): Destination =>
  localDestination({ type: 'local', name: 'hospital-nas', folder, chunkSize: null })

const filled = async (t: TestContext, names: readonly string[]): Promise<string> => {
  const folder = await tempFolder(t)
  for (const name of names) await writeFile(path.join(folder, name), name)
  return folder
}

/** No character of a name on Windows. */
const LINE_BREAK = process.platform === 'win32' ? [] : ['line\nbreak']

test('every file is listed, partial ones and those of others too', async (t) => {
  const names = ['a.zip', 'a.zip.partial', '.hidden', 'Röntgen 1.txt', ...LINE_BREAK, 'empty']
  const folder = await filled(t, names.slice(0, -1))
  await writeFile(path.join(folder, 'empty'), '')
  const listed = await listAll(to(folder))
  assertListed(listed, names)
  for (const { name, digest, ...object } of listed) {
    const stored = await to(folder).stat(name, never)
    assert.deepEqual({ ...object, digest: stored?.digest }, stored)
    assert.equal(digest, null)
  }
})

test('an upload that is under way is listed as its partial file', async (t) => {
  const folder = await tempFolder(t)
  const upload = await to(folder).begin('a.zip', never)
  await upload.append(0, [Buffer.from('half')], never)
  assert.deepEqual(
    (await listAll(to(folder))).map(({ name, bytes }) => [name, bytes]),
    [['a.zip.partial', 4]],
  )
  await upload.abort()
})

test(
  'only files are listed: a link counts as what it leads to',
  { skip: process.platform === 'win32' && 'links need a right there' },
  async (t) => {
    const folder = await filled(t, ['a.zip'])
    await mkdir(path.join(folder, 'b.zip'))
    await symlink('a.zip', path.join(folder, 'to-file.zip'))
    await symlink('b.zip', path.join(folder, 'to-folder.zip'))
    await symlink('nothing', path.join(folder, 'to-nothing.zip'))
    await symlink('round.zip', path.join(folder, 'round.zip'))
    execFileSync('mkfifo', [path.join(folder, 'pipe.zip')])
    assertListed(await listAll(to(folder)), ['a.zip', 'to-file.zip'])
  },
)

test('a folder that is missing, or no folder, is told: its drive may not be connected', async (t) => {
  const folder = await filled(t, ['file'])
  for (const missing of ['nothing', 'file', 'file/below']) {
    const error = await rejects('E_DESTINATION', 'stop', listAll(to(path.join(folder, missing))))
    assert.match(error.message, /does not exist/)
  }
})

test(
  'a folder that may not be listed is told',
  { skip: (process.platform === 'win32' || process.getuid?.() === 0) && 'this user may list every folder' },
  async (t) => {
    const folder = await tempFolder(t)
    await chmod(folder, 0o300)
    t.after(() => chmod(folder, 0o700))
    const error = await rejects('E_AUTH', 'stop', listAll(to(folder)))
    assert.match(error.message, /may not be listed/)
  },
)

test('every refusal of the system to list a folder is told as that, not as a file or a write', () => {
  for (const code of ['EACCES', 'EROFS']) {
    const error = localError(Object.assign(new Error(code), { code }), 'hospital-nas', '/mnt/nas', 'list')
    assert.deepEqual([error.code, error.remedy], ['E_AUTH', 'stop'])
    assert.match(error.message, /^hospital-nas: the folder \/mnt\/nas may not be listed/)
  }
  const passing = localError(Object.assign(new Error('EIO'), { code: 'EIO' }), 'hospital-nas', '/mnt/nas', 'list')
  assert.deepEqual([passing.code, passing.remedy], ['E_DESTINATION', 'retry'])
})

test('files that are removed while the folder is listed are left out, and no other is', async (t) => {
  const names = namesOf(200)
  const folder = await filled(t, names)
  const removed = new Set(names.filter((_, n) => n % 3 === 0))
  const given: string[] = []
  for await (const { name } of to(folder).list(never)) {
    if (given.length === 0) {
      removed.delete(name)
      for (const one of removed) await rm(path.join(folder, one))
    }
    given.push(name)
  }
  assert.deepEqual(
    given.sort(),
    names.filter((name) => !removed.has(name)),
  )
})
