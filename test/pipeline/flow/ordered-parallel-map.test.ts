import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { orderedParallelMap } from '../../../src/pipeline/flow/ordered-parallel-map.ts'

async function* numbers(count: number, onPull: (n: number) => void = () => undefined): AsyncGenerator<number> {
  for (let n = 0; n < count; n += 1) {
    await Promise.resolve()
    onPull(n)
    yield n
  }
}

const bounds = { concurrency: 4, items: 10, budget: 100, weight: () => 1 }

test('results come in the order of the source, whatever each took', async () => {
  const results: number[] = []
  const work = async (n: number): Promise<number> => {
    await sleep(n % 3 === 0 ? 5 : 0)
    return n * n
  }
  for await (const one of orderedParallelMap(numbers(50), work, bounds)) results.push(one)
  assert.deepEqual(
    results,
    Array.from({ length: 50 }, (_, n) => n * n),
  )
})

test('no more than `concurrency` work at once, and no more than `items` or `budget` wait', async () => {
  let active = 0
  let most = 0
  let pulled = 0
  let done = 0
  let ahead = 0
  const work = async (n: number): Promise<number> => {
    most = Math.max(most, (active += 1))
    await sleep(1)
    active -= 1
    return n
  }
  const source = numbers(60, (n) => {
    pulled = n + 1
  })
  for await (const _ of orderedParallelMap(source, work, { ...bounds, budget: 12, weight: () => 3 })) {
    ahead = Math.max(ahead, pulled - done)
    done += 1
    await sleep(2)
  }
  assert.ok(most <= 4 && most > 1, `${most} at once`)
  assert.ok(ahead <= 5, `${ahead} ahead`)
})

test('a reader that stops early waits for the work under way and closes the source', async () => {
  let closed = false
  let active = 0
  const source = async function* (): AsyncGenerator<number> {
    try {
      yield* numbers(1000)
    } finally {
      closed = true
    }
  }
  const work = async (n: number): Promise<number> => {
    active += 1
    await sleep(5)
    active -= 1
    return n
  }
  for await (const one of orderedParallelMap(source(), work, bounds)) if (one === 3) break
  assert.equal(active, 0)
  assert.equal(closed, true)
})

test('work that fails, fails at its turn', async () => {
  const seen: number[] = []
  const work = async (n: number): Promise<number> => {
    await sleep(0)
    if (n === 5) throw new Error('five')
    return n
  }
  await assert.rejects(async () => {
    for await (const one of orderedParallelMap(numbers(20), work, bounds)) seen.push(one)
  }, /five/)
  assert.deepEqual(seen, [0, 1, 2, 3, 4])
})
