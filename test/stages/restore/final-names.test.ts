/** When restored files get their own names. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import { seeded } from '../../support/seed.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { settledThreads, threadsEnded } from '../../support/threads.ts'
import { make, place } from '../zip/archive-maker.ts'
import { filesBelow, restore } from './restoring.ts'

const random = seeded('final-names')

/** So many small files; some 1,000 are flushed together. */
async function archiveOf(t: TestContext, count: number) {
  const at = await place(t)
  const bytes = random.bytes(600)
  for (let n = 0; n < count; n += 1) {
    bytes.writeUInt32LE(n)
    await at.put(`${n % 9}/${n}.dcm`, bytes, new Date(1_600_000_000_000 + n))
  }
  await make(at)
  return { archive: await readFile(at.archive), original: await filesBelow(at.root), to: path.join(at.folder, 'to') }
}

/** Puts a program named sync before the system's own until the test has ended. */
async function withSync(t: TestContext, script: string): Promise<string> {
  const folder = await tempFolder(t)
  const log = path.join(folder, 'log')
  await writeFile(path.join(folder, 'sync'), `#!/bin/sh\n${script.replaceAll('$LOG', log)}\n`)
  await chmod(path.join(folder, 'sync'), 0o755)
  usePath(t, `${folder}:${process.env['PATH']}`)
  return log
}

function usePath(t: TestContext, value: string): void {
  const before = process.env['PATH']
  process.env['PATH'] = value
  t.after(() => {
    process.env['PATH'] = before
  })
}

const notLinux = process.platform !== 'linux' && 'only Linux flushes a file system as a whole'

const FILES = 2500

describe('small files', { skip: notLinux }, () => {
  test('have their own names when they were flushed, and not before', async (t) => {
    const { archive, original, to } = await archiveOf(t, FILES)
    // What has its name when a flush begins, and what waits for one.
    const own = 'find dicom_files -name "*.dcm" | wc -l'
    const waiting = 'find dicom_files -name ".*" | wc -l'
    const log = await withSync(t, `echo $(${own}) $(${waiting}) >> $LOG\nPATH=/usr/bin:/bin exec sync "$@"`)
    await restore(archive, to)
    const flushes = (await readFile(log, 'utf8')).trim().split('\n')
    const seen = flushes.map((line) => line.split(' ').map(Number) as [number, number])
    assert.equal(seen[0]?.[0], 0, 'none has its name before the first flush')
    assert.ok(seen.length >= 3, `${seen.length} flushes`)
    for (const [n, [named, unnamed]] of seen.entries()) {
      assert.ok(unnamed > 0 || n === seen.length - 1, flushes.join(', '))
      const next = seen[n + 1]?.[0] ?? FILES
      assert.ok(next >= named && next <= named + unnamed + 1000, flushes.join(', '))
    }
    assert.deepEqual(await filesBelow(path.join(to, 'dicom_files')), original)
  })

  test('are flushed one by one where the file system as a whole cannot be, or there is no program for it', async (t) => {
    const { archive, original, to } = await archiveOf(t, 300)
    const log = await withSync(t, 'echo x >> $LOG\nexit 1')
    await restore(archive, `${to}-1`)
    assert.match(await readFile(log, 'utf8'), /x/)
    assert.deepEqual(await filesBelow(path.join(`${to}-1`, 'dicom_files')), original)
    usePath(t, '/nowhere')
    await restore(archive, `${to}-2`)
    assert.deepEqual(await filesBelow(path.join(`${to}-2`, 'dicom_files')), original)
  })
})

test('the threads of a restore end after it, whether it comes to its end or not', { skip: notLinux }, async (t) => {
  const { archive, to } = await archiveOf(t, FILES)
  const before = await settledThreads()
  // The first flush, of what has been written by then, waits for the stop: more than twice as many files there are.
  const log = await withSync(t, 'touch $LOG\nwhile [ ! -e $LOG.go ]; do sleep 0.01; done')
  const stop = new AbortController()
  const stopping = (async () => {
    while (!existsSync(log)) await sleep(1)
    stop.abort()
    await writeFile(`${log}.go`, '')
  })()
  await assert.rejects(restore(archive, to, { signal: stop.signal }), { code: 'E_ABORTED' })
  await stopping
  await threadsEnded(before)
  const { files, skipped } = await restore(archive, to)
  assert.ok(skipped > 0 && files > 0, `${skipped} and ${files}`)
  assert.equal(files + skipped, FILES + 1)
  await threadsEnded(before)
})
