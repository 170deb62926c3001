/** In a file of its own, and so in a process of its own: its threads are gone after. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlannedFile } from '../../../src/stages/plan/types.ts'
import { make, place } from './archive-maker.ts'
import { noise } from './going-on.ts'
import { planned, prepared } from './prepared-files.ts'

test('threads that end while files are made entries fail the archive with an error that says so, and nothing waits for ever', async (t) => {
  const here = await place(t)
  const plan: PlannedFile[] = []
  for (let n = 0; n < 20; n += 1) {
    await here.put(`${n}`, noise(400_000, n))
    plan.push(await planned(here.root, `${n}`))
  }
  const unhandled: unknown[] = []
  const note = (reason: unknown): unknown => unhandled.push(reason)
  process.on('unhandledRejection', note)
  t.after(() => process.off('unhandledRejection', note))
  // What no run asks for, so that the program of the threads fails.
  const noFolder = undefined as unknown as string
  await assert.rejects(
    async () => {
      for await (const _ of prepared(noFolder, plan));
    },
    { code: 'E_INTERNAL', message: /helper thread has ended/ },
  )
  await assert.rejects(make(here), { code: 'E_INTERNAL', message: /helper thread has ended/ })
  await new Promise(setImmediate)
  assert.deepEqual(unhandled, [])
})
