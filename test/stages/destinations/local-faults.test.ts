/** A folder whose file system fails: whatever it answers and when, a copy is either whole or not there. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { chmod, chown, mkdir, open, readdir, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { Destination, StoredObject, Upload } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { localError } from '../../../src/stages/destinations/local/errors.ts'
import { localDestination } from '../../../src/stages/destinations/local/local.ts'
import { localUpload } from '../../../src/stages/destinations/local/upload.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const never = new AbortController().signal
const OBJECT = 'dicom_backup_2026-11-23_12-00-00.zip'
const quick = { firstPauseMs: 1, longestPauseMs: 2, budgetMs: 100, openingBudgetMs: 100 }

/** A system error as node:fs has it. */
const systemError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code })

interface Fault {
  /** Which call of the file handle fails, counted from 1. */
  readonly nth: number
  readonly code: string
  /** `before` it does anything, `after` it did all of it, or `half` of a write. */
  readonly when: 'before' | 'half' | 'after'
}

/** The handle, of which one call fails once. `fired` tells which. */
function faulty(handle: FileHandle, { nth, code, when }: Fault) {
  let calls = 0
  const state = { fired: '' }
  const wrapped = new Proxy(handle, {
    get(target, key) {
      const call: unknown = Reflect.get(target, key, target)
      if (typeof call !== 'function') return call
      return async (...args: unknown[]): Promise<unknown> => {
        if ((calls += 1) !== nth) return await Reflect.apply(call, target, args)
        state.fired = String(key)
        if (when === 'after') await Reflect.apply(call, target, args)
        if (when === 'half' && key === 'write') {
          const [bytes, from, length, position] = args as [Uint8Array, number, number, number]
          await target.write(bytes, from, Math.floor(length / 2), position)
        }
        throw systemError(code)
      }
    },
  })
  return { wrapped, state }
}

/** The folder's destination with a handle that fails; the rest is as it is. */
function failing(folder: string, fault: Fault) {
  const inner = localDestination({ type: 'local', name: 'nas', folder, chunkSize: null })
  const final = path.join(folder, OBJECT)
  const partial = `${final}.partial`
  const requests = { multiple: 1, inFlight: 1, bytes: () => 8 << 20 }
  const judge = (error: unknown): BackupError => localError(error, 'nas', folder)
  let state = { fired: '' }
  let real: FileHandle | null = null
  const destination: Destination = {
    ...inner,
    async begin() {
      real = await open(partial, 'wx+')
      const made = faulty(real, fault)
      state = made.state
      return localUpload({ name: 'nas', partial, final, handle: made.wrapped, requests, judge })
    },
  }
  return { destination, fired: () => state.fired, close: () => real?.close() }
}

/** Three requests and a tail, with an abort when they fail, as a sink does it. */
async function upload(destination: Destination, data: Buffer, signal = never, request = 1000): Promise<StoredObject> {
  const digest = new ObjectDigest()
  digest.update(data)
  let open: Upload | null = null
  try {
    open = await destination.begin(OBJECT, signal)
    let held = 0
    while (held < 3 * request)
      held = await open.append(held, [data.subarray(held, held + 1), data.subarray(held + 1, held + request)], signal)
    const tail = [data.subarray(held)]
    return await open.commit({ offset: held, tail, bytes: data.length, digests: digest.digests() }, signal)
  } catch (error) {
    await open?.abort()
    throw error
  }
}

