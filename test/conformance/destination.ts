/**
 * What every destination, and every wrapper of one, holds to: src/pipeline/destination.ts as tests. It lies to the
 * destination on purpose and looks afterwards that nothing passes for a backup.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { Commit, Destination, StoredObject, Upload } from '../../src/pipeline/destination.ts'
import { MAX_REQUEST_BYTES } from '../../src/pipeline/deliver.ts'
import { ObjectDigest } from '../../src/pipeline/digest.ts'
import { BackupError, type ErrorCode } from '../../src/pipeline/errors.ts'

export interface DestinationUnderTest {
  /** A destination to this far side; called again, another one, as another process would have it. */
  open(): Destination
  /** Names of all objects the far side shows to a user. */
  visible(): Promise<string[]>
  /** The bytes of an object that the far side holds. */
  read(object: string): Promise<Buffer>
  /** Stores an object in a folder below the destination's; null where there are no folders. */
  readonly storeBelow: ((object: string) => Promise<void>) | null
  close(): Promise<void>
}

const never = new AbortController().signal
const KIB = 1024
const BLOCK = 4 * KIB * KIB
/** More objects than three pages of a stand-in hold, which `PAGE_ENTRIES` says. */
const MANY = 25
export const PAGE_ENTRIES = 7

type Listed = StoredObject & { readonly name: string }

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

    const opened: Destination[] = []
    const another = (): Destination => {
      const one = far.open()
      opened.push(one)
      return one
    }

    before(async () => {
      far = await make()
      destination = another()
    })
    after(async () => {
      await Promise.all(opened.map((one) => one.close()))
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

    /** Sends `data` up to `end` in requests of `unit`, as far as they go. */
    const appended = async (open: Upload, data: Buffer, from: number, end: number, unit: number): Promise<number> => {
      let held = from
      while (held + unit <= end) held = await open.append(held, [data.subarray(held, held + unit)], never)
      return held
    }

    test('an upload is taken up by another process wherever it stood, and comes to the same object', async () => {
      const unit = Math.max(destination.traits.requestMultiple, 64 * KIB)
      const data = randomBytes(3 * unit + 100)
      for (let stood = 0; stood <= 3 * unit; stood += unit) {
        const object = fresh()
        const first = await another().begin(object, never)
        assert.equal(await appended(first, data, 0, stood, unit), stood)
        const second = await another().resume(first.token, stood, never)
        assert.equal(await second.held(never), stood)
        const held = await appended(second, data, stood, 3 * unit, unit)
        assert.equal((await far.visible()).includes(object), false, 'visible before commit')
        assert.equal((await second.commit(commitOf(data, held), never)).bytes, data.length)
        assert.deepEqual(await far.read(object), data)
        await first.abort()
        assert.deepEqual(await far.read(object), data, 'a handle that was left behind harms nothing')
      }
    })

    test('an upload of which less was acknowledged than is held goes on from either', async () => {
      const unit = destination.traits.requestMultiple
      const step = Math.max(unit, 1000)
      const data = randomBytes(3 * step + 7)
      for (let acknowledged = 0; acknowledged <= 2 * step; acknowledged += step) {
        const object = fresh()
        const first = await another().begin(object, never)
        await appended(first, data, 0, 2 * step, step)
        const second = await another().resume(first.token, acknowledged, never)
        const held = await second.held(never)
        assert.ok(held === acknowledged || held === 2 * step, `${held} held`)
        await second.commit(commitOf(data, await appended(second, data, held, 3 * step, step)), never)
        assert.deepEqual(await far.read(object), data)
      }
    })

    test('an upload that was committed, unknown to who takes it up, proves itself without a byte more', async () => {
      const unit = destination.traits.requestMultiple
      for (const [bytes, acknowledged] of [
        [unit + 100, 0],
        [unit + 100, unit],
        [unit, unit],
        [100, 0],
      ] as const) {
        const data = randomBytes(bytes)
        const object = fresh()
        const first = await another().begin(object, never)
        const held = await appended(first, data, 0, acknowledged, unit)
        const stored = await first.commit(commitOf(data, held), never)
        const second = await another().resume(first.token, acknowledged, never)
        assert.equal(await second.held(never), bytes)
        assert.deepEqual(await second.commit(commitOf(data, bytes), never), stored)
        await second.abort()
        await first.abort()
        assert.deepEqual(await far.read(object), data)
        assert.equal((await far.visible()).filter((name) => name === object).length, 1)
      }
    })

    test('an upload that was committed takes no other bytes for its own', async () => {
      const unit = destination.traits.requestMultiple
      const data = randomBytes(unit)
      const object = fresh()
      const first = await another().begin(object, never)
      await first.commit(commitOf(data, 0), never)
      const second = await another().resume(first.token, 0, never)
      // A unit may be one byte: other bytes are made, not drawn.
      const other = Buffer.from(Buffer.concat([data, data]).map((byte) => ~byte))
      await assert.rejects(second.append(unit, [other.subarray(unit)], never))
      await assert.rejects(second.commit(commitOf(other, unit), never))
      await assert.rejects(second.commit({ ...commitOf(other.subarray(unit), unit), tail: [] }, never))
    })

    test('an upload that was given up cannot be taken up', async () => {
      const unit = destination.traits.requestMultiple
      for (const sent of [0, unit]) {
        const object = fresh()
        const first = await another().begin(object, never)
        await appended(first, randomBytes(sent), 0, sent, unit)
        // The one who takes it up may be the one who gives it up.
        const last = sent === 0 ? first : await another().resume(first.token, sent, never)
        await last.abort()
        const takeUp = async (): Promise<void> => {
          const later = await another().resume(first.token, sent, never)
          assert.notEqual(later.inFlight ?? 1, 1, 'where the far side tells, it is told at once')
          await later.commit(commitOf(randomBytes(sent + 1), sent), never)
        }
        assert.equal((await rejectsWith('E_SESSION', takeUp())).remedy, 'restart')
        assert.equal(await destination.stat(object, never), null)
      }
    })

    /** An upload that takes several appends at once, and its first units; null, and the test is skipped, where none does. */
    const several = async (t: TestContext) => {
      const object = fresh()
      const open = await another().begin(object, never)
      const { inFlight = 1 } = open
      const unit = destination.traits.requestMultiple
      const data = randomBytes((inFlight + 1) * unit + 100)
      const piece = (n: number): [number, Buffer[]] => [n * unit, [data.subarray(n * unit, (n + 1) * unit)]]
      if (inFlight > 1) return { object, open, inFlight, unit, data, piece }
      t.skip(`${kind} takes one request after the other`)
      await open.abort()
      return null
    }

    test('as many appends as it takes at once settle in any order, and each tells what is there without a gap', async (t) => {
      const given = await several(t)
      if (given === null) return
      const { object, open, inFlight, unit, data, piece } = given
      const all = Array.from({ length: inFlight }, (_, n) => open.append(...piece(n), never))
      const held = await Promise.all(all)
      assert.equal(Math.max(...held), inFlight * unit)
      assert.ok(held.every((bytes) => bytes % unit === 0))
      assert.equal(await open.held(never), inFlight * unit)
      assert.equal((await far.visible()).includes(object), false, 'visible before commit')
      await open.commit(commitOf(data, inFlight * unit), never)
      assert.deepEqual(await far.read(object), data)
    })

    test('one of several that fails leaves a gap, and what lies after it counts once it is sent again', async (t) => {
      const given = await several(t)
      if (given === null) return
      const { object, open, inFlight, unit, data, piece } = given
      const first = open.append(...piece(0), AbortSignal.abort())
      const others = Array.from({ length: inFlight - 1 }, (_, n) => open.append(...piece(n + 1), never))
      await assert.rejects(first)
      assert.deepEqual(await Promise.all(others), Array<number>(inFlight - 1).fill(0))
      assert.equal(await open.held(never), 0)
      await rejectsWith('E_OFFSET', open.commit(commitOf(data, inFlight * unit), never))
      assert.equal(await open.append(...piece(0), never), inFlight * unit)
      await open.commit(commitOf(data, inFlight * unit), never)
      assert.deepEqual(await far.read(object), data)
    })

    test('with several under way, another process goes on from whatever was acknowledged', async (t) => {
      const given = await several(t)
      if (given === null) return
      const { open, inFlight, unit, data, piece } = given
      await open.abort()
      for (let acknowledged = 0; acknowledged <= inFlight; acknowledged += 1) {
        const object = fresh()
        const first = await another().begin(object, never)
        // All but one, of which nothing is known.
        await Promise.allSettled(
          Array.from({ length: inFlight }, (_, n) =>
            first.append(...piece(n), n === acknowledged ? AbortSignal.abort() : never),
          ),
        )
        const second = await another().resume(first.token, acknowledged * unit, never)
        assert.equal(await second.held(never), acknowledged * unit)
        const held = await appended(second, data, acknowledged * unit, (inFlight + 1) * unit, unit)
        await second.commit(commitOf(data, held), never)
        assert.deepEqual(await far.read(object), data)
      }
    })

    test('a token that means nothing here is an upload that is gone', async () => {
      for (const token of ['', 'x', '{}', '/nowhere/a.zip.partial', 'null']) {
        const error = await rejectsWith('E_SESSION', destination.resume(token, 0, never))
        assert.equal(error.remedy, 'restart')
      }
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

    const readBack = async (object: StoredObject, from: number, to: number): Promise<Buffer> => {
      const chunks: Buffer[] = []
      for await (const chunk of destination.read(object, { from, to }, never)) chunks.push(Buffer.from(chunk))
      return Buffer.concat(chunks)
    }

    const storedAs = async (data: Buffer): Promise<StoredObject> => {
      const stored = await destination.stat(await upload(data, 1 << 30), never)
      assert.ok(stored)
      return stored
    }

    test('any range of an object is read back byte for byte', async () => {
      const data = randomBytes(2 * BLOCK + 1234)
      const stored = await storedAs(data)
      const end = data.length
      for (const [from, to] of [
        [0, end],
        [0, 1],
        [0, 0],
        [end, end],
        [end - 1, end],
        [BLOCK - 1, BLOCK],
        [BLOCK, BLOCK + 1],
        [BLOCK - 1, BLOCK + 1],
        [BLOCK, 2 * BLOCK],
        [2 * BLOCK, end],
        [1, end - 1],
        [64 * KIB, 64 * KIB + 1],
      ] as const) {
        const read = await readBack(stored, from, to)
        assert.ok(read.equals(data.subarray(from, to)), `${from} to ${to}: ${read.length} bytes`)
      }
    })

    test('reading may stop early, any number of times', async () => {
      const data = randomBytes(BLOCK)
      const stored = await storedAs(data)
      for (let n = 0; n < 20; n += 1) {
        for await (const chunk of destination.read(stored, { from: n, to: data.length }, never)) {
          assert.equal(chunk[0], data[n])
          break
        }
      }
      assert.ok((await readBack(stored, 0, data.length)).equals(data))
    })

    test('several ranges are read at once', async () => {
      const data = randomBytes(BLOCK)
      const stored = await storedAs(data)
      const ranges = [0, 1, 2, 3].map((n) => [n * 1000, data.length - n * 1000] as const)
      const read = await Promise.all(ranges.map(([from, to]) => readBack(stored, from, to)))
      read.forEach((bytes, n) => {
        assert.ok(bytes.equals(data.subarray(...ranges[n]!)))
      })
    })

    const listed = async (from = destination): Promise<Listed[]> => {
      const all: Listed[] = []
      for await (const object of from.list(never)) all.push(object)
      return all
    }
    const byName = (a: Listed, b: Listed): number => (a.name < b.name ? -1 : 1)

    /** Does `work` on a far side of its own, with nothing in it. */
    const withEmpty = async (work: (own: DestinationUnderTest, one: Destination) => Promise<void>): Promise<void> => {
      const own = await make()
      const one = own.open()
      try {
        await work(own, one)
      } finally {
        await one.close()
        await own.close()
      }
    }

    const storeIn = async (one: Destination, count: number): Promise<StoredObject[]> => {
      const stored: StoredObject[] = []
      for (let n = 0; n < count; n += 1) {
        const open = await one.begin(fresh(), never)
        stored.push(await open.commit(commitOf(randomBytes(1 + n), 0), never))
      }
      return stored
    }

    test('a folder with nothing in it, or nothing any more, is listed as empty', async () => {
      await withEmpty(async (_, one) => {
        assert.deepEqual(await listed(one), [])
        const [stored] = await storeIn(one, 1)
        assert.ok(stored)
        await one.remove(stored, never)
        assert.deepEqual(await listed(one), [])
      })
    })

    test('all objects are listed, each once, however many pages they fill, as stat tells them', async () => {
      await withEmpty(async (_, one) => {
        await storeIn(one, MANY)
        const all = await listed(one)
        assert.equal(all.length, MANY)
        assert.equal(new Set(all.map((object) => object.name)).size, MANY)
        for (const { name, digest, ...object } of all) {
          const stored = await one.stat(name, never)
          assert.deepEqual({ ...object, digest: digest ?? stored?.digest }, stored)
        }
      })
    })

    test('what was listed can be read and removed', async () => {
      const data = randomBytes(5000)
      const name = await upload(data, 1 << 30)
      const object = (await listed()).find((one) => one.name === name)
      assert.ok(object)
      assert.ok((await readBack(object, 0, data.length)).equals(data))
      await destination.remove(object, never)
      assert.equal(await destination.stat(name, never), null)
      assert.equal((await listed()).filter((one) => one.name === name).length, 0)
    })

    test('an upload that is not committed is not listed under its name', async () => {
      const object = fresh()
      const open = await destination.begin(object, never)
      await open.append(0, [randomBytes(destination.traits.requestMultiple)], never)
      assert.equal((await listed()).filter(({ name }) => name === object).length, 0)
      await open.abort()
    })

    test('folders, and objects in folders below, are not listed', async (t) => {
      await withEmpty(async ({ storeBelow }, one) => {
        if (storeBelow === null) {
          t.skip(`${kind} has no folders`)
          return
        }
        await storeIn(one, 2)
        const before = await listed(one)
        const object = fresh()
        await storeBelow(object)
        assert.deepEqual((await listed(one)).sort(byName), before.sort(byName))
        assert.equal(await one.stat(object, never), null)
      })
    })

    test('listing may stop early, any number of times, and several go on at once', async () => {
      await withEmpty(async (_, one) => {
        await storeIn(one, MANY)
        for (let n = 1; n < MANY; n += 1) {
          let count = 0
          for await (const _ of one.list(never)) if ((count += 1) === n) break
          assert.equal(count, n)
        }
        const all = await Promise.all([listed(one), listed(one), listed(one)])
        assert.deepEqual(
          all.map((objects) => objects.length),
          [MANY, MANY, MANY],
        )
      })
    })

    test('an object that is removed while a listing goes on takes no other out of it', async () => {
      await withEmpty(async (own, one) => {
        await storeIn(one, MANY)
        const names = (await listed(one)).map(({ name }) => name)
        // The one that was given, for each of them: all are given, and none is left.
        const given: string[] = []
        for await (const object of one.list(never)) {
          given.push(object.name)
          await one.remove(object, never)
        }
        assert.deepEqual(given.sort(), names.sort())
        assert.deepEqual(await own.visible(), [])

        // One that was not given yet, in the middle or at the end.
        for (const which of [0, MANY >> 1, MANY - 2]) {
          const stored = await storeIn(one, which === 0 ? MANY : 1)
          const last = (await listed(one))[which + 1]
          assert.ok(last && stored.length > 0)
          const rest: string[] = []
          for await (const object of one.list(never)) {
            if (rest.length === 0) await one.remove(last, never)
            rest.push(object.name)
          }
          assert.equal(new Set(rest).size, rest.length)
          const kept = (await own.visible()).sort()
          assert.equal(kept.includes(last.name), false)
          assert.deepEqual(rest.filter((name) => name !== last.name).sort(), kept)
        }
      })
    })

    test('a signal that is aborted ends a listing, before it starts and in the middle', async () => {
      await storeIn(destination, 2)
      const stop = new AbortController()
      let given = 0
      const listing = async (signal: AbortSignal): Promise<void> => {
        for await (const _ of destination.list(signal)) {
          given += 1
          stop.abort()
        }
      }
      await rejectsWith('E_ABORTED', listing(AbortSignal.abort()))
      assert.equal(given, 0)
      await rejectsWith('E_ABORTED', listing(stop.signal))
      assert.equal(given, 1)
    })

    test('an object that is gone, or ends before the range does, is told', async () => {
      const data = randomBytes(5000)
      const stored = await storedAs(data)
      for (const [from, to] of [
        [0, 5001],
        [4999, 5001],
        [5000, 5001],
        [9000, 9001],
      ] as const) {
        const longer = { ...stored, bytes: 10_000 }
        assert.equal((await rejectsWith('E_DESTINATION', readBack(longer, from, to))).remedy, 'stop')
      }
      await destination.remove(stored, never)
      assert.equal((await rejectsWith('E_DESTINATION', readBack(stored, 0, 5000))).remedy, 'stop')
    })

    test('a signal that is aborted ends reading, before it starts and in the middle', async () => {
      const stored = await storedAs(randomBytes(2 * BLOCK))
      const range = { from: 0, to: stored.bytes }
      const stop = new AbortController()
      let chunks = 0
      const reading = async (signal: AbortSignal): Promise<void> => {
        for await (const _ of destination.read(stored, range, signal)) {
          chunks += 1
          stop.abort()
        }
      }
      await rejectsWith('E_ABORTED', reading(AbortSignal.abort()))
      assert.equal(chunks, 0)
      await rejectsWith('E_ABORTED', reading(stop.signal))
      assert.notEqual(chunks, 0)
    })

    test('several uploads at once keep apart', async () => {
      const all = [randomBytes(10), randomBytes(300 * KIB), randomBytes(1)]
      await Promise.all(all.map((data) => upload(data, 1 << 30)))
    })
  })
}
