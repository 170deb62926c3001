/** The retry wrapper over a listing: wherever it breaks off, each object is given once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { memoryDestination } from '../../support/memory-destination.ts'
import { assertListed, listAll, namesOf, storeAll } from './listing.ts'

const never = new AbortController().signal
const policy = { firstPauseMs: 1, longestPauseMs: 2, budgetMs: 20_000, openingBudgetMs: 1000 }
const hiccup = (): BackupError => new BackupError('E_DESTINATION', 'A passing fault.', { remedy: 'retry' })

test('a listing that breaks off behind any object goes on, and gives each object once', async () => {
  const names = namesOf(12)
  for (let good = 0; good <= names.length; good += 1) {
    let steps = 0
    const far = memoryDestination('d')
    await storeAll(far, names)
    const inner = far.another({
      before: () => {
        if (steps++ === good) throw hiccup()
      },
    })
    assertListed(await listAll(withRetry(inner, { policy })), names)
    assert.equal(inner.calls.length, 2)
  }
})

test('the time without progress starts anew with each object that is new, and with no other', async () => {
  const names = namesOf(12)
  const far = memoryDestination('d')
  await storeAll(far, names)
  // Each try gets one object further: together the pauses are longer than one try's patience.
  let highWater = 0
  let at = 0
  const further = far.another({
    before: (call) => {
      if (call === 'list') at = 0
      else if (++at > highWater) {
        highWater += 1
        throw hiccup()
      }
    },
  })
  const pauses: number[] = []
  const slow = { firstPauseMs: 20, longestPauseMs: 20, budgetMs: 30, openingBudgetMs: 30 }
  const wrapped = withRetry(further, { policy: slow, onRetry: (_, ms) => pauses.push(ms) })
  assertListed(await listAll(wrapped), names)
  assert.ok(pauses.reduce((sum, ms) => sum + ms, 0) > 2 * slow.openingBudgetMs)

  const stuck = far.another({
    before: (call) => {
      if (call === 'list') at = 0
      else if (++at > 5) throw hiccup()
    },
  })
  let given = 0
  await assert.rejects(async () => {
    for await (const _ of withRetry(stuck, { policy: slow }).list(never)) given += 1
  }, hiccup())
  assert.equal(given, 6)
})

test('an error that is not for trying again ends the listing at once', async () => {
  const far = memoryDestination('d')
  await storeAll(far, namesOf(3))
  const inner = far.another({
    before: (call) => {
      if (call === 'entry') throw new BackupError('E_AUTH', 'No longer signed in.')
    },
  })
  await assert.rejects(listAll(withRetry(inner, { policy })), { code: 'E_AUTH' })
  assert.equal(inner.calls.length, 1)
})

test('what the one who lists throws is not taken for a fault of the destination', async () => {
  const far = memoryDestination('d')
  await storeAll(far, namesOf(3))
  const inner = far.another()
  await assert.rejects(async () => {
    for await (const _ of withRetry(inner, { policy }).list(never)) throw hiccup()
  }, hiccup())
  assert.equal(inner.calls.length, 1)
})
