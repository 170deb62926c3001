/**
 * What every destination, and every wrapper of one, holds to: src/pipeline/destination.ts as tests. It lies to the
 * destination on purpose and looks afterwards that nothing passes for a backup.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Commit, Destination } from '../../src/pipeline/destination.ts'
import { MAX_REQUEST_BYTES } from '../../src/pipeline/deliver.ts'
import { ObjectDigest } from '../../src/pipeline/digest.ts'
import { BackupError, type ErrorCode } from '../../src/pipeline/errors.ts'

export interface DestinationUnderTest {
  readonly destination: Destination
  /** Names of all objects the far side shows to a user. */
  visible(): Promise<string[]>
  /** The bytes of an object that the far side holds. */
  read(object: string): Promise<Buffer>
  close(): Promise<void>
}

const never = new AbortController().signal
const KIB = 1024

function commitOf(data: Buffer, offset: number): Commit {
  const digest = new ObjectDigest()
  digest.update(data)
  return { offset, tail: [data.subarray(offset)], bytes: data.length, digests: digest.digests() }
}

const flip = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)

async function rejectsWith(code: ErrorCode, call: Promise<unknown>): Promise<BackupError> {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof BackupError, `a BackupError, not ${String(error)}`)
    assert.equal(error.code, code, error.message)
    return error
  }
  assert.fail(`was expected to reject with ${code}`)
}

