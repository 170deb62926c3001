import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { commitOf, never, rejectsWith, type Subject } from './destination-subject.ts'

/** Trying a destination out, and telling whether two are one place. */
export function describeProbe(subject: Subject): void {
  test('what a run does can be tried: before the first archive, beside others, and nothing stays of it', async () => {
    const own = await subject.make()
    const one = own.open()
    try {
      for (let n = 0; n < 2; n += 1) {
        const before = await own.visible()
        await one.probe(never)
        assert.deepEqual(await own.visible(), before)
        const upload = await one.begin(subject.fresh(), never)
        await upload.commit(commitOf(randomBytes(9), 0), never)
      }
      assert.equal((await own.visible()).length, 2)
    } finally {
      await one.close()
      await own.close()
    }
  })

  test('trying ends with its signal', async () => {
    await rejectsWith('E_ABORTED', subject.destination.probe(AbortSignal.abort()))
  })

  test('two destinations to one place say so, before its first archive and after', async () => {
    const own = await subject.make()
    const [one, other] = [own.open(), own.open()]
    try {
      assert.equal(await one.place(never), await other.place(never))
      const upload = await one.begin(subject.fresh(), never)
      await upload.commit(commitOf(randomBytes(9), 0), never)
      assert.equal(await one.place(never), await other.place(never))
    } finally {
      await Promise.all([one.close(), other.close(), own.close()])
    }
  })
}