describe('a folder whose file system fails', () => {
  for (const when of ['before', 'half', 'after'] as const) {
    for (const code of ['EBUSY', 'EIO', 'ENOSPC', 'EWHATEVER']) {
      test(`with ${code} ${when} any call holds a whole archive or nothing`, async (t) => {
        const data = randomBytes(4500)
        const outcomes: Record<string, string> = {}
        for (let nth = 1; ; nth += 1) {
          const folder = await tempFolder(t)
          const { destination, fired, close } = failing(folder, { nth, code, when })
          let stored: StoredObject | null = null
          let failure: unknown = null
          try {
            stored = await upload(withRetry(destination, { policy: quick }), data)
          } catch (error) {
            failure = error
          }
          // Of a close that failed nobody knows whether it closed.
          if (fired() === 'close' && when !== 'after') await close()
          if (failure === null) {
            assert.equal(stored?.bytes, data.length)
            assert.ok((await readFile(path.join(folder, OBJECT))).equals(data), `call ${nth}, ${fired()}`)
          } else {
            assert.ok(failure instanceof BackupError)
            // What a failed close leaves behind is a partial file at most.
            assert.deepEqual(
              (await readdir(folder)).filter((name) => !name.endsWith('.partial')),
              [],
            )
          }
          if (fired() === '') break
          outcomes[fired()] = failure instanceof BackupError ? failure.code : 'stored'
        }
        const passing = code === 'EBUSY' || code === 'EIO'
        const lost = code === 'ENOSPC' ? 'E_QUOTA' : 'E_DESTINATION'
        assert.deepEqual(outcomes, {
          stat: passing ? 'stored' : lost,
          write: passing ? 'stored' : lost,
          // After a failed flush the system takes what it lost for written: what follows would prove nothing.
          datasync: lost,
          sync: lost,
          close: passing ? 'stored' : lost,
        })
      })
    }
  }

  test('says by the error what is to be done about it', () => {
    const expected: Record<string, readonly [code: string, remedy: string, says: RegExp]> = {
      ENOSPC: ['E_QUOTA', 'stop', /is full/],
      EDQUOT: ['E_QUOTA', 'stop', /is full/],
      EFBIG: ['E_QUOTA', 'stop', /cannot hold a file as large/],
      EBUSY: ['E_DESTINATION', 'resume', /did not answer/],
      ESTALE: ['E_DESTINATION', 'resume', /did not answer/],
      EACCES: ['E_AUTH', 'stop', /may not be written to/],
      EROFS: ['E_AUTH', 'stop', /may not be written to/],
      ENOENT: ['E_DESTINATION', 'stop', /does not exist/],
    }
    for (const [system, [code, remedy, says]] of Object.entries(expected)) {
      const error = localError(systemError(system), 'nas', '/mnt/nas')
      assert.deepEqual([error.code, error.remedy], [code, remedy], system)
      assert.match(error.message, says)
    }
  })
})