export function describeDestination(kind: string, make: () => Promise<DestinationUnderTest>): void {
  describe(`${kind} holds to the contract of a destination`, () => {
    let far: DestinationUnderTest
    let destination: Destination
    let serial = 0
    const fresh = (): string => `dicom_backup_2026-01-01_00-00-${String((serial += 1)).padStart(2, '0')}.zip`

    before(async () => {
      far = await make()
      destination = far.destination
    })
    after(async () => {
      await destination.close()
      await far.close()
    })

    const upload = async (data: Buffer, request: number): Promise<string> => {
      const object = fresh()
      const open = await destination.begin(object, never)
      let held = 0
      while (held + request < data.length) {
        held = await open.append(held, [data.subarray(held, held + request)], never)
        assert.deepEqual((await far.visible()).includes(object), false, 'visible before commit')
      }
      const stored = await open.commit(commitOf(data, held), never)
      assert.equal(stored.bytes, data.length)
      assert.deepEqual(await far.read(object), data)
      return object
    }

    test('signing in names the account', async () => {
      assert.notEqual((await destination.signIn(never)).label, '')
    })

    test('objects of every size around a request arrive byte for byte', async () => {
      const request = destination.traits.requestMultiple < 256 * KIB ? 256 * KIB : destination.traits.requestMultiple
      for (const size of [1, request - 1, request, request + 1, 2 * request, 2 * request + 1]) {
        await upload(randomBytes(size), request)
      }
    })

    test('a request is a list of chunks of any size', async () => {
      const unit = Math.max(destination.traits.requestMultiple, 256 * KIB)
      const data = randomBytes(2 * unit)
      const object = fresh()
      const open = await destination.begin(object, never)
      const chunks = [data.subarray(0, 1), data.subarray(1, 70_001), data.subarray(70_001, unit)]
      let held = await open.append(0, chunks, never)
      while (held < unit) held = await open.append(held, [data.subarray(held, unit)], never)
      await open.commit(
        { ...commitOf(data, unit), tail: [data.subarray(unit, unit + 9), data.subarray(unit + 9)] },
        never,
      )
      assert.deepEqual(await far.read(object), data)
    })

    test('the far side says what it holds', async () => {
      const unit = destination.traits.requestMultiple
      const open = await destination.begin(fresh(), never)
      assert.equal(await open.held(never), 0)
      const held = await open.append(0, [randomBytes(unit)], never)
      assert.equal(await open.held(never), held)
      await open.abort()
    })

    test('requests are a multiple of the trait, from any offset on', () => {
      const { requestMultiple } = destination.traits
      for (const offset of [0, 1 << 22, 2 ** 36, 2 ** 40]) {
        const size = destination.traits.requestBytes(offset)
        assert.ok(size > 0 && size % requestMultiple === 0 && size <= MAX_REQUEST_BYTES, `${size} at ${offset}`)
      }
    })

    test('an append at the wrong offset is refused and leaves what is held', async () => {
      const unit = destination.traits.requestMultiple
      const open = await destination.begin(fresh(), never)
      await open.append(0, [randomBytes(unit)], never)
      const error = await rejectsWith('E_OFFSET', open.append(3 * unit, [randomBytes(unit)], never))
      assert.equal(error.remedy, 'resume')
      assert.equal(await open.held(never), unit)
      await open.abort()
    })

    for (const digest of ['md5', 'contentHash'] as const) {
      test(`a ${digest} with one digit changed is told, and no object stays`, async (t) => {
        if (destination.traits.digest !== digest) {
          t.skip(`${kind} proves itself by ${destination.traits.digest}`)
          return
        }
        const data = randomBytes(1000)
        const object = fresh()
        const open = await destination.begin(object, never)
        const commit = commitOf(data, 0)
        const digests = { ...commit.digests, [digest]: flip(commit.digests[digest]) }
        await rejectsWith('E_INTEGRITY', open.commit({ ...commit, digests }, never))
        await open.abort()
        assert.equal(await destination.stat(object, never), null)
        assert.equal((await far.visible()).includes(object), false)
      })
    }

    test('a commit whose bytes are one short of what was promised stores nothing', async () => {
      const data = randomBytes(1000)
      const object = fresh()
      const open = await destination.begin(object, never)
      await assert.rejects(open.commit({ ...commitOf(data, 0), tail: [data.subarray(0, 999)] }, never))
      await open.abort()
      assert.equal(await destination.stat(object, never), null)
      assert.equal((await far.visible()).includes(object), false)
    })

    test('an aborted upload leaves nothing that looks like a backup', async () => {
      const object = fresh()
      const open = await destination.begin(object, never)
      await open.append(0, [randomBytes(destination.traits.requestMultiple)], never)
      await open.abort()
      await open.abort()
      assert.equal(await destination.stat(object, never), null)
      assert.equal((await far.visible()).includes(object), false)
    })

    test('a signal that is aborted ends an append at once', async () => {
      const open = await destination.begin(fresh(), never)
      const stop = AbortSignal.abort()
      await assert.rejects(open.append(0, [randomBytes(destination.traits.requestMultiple)], stop))
      await open.abort()
    })

    test('an upload is taken up again from its token', async () => {
      const unit = destination.traits.requestMultiple
      const data = randomBytes(unit + 100)
      const object = fresh()
      const first = await destination.begin(object, never)
      await first.append(0, [data.subarray(0, unit)], never)
      const second = await destination.resume(first.token, never)
      assert.equal(await second.held(never), unit)
      await second.commit(commitOf(data, unit), never)
      await first.abort()
      assert.deepEqual(await far.read(object), data)
    })

    test('committing twice is harmless', async () => {
      const data = randomBytes(5000)
      const object = fresh()
      const open = await destination.begin(object, never)
      const first = await open.commit(commitOf(data, 0), never)
      const again = await open.commit({ ...commitOf(data, data.length), tail: [] }, never)
      assert.equal(again.id, first.id)
      await open.abort()
      assert.equal((await far.visible()).filter((name) => name === object).length, 1)
    })

    test('what was stored is found by its name, with size and digest, and can be removed twice', async () => {
      const data = randomBytes(3000)
      const object = await upload(data, 1 << 30)
      const digest = new ObjectDigest()
      digest.update(data)
      const stored = await destination.stat(object, never)
      assert.equal(stored?.bytes, 3000)
      assert.equal(stored.digest, digest.digests()[destination.traits.digest])
      await destination.remove(stored, never)
      await destination.remove(stored, never)
      assert.equal(await destination.stat(object, never), null)
    })

    test('several uploads at once keep apart', async () => {
      const all = [randomBytes(10), randomBytes(300 * KIB), randomBytes(1)]
      await Promise.all(all.map((data) => upload(data, 1 << 30)))
    })
  })
}
