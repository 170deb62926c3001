import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { commitOf, never, rejectsWith, type Subject } from './destination-subject.ts'

/** Uploads that take several appends at once, where there are any. */
export function describeSeveral(subject: Subject): void {
  const { another, appended, fresh } = subject

  /** An upload that takes several appends at once, and its first units; null, and the test is skipped, where none does. */
  const several = async (t: TestContext) => {
    const object = fresh()
    const open = await another().begin(object, never)
    const { inFlight, multiple: unit } = open.requests
    const data = randomBytes((inFlight + 1) * unit + 100)
    const piece = (n: number): [number, Buffer[]] => [n * unit, [data.subarray(n * unit, (n + 1) * unit)]]
    if (inFlight > 1) return { object, open, inFlight, unit, data, piece }
    t.skip(`${subject.kind} takes one request after the other`)
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
    assert.equal((await subject.far.visible()).includes(object), false, 'visible before commit')
    await open.commit(commitOf(data, inFlight * unit), never)
    assert.deepEqual(await subject.far.read(object), data)
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
    assert.deepEqual(await subject.far.read(object), data)
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
      const { upload: second } = await another().resume(first.token, acknowledged * unit, never)
      assert.equal(await second.held(never), acknowledged * unit)
      const held = await appended(second, data, acknowledged * unit, (inFlight + 1) * unit, unit)
      await second.commit(commitOf(data, held), never)
      assert.deepEqual(await subject.far.read(object), data)
    }
  })
}
