import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inBatches } from '../../../src/pipeline/flow/batches.ts'

async function batches(weights: readonly number[], items: number, budget: number): Promise<number[][]> {
  const source = async function* (): AsyncGenerator<number> {
    yield* await Promise.resolve(weights)
  }
  const found: number[][] = []
  for await (const batch of inBatches(source(), { items, budget, weight: (weight) => weight })) found.push(batch)
  return found
}

test('a batch ends with its number of items, with its weight, or with the source', async () => {
  assert.deepEqual(await batches([], 3, 10), [])
  assert.deepEqual(await batches([1, 1, 1, 1], 3, 10), [[1, 1, 1], [1]])
  assert.deepEqual(await batches([4, 6, 1], 9, 10), [[4, 6], [1]])
  assert.deepEqual(await batches([4, 7, 1], 9, 10), [[4], [7, 1]], 'what does not fit begins the next')
  assert.deepEqual(await batches([1, 99, 1], 9, 10), [[1], [99], [1]], 'one is a batch whatever it weighs')
  assert.deepEqual(await batches([0, 0, 0], 2, 10), [[0, 0], [0]])
})
