import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { commitOf, KIB, never, rejectsWith, type Subject } from './destination-subject.ts'

/** Uploads that another process takes up. */
export function describeTakenUp(subject: Subject): void {
  const { another, appended, fresh } = subject

  test('an upload is taken up by another process wherever it stood, and comes to the same object', async () => {
    const unit = Math.max(await subject.unit(), 64 * KIB)
    const data = randomBytes(3 * unit + 100)
    for (let stood = 0; stood <= 3 * unit; stood += unit) {
      const object = fresh()
      const first = await another().begin(object, never)
      assert.equal(await appended(first, data, 0, stood, unit), stood)
      const { upload: second, held: found } = await another().resume(first.token, stood, never)
      assert.equal(found, stood)
      assert.equal(await second.held(never), stood)
      const held = await appended(second, data, stood, 3 * unit, unit)
      assert.equal((await subject.far.visible()).includes(object), false, 'visible before commit')
      assert.equal((await second.commit(commitOf(data, held), never)).bytes, data.length)
      assert.deepEqual(await subject.far.read(object), data)
      await first.abort()
      assert.deepEqual(await subject.far.read(object), data, 'a handle that was left behind harms nothing')
    }
  })

  test('an upload of which less was acknowledged than is held goes on from either', async () => {
    const unit = await subject.unit()
    const step = Math.max(unit, 1000)
    const data = randomBytes(3 * step + 7)
    for (let acknowledged = 0; acknowledged <= 2 * step; acknowledged += step) {
      const object = fresh()
      const first = await another().begin(object, never)
      await appended(first, data, 0, 2 * step, step)
      const { upload: second, held } = await another().resume(first.token, acknowledged, never)
      assert.ok(held === acknowledged || held === 2 * step, `${held} held`)
      await second.commit(commitOf(data, await appended(second, data, held, 3 * step, step)), never)
      assert.deepEqual(await subject.far.read(object), data)
    }
  })

  test('an upload that was committed, unknown to who takes it up, proves itself without a byte more', async () => {
    const unit = await subject.unit()
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
      const { upload: second, held: found } = await another().resume(first.token, acknowledged, never)
      assert.equal(found, bytes)
      assert.deepEqual(await second.commit(commitOf(data, bytes), never), stored)
      await second.abort()
      await first.abort()
      assert.deepEqual(await subject.far.read(object), data)
      assert.equal((await subject.far.visible()).filter((name) => name === object).length, 1)
    }
  })

  test('an upload that was committed takes no other bytes for its own', async () => {
    const unit = await subject.unit()
    const data = randomBytes(unit)
    const object = fresh()
    const first = await another().begin(object, never)
    await first.commit(commitOf(data, 0), never)
    const { upload: second } = await another().resume(first.token, 0, never)
    // A unit may be one byte: other bytes are made, not drawn.
    const other = Buffer.from(Buffer.concat([data, data]).map((byte) => ~byte))
    await assert.rejects(second.append(unit, [other.subarray(unit)], never))
    await assert.rejects(second.commit(commitOf(other, unit), never))
    await assert.rejects(second.commit({ ...commitOf(other.subarray(unit), unit), tail: [] }, never))
  })

  test('an upload that was given up cannot be taken up', async () => {
    const unit = await subject.unit()
    for (const [sent, by] of [
      [0, 'its own process'],
      [unit, 'a later one'],
      [0, 'a later one, by its token'],
      [unit, 'a later one, by its token'],
    ] as const) {
      const object = fresh()
      const first = await another().begin(object, never)
      await appended(first, randomBytes(sent), 0, sent, unit)
      if (by === 'its own process') await first.abort()
      else if (by === 'a later one') await (await another().resume(first.token, sent, never)).upload.abort()
      else await another().cancel(first.token, never)
      assert.ok(!(await subject.far.visible()).some((name) => name.startsWith(object)), `given up by ${by}`)
      const takeUp = async (): Promise<void> => {
        const { upload: later } = await another().resume(first.token, sent, never)
        assert.notEqual(later.requests.inFlight, 1, 'where the far side tells, it is told at once')
        await later.commit(commitOf(randomBytes(sent + 1), sent), never)
      }
      assert.equal((await rejectsWith('E_SESSION', takeUp())).remedy, 'restart')
      assert.equal(await subject.destination.stat(object, never), null)
    }
  })
}
