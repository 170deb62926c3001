import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Destination, StoredObject } from '../../src/pipeline/contract/destination.ts'
import { commitOf, never, rejectsWith, type DestinationUnderTest, type Subject } from './destination-subject.ts'

/** More objects than three pages of a stand-in hold, which `PAGE_ENTRIES` says. */
const MANY = 25
export const PAGE_ENTRIES = 7

type Listed = StoredObject & { readonly name: string }

/** The listing of all objects. */
export function describeListing(subject: Subject): void {
  const { fresh, readBack, upload } = subject

  const listed = async (from = subject.destination): Promise<Listed[]> => {
    const all: Listed[] = []
    for await (const object of from.list(never)) all.push(object)
    return all
  }
  const byName = (a: Listed, b: Listed): number => (a.name < b.name ? -1 : 1)

  /** Does `work` on a far side of its own, with nothing in it. */
  const withEmpty = async (work: (own: DestinationUnderTest, one: Destination) => Promise<void>): Promise<void> => {
    const own = await subject.make()
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
    await subject.destination.remove(object, never)
    assert.equal(await subject.destination.stat(name, never), null)
    assert.equal((await listed()).filter((one) => one.name === name).length, 0)
  })

  test('an upload that is not committed is not listed under its name', async () => {
    const object = fresh()
    const open = await subject.destination.begin(object, never)
    await open.append(0, [randomBytes(open.requests.multiple)], never)
    assert.equal((await listed()).filter(({ name }) => name === object).length, 0)
    await open.abort()
  })

  test('folders, and objects in folders below, are not listed', async (t) => {
    await withEmpty(async ({ storeBelow }, one) => {
      if (storeBelow === null) {
        t.skip(`${subject.kind} has no folders`)
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
    await storeIn(subject.destination, 2)
    const stop = new AbortController()
    let given = 0
    const listing = async (signal: AbortSignal): Promise<void> => {
      for await (const _ of subject.destination.list(signal)) {
        given += 1
        stop.abort()
      }
    }
    await rejectsWith('E_ABORTED', listing(AbortSignal.abort()))
    assert.equal(given, 0)
    await rejectsWith('E_ABORTED', listing(stop.signal))
    assert.equal(given, 1)
  })
}
