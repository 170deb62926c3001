import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import { Backlog } from '../../../src/stages/plan/backlog.ts'

test('a backlog gives what was put in, in order, and then ends', async () => {
  const backlog = new Backlog<string>(3)
  const items = Array.from({ length: 100 }, (_, index) => String(index))
  const taken: string[] = []
  const reader = (async () => {
    for await (const item of backlog) taken.push(item)
  })()
  for (const item of items) {
    backlog.push([item])
    if (Number(item) % 7 === 0) await tick()
  }
  backlog.end()
  await reader
  assert.deepEqual(taken, items)
  assert.equal(backlog.size, 0)
})

test('there is room exactly while fewer items wait than the limit', async () => {
  for (const limit of [1, 2, 10]) {
    const backlog = new Backlog<string>(limit)
    const reader = backlog[Symbol.asyncIterator]()
    for (let waiting = 0; waiting < limit; waiting++) {
      assert.equal(await backlog.room(), true)
      backlog.push(['x'])
    }
    backlog.push(['one too many'])
    let room = false
    const waiting = backlog.room().then((more) => (room = more))
    await reader.next()
    await tick()
    assert.equal(room, false, 'the limit is still reached')
    await reader.next()
    assert.equal(await waiting, true)
    assert.equal(backlog.size, limit - 1)
  }
})

test('a failure reaches the reader before what still waits, and whoever waits for room', async () => {
  const backlog = new Backlog<string>(1)
  backlog.push(['x'])
  const room = backlog.room()
  backlog.fail(new Error('first'))
  backlog.fail(new Error('second'))
  assert.equal(await room, false)
  assert.equal(await backlog.room(), false)
  await assert.rejects(backlog[Symbol.asyncIterator]().next(), /first/)
})
