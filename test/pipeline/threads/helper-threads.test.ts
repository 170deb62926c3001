import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import type { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { HelperThread, programBeside } from '../../../src/pipeline/threads/helper-threads.ts'
import { threadCount } from '../../support/threads.ts'

const echo = programBeside(import.meta, '../../support/helper-echo')
const module = path.resolve(import.meta.dirname, '../../../src/pipeline/threads/helper-threads.ts')

test('answers come in the order of the questions', async () => {
  const thread = new HelperThread(echo)
  const answers = Array.from({ length: 50 }, (_, n) => thread.ask<number>(n))
  assert.equal(thread.load, 50)
  assert.deepEqual(
    await Promise.all(answers),
    Array.from({ length: 50 }, (_, n) => 2 * n),
  )
  assert.equal(thread.load, 0)
})

test('memory that is shared is worked on where it is', async () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(100))
  await new HelperThread(echo).ask(bytes.subarray(10, 20))
  assert.deepEqual([...bytes].map((byte, at) => byte === (at >= 10 && at < 20 ? 7 : 0)).indexOf(false), -1)
})

test('one that ends fails whoever waits for it, and the next question starts another', async () => {
  const thread = new HelperThread(echo)
  assert.equal(await thread.ask(1), 2)
  const waiting = [thread.ask('fail'), thread.ask(2)]
  const ended = await Promise.allSettled(waiting)
  assert.deepEqual(
    ended.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  for (const one of ended) assert.match(one.status === 'rejected' ? String(one.reason) : '', /told to fail/)
  assert.equal(await thread.ask(3), 6)
  assert.equal(thread.load, 0)
})

test('so it does when its program ends it, or there is no program', async () => {
  for (const [program, message] of [
    [echo, 'exit'],
    [programBeside(import.meta, '../../support/not-there'), 1],
  ] as const) {
    const thread = new HelperThread(program)
    const ended = await Promise.allSettled([thread.ask(message), thread.ask(2)])
    for (const one of ended) assert.equal(one.status === 'rejected' && (one.reason as BackupError).code, 'E_INTERNAL')
    await assert.rejects(thread.ask(message), { code: 'E_INTERNAL' })
  }
})

test('so it does when its memory is used up, and the process goes on', () => {
  const program = `import(${JSON.stringify(pathToFileURL(module).href)}).then(async ({ HelperThread }) => {
    const thread = new HelperThread(new URL(${JSON.stringify(echo.href)}))
    const ended = await Promise.allSettled([thread.ask('fill'), thread.ask(2)])
    console.log(ended.map(({ reason }) => reason.code + reason.message).join())
  })`
  const out = execFileSync(process.execPath, ['--max-old-space-size=40', '-e', program], {
    timeout: 600_000,
    stdio: 'pipe',
  })
  assert.match(out.toString(), /^E_INTERNAL.*memory.*E_INTERNAL.*memory/)
})

test('a message that cannot be sent is refused, and the answers of others stay their own', async () => {
  const thread = new HelperThread(echo)
  const first = thread.ask(1)
  await assert.rejects(
    thread.ask(() => 'a function'),
    { name: 'DataCloneError' },
  )
  assert.deepEqual(await Promise.all([first, thread.ask(2)]), [2, 4])
  assert.equal(thread.load, 0)
})

test('one that has nothing to do does not keep the process alive, one that has does', () => {
  const program = `import(${JSON.stringify(pathToFileURL(module).href)}).then(async ({ HelperThread }) => {
    console.log(await new HelperThread(new URL(${JSON.stringify(echo.href)})).ask(21))
  })`
  const out = execFileSync(process.execPath, ['-e', program], { timeout: 600_000 })
  assert.equal(out.toString().trim(), '42')
})

test('one that was ended is gone, and answers again when it is asked', async () => {
  const before = threadCount()
  const thread = new HelperThread(echo)
  await thread.end()
  for (let n = 0; n < 2; n += 1) {
    assert.equal(await thread.ask(n), 2 * n)
    assert.equal(threadCount(), before + 1)
    await thread.end()
    assert.equal(threadCount(), before)
  }
})

test('one that is ended before it has answered fails who waits, and later answers are those of later messages', async () => {
  const thread = new HelperThread(echo)
  const waiting = [assert.rejects(thread.ask(1), { code: 'E_INTERNAL' }), assert.rejects(thread.ask(2))]
  await thread.end()
  await Promise.all(waiting)
  assert.equal(thread.load, 0)
  assert.deepEqual(await Promise.all([thread.ask(10), thread.ask(20)]), [20, 40])
  await thread.end()
})