describe('a folder', () => {
  const local = (folder: string): Destination =>
    localDestination({ type: 'local', name: 'nas', folder, chunkSize: 64 * 1024 })

  test('that is gone before the end is told, and nothing is made in its place', async (t) => {
    const folder = path.join(await tempFolder(t), 'nas')
    await mkdir(folder)
    const open = await local(folder).begin(OBJECT, never)
    assert.equal(await open.append(0, [Buffer.alloc(10)], never), 10)
    await rm(folder, { recursive: true })
    const digest = new ObjectDigest()
    digest.update(Buffer.alloc(10))
    const commit = { offset: 10, tail: [], bytes: 10, digests: digest.digests() }
    await assert.rejects(open.commit(commit, never), { code: 'E_DESTINATION', message: /does not exist/ })
    await open.abort()
    await assert.rejects(local(folder).begin(OBJECT, never), { code: 'E_DESTINATION', message: /does not exist/ })
  })

  test('that holds a file of that name already keeps it', async (t) => {
    const folder = await tempFolder(t)
    await writeFile(path.join(folder, OBJECT), 'of somebody else')
    await assert.rejects(upload(local(folder), randomBytes(4500)), { code: 'E_DESTINATION', message: /exists already/ })
    assert.deepEqual(await readdir(folder), [OBJECT])
    assert.equal(await readFile(path.join(folder, OBJECT), 'utf8'), 'of somebody else')
  })

  test('whose partial file is changed by somebody else is not told as good', async (t) => {
    const folder = await tempFolder(t)
    const data = randomBytes(4500)
    const inner = local(folder)
    for (const harm of ['flip', 'swap'] as const) {
      const tampering: Destination = {
        ...inner,
        async begin(object, signal) {
          const open = await inner.begin(object, signal)
          const partial = path.join(folder, `${OBJECT}.partial`)
          const commit: Upload['commit'] = async (...args) => {
            if (harm === 'swap') await rm(partial)
            const bytes =
              harm === 'swap' ? Buffer.alloc(4500) : Buffer.concat([Buffer.of(data[0]! ^ 1), data.subarray(1, 3000)])
            await writeFile(partial, bytes)
            return await open.commit(...args)
          }
          return { ...open, commit }
        },
      }
      await assert.rejects(upload(tampering, data), { code: 'E_INTEGRITY' })
      assert.deepEqual(await readdir(folder), [])
    }
  })

  test(
    'that may be written to but not listed takes a backup',
    { skip: process.platform === 'win32' && 'no file modes' },
    async (t) => {
      const folder = path.join(await tempFolder(t), 'drop')
      await mkdir(folder)
      const data = randomBytes(4500)
      const isRoot = process.getuid?.() === 0
      if (isRoot) {
        // Root may list everything: as somebody else.
        await chmod(path.dirname(folder), 0o755)
        await chown(folder, 65_534, 65_534)
      }
      await chmod(folder, 0o300)
      try {
        if (isRoot) process.seteuid?.(65_534)
        await assert.rejects(readdir(folder), { code: 'EACCES' })
        assert.equal((await upload(local(folder), data)).bytes, 4500)
      } finally {
        if (isRoot) process.seteuid?.(0)
        await chmod(folder, 0o700)
      }
      assert.deepEqual(await readdir(folder), [OBJECT])
    },
  )

  test('on a disk that is full at any byte is left empty', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('needs a small disk of its own, so root')
      return
    }
    const folder = path.join(await tempFolder(t), 'small')
    await mkdir(folder)
    for (const sizeKiB of [4, 40, 64, 100, 196]) {
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKiB}k`, 'tmpfs', folder], { stdio: 'pipe' })
      } catch {
        t.skip('this machine mounts no tmpfs')
        return
      }
      try {
        await assert.rejects(send(local(folder), randomBytes(200 * 1024)), { code: 'E_QUOTA' }, `${sizeKiB} KiB`)
        assert.deepEqual(await readdir(folder), [])
      } finally {
        execFileSync('umount', ['-l', folder])
      }
    }
  })

  test('to which a run is stopped at any moment holds a whole archive or nothing, and no file stays open', async (t) => {
    const data = randomBytes(300 * 1024)
    const openFiles = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)
    await send(local(await tempFolder(t)), data)
    const before = openFiles()
    let [whole, stopped] = [0, 0]
    for (let turns = 0; turns < 1_000_000 && whole < 3; turns += 1 + Math.floor(turns / 10)) {
      const folder = await tempFolder(t)
      const stop = new AbortController()
      const sent = send(local(folder), data, stop.signal).then(
        () => null,
        (error: unknown) => error,
      )
      for (let n = 0; n < turns; n += 1) await turn()
      stop.abort(new BackupError('E_ABORTED', 'stopped'))
      const failure = await sent
      const isStored = failure === null
      if (isStored) whole += 1
      else stopped += 1
      if (!isStored) assert.equal(failure instanceof BackupError && failure.code, 'E_ABORTED')
      assert.deepEqual(await readdir(folder), isStored ? [OBJECT] : [])
      if (isStored) assert.ok((await readFile(path.join(folder, OBJECT))).equals(data))
      for (let n = 0; n < 100 && openFiles() > before; n += 1) await sleep(10)
      assert.ok(openFiles() <= before, `${openFiles() - before} files stay open after ${turns} turns`)
    }
    assert.ok(stopped > 5 && whole > 0, `${stopped} times stopped, ${whole} times too late`)
  })

  const send = (destination: Destination, data: Buffer, signal = never): Promise<StoredObject> =>
    upload(withRetry(destination, { policy: quick }), data, signal, 50_000)
})
