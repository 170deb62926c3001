/**
 * A target folder whose file system says no, at any call and with any code: a file is named with a reason, or the
 * restore ends with an error for people; what has its own name is right, and the next restore completes it.
 */
import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { asBackupError } from '../../../src/pipeline/contract/errors.ts'
import { stillOpen } from '../../support/fault-files.ts'
import { arm, type Failure, type FaultPlan } from '../../support/fault-script.ts'
import { armThreads } from '../../support/fault-threads.ts'
import { seeded } from '../../support/seed.ts'
import { settledThreads } from '../../support/threads.ts'
import { make, place } from '../zip/archive-maker.ts'
import { filesBelow, restore } from './restoring.ts'

const random = seeded('faulty-target')
const CODES = [
  'ENOTSUP',
  'EINVAL',
  'EIO',
  'EROFS',
  'ENAMETOOLONG',
  'EILSEQ',
  'ENOSPC',
  'EDQUOT',
  'ESTALE',
  'EACCES',
] as const
/** Each turn of the test tries other calls with other codes: all of them take minutes. */
const STEP = 14
const FIRST = 1 + Math.floor(Math.random() * STEP)
const codeAt = (n: number): Failure => CODES[(FIRST * 3 + n) % CODES.length] ?? 'EIO'
/** Far more than such a restore has. */
const MOST_CALLS = 400

const NO_FAULT: FaultPlan = { folders: [], nth: 0, kind: 'none' }

/** A large file, small ones in two folders, an empty one. */
async function target(t: TestContext) {
  const at = await place(t)
  const time = new Date(1_600_000_000_000)
  await at.put('large.bin', random.bytes(4400 * 1024), time)
  await at.put('a/1.dcm', random.bytes(500), time)
  await at.put('a/2.dcm', Buffer.alloc(5000), time)
  await at.put('b/empty.dcm', Buffer.alloc(0), time)
  await make(at)
  const archive = await readFile(at.archive)
  const to = path.join(at.folder, 'to')
  await restore(archive, to)
  const original = await filesBelow(to)
  await rm(to, { recursive: true })
  return { archive, original, to }
}

type Target = Awaited<ReturnType<typeof target>>

/** A restore with the fault that is armed; what it says: '' when there is nothing to say. */
async function faulty({ archive, original, to }: Target, what: string, signal?: AbortSignal): Promise<string> {
  let said = ''
  try {
    const { damagedFiles, damaged, files, skipped } = await restore(archive, to, signal === undefined ? {} : { signal })
    assert.equal(files + skipped + damagedFiles, original.size, `${what}: each file is restored or named`)
    said = damaged.map(({ reason }) => reason).join()
  } catch (error) {
    const { code, message, advice } = asBackupError(error)
    said = `${code}: ${message} ${advice}`
    const known = signal?.aborted === true ? ['E_ABORTED'] : ['E_CONFIG', 'E_QUOTA']
    assert.ok(known.includes(code), `${what}: ${said}`)
  }
  armThreads(null)
  assert.deepEqual(stillOpen(), [], `${what}: no file stays open`)
  assert.ok(!said.includes('dicom_files') && !said.includes('-part'), `${what}: no path below the target: ${said}`)
  for (const [name, found] of await filesBelow(to).catch(() => new Map<string, { readonly sha256: string }>())) {
    if (!path.basename(name).startsWith('.dicom-backup') && !name.endsWith('-part'))
      assert.equal(found.sha256, original.get(name)?.sha256, `${what}: ${name}`)
  }
  return said
}

/** Without a fault the same call completes it, and nothing else is there. */
async function mustBeCompleted({ archive, original, to }: Target, what: string): Promise<void> {
  // A marker that was not to be read or written leaves a folder that has files of nobody's.
  await restore(archive, to, { overwrite: true })
  const found = await filesBelow(to)
  for (const name of found.keys()) if (name.endsWith('-part')) found.delete(name)
  assert.deepEqual(found, original, what)
  await rm(to, { recursive: true })
}

test('whichever call fails, it is said, and the next restore completes it', async (t) => {
  const restored = await target(t)
  let tried = 0
  for (let nth = FIRST, isHit = true; isHit; nth += STEP) {
    assert.ok(nth < MOST_CALLS, 'a restore needs no fault at some time')
    const what = `${codeAt((tried += 1))} at call ${nth}`
    const report = arm({ folders: [restored.to], nth, kind: codeAt(tried) })
    await faulty(restored, what)
    const { hit } = report()
    isHit = hit !== null
    arm(NO_FAULT)
    await mustBeCompleted(restored, `${what}, ${String(hit)}`)
  }
  assert.ok(tried > 5, 'calls have failed')
  t.diagnostic(`${tried} calls from ${FIRST}`)
})

test('also in the threads that write small files', async (t) => {
  const restored = await target(t)
  const all = new Set<string>()
  for (let nth = 1 + (FIRST % 4); nth <= 14; nth += 4) {
    const code = codeAt(nth)
    // The threads of the restore before are gone, so that new ones are started.
    await settledThreads()
    armThreads({ folders: [restored.to], nth, kind: code })
    const what = `${code} at call ${nth} of a thread`
    const said = await faulty(restored, what)
    all.add(said)
    await settledThreads()
    await mustBeCompleted(restored, what)
  }
  assert.ok(all.size > 1, 'calls of threads have failed')
})

test('one that is stopped meanwhile ends as stopped, whatever fails then', async (t) => {
  const restored = await target(t)
  for (let nth = FIRST, isHit = true; isHit; nth += 2 * STEP) {
    const stop = new AbortController()
    const report = arm({
      folders: [restored.to],
      nth,
      kind: 'EIO',
      onCall: (n) => {
        if (n === nth) stop.abort()
      },
    })
    await faulty(restored, `stopped at call ${nth}`, stop.signal)
    isHit = report().hit !== null
    arm(NO_FAULT)
    await mustBeCompleted(restored, `stopped at call ${nth}`)
  }
})
