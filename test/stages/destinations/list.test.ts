/** Listing the folder at the services, with faults on the way: every object once, or a clear error. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { html } from '../../../src/stages/stand-ins/answer.ts'
import type { Fault } from '../../../src/stages/stand-ins/faults.ts'
import type { StandIn, StandInOptions } from '../../../src/stages/stand-ins/types.ts'
import * as dropbox from './dropbox-far-side.ts'
import * as drive from './google-drive-far-side.ts'
import { assertListed, listAll, namesOf, storeAll } from './listing.ts'
import { rejects } from './reading.ts'

const never = new AbortController().signal
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 20_000, openingBudgetMs: 20_000 }

type Start = (
  t: TestContext,
  options?: Partial<StandInOptions>,
) => Promise<{ readonly standIn: StandIn; readonly destination: Destination }>

const services: Record<string, Start> = {
  Dropbox: async (t, options) => {
    const { standIn, open } = await dropbox.startDropbox(t, options)
    return { standIn, destination: open(dropbox.RENEWABLE) }
  },
  'Google Drive': (t, options) => drive.startDrive(t, options),
}

const pagesOf = ({ requests }: StandIn): number => requests.count('list') + requests.count('list-more')

const passing: readonly Fault[] = [
  { kind: 'answer', answer: html(503) },
  { kind: 'answer', answer: html(200) },
  { kind: 'answer', answer: { status: 429, headers: { 'content-type': 'text/plain', 'retry-after': '0' }, body: '' } },
  { kind: 'lost' },
  { kind: 'lost', at: 'after-commit' },
  { kind: 'truncated' },
]

for (const [service, start] of Object.entries(services)) {
  describe(`${service}: listing the folder`, () => {
    test('2,500 objects come in pages, each once', async (t) => {
      const { standIn, destination } = await start(t)
      const names = namesOf(2500)
      await storeAll(destination, names)
      const before = pagesOf(standIn)
      assertListed(await listAll(destination), names)
      assert.equal(pagesOf(standIn), before + 3)
    })

    test('a page is asked for when the one before it is used up', async (t) => {
      const { standIn, destination } = await start(t, { pageEntries: 5 })
      await storeAll(destination, namesOf(20))
      const before = pagesOf(standIn)
      for await (const _ of destination.list(never)) break
      assert.equal(pagesOf(standIn), before + 1)
    })

    test('a passing fault at any page is for trying again, and the wrapper gives each object once', async (t) => {
      const { standIn, destination } = await start(t, { pageEntries: 5 })
      const names = namesOf(18)
      await storeAll(destination, names)
      const before = pagesOf(standIn)
      await listAll(destination)
      const pages = pagesOf(standIn) - before
      assert.equal(pages, 4)
      const wrapped = withRetry(destination, { policy })
      for (let page = 1; page <= pages; page += 1) {
        for (const fault of passing) {
          standIn.faults.add({ route: '*', nth: page, fault })
          await rejects('E_DESTINATION', 'retry', listAll(destination))
          standIn.faults.add({ route: '*', nth: page, fault })
          assertListed(await listAll(wrapped), names)
        }
      }
      // Two of them on one listing, the second wherever the listing is by then.
      for (let page = 1; page <= 2 * pages; page += 1) {
        standIn.faults.add({ route: '*', nth: 3, fault: { kind: 'lost' } })
        if (page !== 3) standIn.faults.add({ route: '*', nth: page, fault: { kind: 'truncated' } })
        assertListed(await listAll(wrapped), names)
        standIn.faults.clear()
      }
    })

    test('a token that expires between two pages is renewed', async (t) => {
      const { standIn, destination } = await start(t, { pageEntries: 5 })
      const names = namesOf(11)
      await storeAll(destination, names)
      const before = standIn.requests.count('token')
      const given: string[] = []
      for await (const { name } of destination.list(never)) {
        given.push(name)
        if (given.length === 1) standIn.expireTokens()
      }
      assert.deepEqual(given.sort(), names)
      assert.equal(standIn.requests.count('token'), before + 1)
    })

    test('a fault that stays ends the listing with an error, not as a short list', async (t) => {
      const { standIn, destination } = await start(t, { pageEntries: 5 })
      await storeAll(destination, namesOf(11))
      let given = 0
      const impatient = { ...policy, openingBudgetMs: 50 }
      const listing = async (): Promise<void> => {
        for await (const _ of withRetry(destination, { policy: impatient }).list(never)) {
          if ((given += 1) === 1) {
            standIn.faults.add({ route: '*', nth: 'every', fault: { kind: 'answer', answer: html(500) } })
          }
        }
      }
      await rejects('E_DESTINATION', 'retry', listing())
      assert.ok(given < 11, `${given} given`)
    })
  })
}
