/**
 * What every destination, and every wrapper of one, holds to: src/pipeline/contract/destination.ts as tests. It lies to the
 * destination on purpose and looks afterwards that nothing passes for a backup.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { MAX_REQUEST_BYTES } from '../../src/pipeline/deliver.ts'
import { ObjectDigest } from '../../src/pipeline/contract/digests.ts'
import { describeListing } from './destination-listing.ts'
import { describeProbe } from './destination-probe.ts'
import { describeReading } from './destination-reading.ts'
import { describeSeveral } from './destination-several.ts'
import { commitOf, flip, KIB, never, rejectsWith, Subject, type DestinationUnderTest } from './destination-subject.ts'
import { describeTakenUp } from './destination-taken-up.ts'

export { PAGE_ENTRIES } from './destination-listing.ts'
export type { DestinationUnderTest } from './destination-subject.ts'

export function describeDestination(kind: string, make: () => Promise<DestinationUnderTest>): void {
  describe(`${kind} holds to the contract of a destination`, () => {
    const subject = new Subject(kind, make)
    const { fresh, upload } = subject

    before(() => subject.open())
    after(() => subject.close())

    test('signing in names the account', async () => {
      assert.notEqual((await subject.destination.signIn(never)).label, '')
    })

    test('objects of every size around a request arrive byte for byte', async () => {
      const request = Math.max(await subject.unit(), 256 * KIB)
      for (const size of [1, request - 1, request, request + 1, 2 * request, 2 * request + 1]) {
        await upload(randomBytes(size), request)
      }
    })

    test('a request is a list of chunks of any size', async () => {
      const unit = Math.max(await subject.unit(), 256 * KIB)
      const data = randomBytes(2 * unit)
      const object = fresh()
      const open = await subject.destination.begin(object, never)
      const chunks = [data.subarray(0, 1), data.subarray(1, 70_001), data.subarray(70_001, unit)]
      let held = await open.append(0, chunks, never)
      while (held < unit) held = await open.append(held, [data.subarray(held, unit)], never)
      await open.commit(
        { ...commitOf(data, unit), tail: [data.subarray(unit, unit + 9), data.subarray(unit + 9)] },
        never,
      )
      assert.deepEqual(await subject.far.read(object), data)
    })

    test('the far side says what it holds', async () => {
      const unit = await subject.unit()
      const open = await subject.destination.begin(fresh(), never)
      assert.equal(await open.held(never), 0)
      const held = await open.append(0, [randomBytes(unit)], never)
      assert.equal(await open.held(never), held)
      await open.abort()
    })

    test('requests are a multiple of what the upload says, from any offset on, and one or more at a time', async () => {
      const open = await subject.destination.begin(fresh(), never)
      const { requests } = open
      for (const offset of [0, 1 << 22, 2 ** 36, 2 ** 40]) {
        const size = requests.bytes(offset)
        assert.ok(size > 0 && size % requests.multiple === 0 && size <= MAX_REQUEST_BYTES, `${size} at ${offset}`)
      }
      assert.ok(requests.inFlight >= 1 && Number.isInteger(requests.inFlight))
      await open.abort()
    })

    test('an append at the wrong offset is refused and leaves what is held', async () => {
      const unit = await subject.unit()
      const open = await subject.destination.begin(fresh(), never)
      await open.append(0, [randomBytes(unit)], never)
      const error = await rejectsWith('E_OFFSET', open.append(3 * unit, [randomBytes(unit)], never))
      assert.equal(error.remedy, 'resume')
      assert.equal(await open.held(never), unit)
      await open.abort()
    })

    for (const digest of ['md5', 'contentHash'] as const) {
      test(`a ${digest} with one digit changed is told, and no object stays`, async (t) => {
        if (subject.destination.traits.digest !== digest) {
          t.skip(`${subject.kind} proves itself by ${subject.destination.traits.digest}`)
          return
        }
        const data = randomBytes(1000)
        const object = fresh()
        const open = await subject.destination.begin(object, never)
        const commit = commitOf(data, 0)
        const digests = { ...commit.digests, [digest]: flip(commit.digests[digest]) }
        await rejectsWith('E_INTEGRITY', open.commit({ ...commit, digests }, never))
        await open.abort()
        assert.equal(await subject.destination.stat(object, never), null)
        assert.equal((await subject.far.visible()).includes(object), false)
      })
    }

    test('a commit whose bytes are one short of what was promised stores nothing', async () => {
      const data = randomBytes(1000)
      const object = fresh()
      const open = await subject.destination.begin(object, never)
      await assert.rejects(open.commit({ ...commitOf(data, 0), tail: [data.subarray(0, 999)] }, never))
      await open.abort()
      assert.equal(await subject.destination.stat(object, never), null)
      assert.equal((await subject.far.visible()).includes(object), false)
    })

    test('an aborted upload leaves nothing that looks like a backup', async () => {
      const object = fresh()
      const open = await subject.destination.begin(object, never)
      await open.append(0, [randomBytes(open.requests.multiple)], never)
      await open.abort()
      await open.abort()
      assert.equal(await subject.destination.stat(object, never), null)
      assert.equal((await subject.far.visible()).includes(object), false)
    })

    test('a signal that is aborted ends an append at once', async () => {
      const open = await subject.destination.begin(fresh(), never)
      const stop = AbortSignal.abort()
      await assert.rejects(open.append(0, [randomBytes(open.requests.multiple)], stop))
      await open.abort()
    })

    test('a token that means nothing here is an upload that is gone', async () => {
      for (const token of ['', 'x', '{}', '/nowhere/a.zip.partial', 'null']) {
        const error = await rejectsWith('E_SESSION', subject.destination.resume(token, 0, never))
        assert.equal(error.remedy, 'restart')
      }
    })

    test('committing twice is harmless', async () => {
      const data = randomBytes(5000)
      const object = fresh()
      const open = await subject.destination.begin(object, never)
      const first = await open.commit(commitOf(data, 0), never)
      const again = await open.commit({ ...commitOf(data, data.length), tail: [] }, never)
      assert.equal(again.id, first.id)
      await open.abort()
      assert.equal((await subject.far.visible()).filter((name) => name === object).length, 1)
    })

    test('what was stored is found by its name, with size and digest, and can be removed twice', async () => {
      const data = randomBytes(3000)
      const object = await upload(data, 1 << 30)
      const digest = new ObjectDigest()
      digest.update(data)
      const stored = await subject.destination.stat(object, never)
      assert.equal(stored?.bytes, 3000)
      assert.equal(stored.digest, digest.digests()[subject.destination.traits.digest])
      await subject.destination.remove(stored, never)
      await subject.destination.remove(stored, never)
      assert.equal(await subject.destination.stat(object, never), null)
    })

    test('several uploads at once keep apart', async () => {
      const all = [randomBytes(10), randomBytes(300 * KIB), randomBytes(1)]
      await Promise.all(all.map((data) => upload(data, 1 << 30)))
    })

    describeTakenUp(subject)
    describeSeveral(subject)
    describeReading(subject)
    describeListing(subject)
    describeProbe(subject)
  })
}
