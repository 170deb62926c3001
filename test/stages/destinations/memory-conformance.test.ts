/** The destination in memory, which other tests rely on, keeps the contract as well. */
import { countBytes } from '../../../src/pipeline/flow/count-bytes.ts'
import type { Destination } from '../../../src/pipeline/contract/destination.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { describeDestination, type DestinationUnderTest } from '../../conformance/destination.ts'
import { memoryDestination } from '../../support/memory-destination.ts'

function make(wrap: (destination: Destination) => Destination, inFlight = 1): Promise<DestinationUnderTest> {
  const far = memoryDestination('memory')
  return Promise.resolve({
    open: () => wrap(far.another({ inFlight })),
    visible: () => Promise.resolve([...far.objects.keys()]),
    read: (object) => Promise.resolve(far.objects.get(object) ?? Buffer.alloc(0)),
    storeBelow: null,
    close: () => Promise.resolve(),
  })
}

const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 50, openingBudgetMs: 50 }
const counting = (inner: Destination): Destination => countBytes(inner, () => undefined)

describeDestination('memory', () => make((inner) => inner))
describeDestination('memory behind both wrappers', () => make((inner) => withRetry(counting(inner), { policy })))
describeDestination('memory, several at once', () => make((inner) => inner, 4))
