/** In a file of its own, and so in a process of its own: its threads end in the middle of their work. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { PlannedFile } from '../../../src/stages/plan/types.ts'
import { everyReaderAccepts, make, place } from './archive-maker.ts'
import { noise } from './going-on.ts'
import { planned, prepared } from './prepared-files.ts'

test('threads that end while files are made entries fail that archive with an error that says so, nothing waits for ever, and the next archive has new threads', async (t) => {
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
  // No folder: what no run asks for, so that the program of the threads fails.
  const post = Reflect.get(Worker.prototype, 'postMessage')
  const failing = t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, message: object) {
    post.call(this, 'batchBuffer' in message ? { ...message, root: undefined } : message)
  })
  await assert.rejects(
    async () => {
      for await (const _ of prepared(here.root, plan));
    },
    { code: 'E_INTERNAL', message: /helper thread has ended/ },
  )
  await assert.rejects(make(here), { code: 'E_INTERNAL', message: /helper thread has ended/ })
  failing.mock.restore()
  assert.equal((await make(here)).progress.filesDone, plan.length)
  await everyReaderAccepts(here.archive)
  assert.deepEqual(unhandled, [])
})
