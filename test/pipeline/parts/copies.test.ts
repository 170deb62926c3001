import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { Copies, type Copy } from '../../../src/pipeline/parts/copies.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { memoryDestination } from '../../support/memory-destination.ts'

const never = new AbortController().signal
const copy = (name: string): Copy => ({
  destination: memoryDestination(name),
  stored: { id: name, path: name, bytes: 1, digest: null },
})

/** How a wait ended; 'waits' when it has not. */
async function ending(wait: Promise<void>): Promise<string> {
  const settled = wait.then(
    () => 'a copy',
    (error: unknown) => (error instanceof BackupError ? error.code : String(error)),
  )
  await turn()
  return await Promise.race([settled, turn('waits')])
}

describe('waiting for a whole copy', () => {
  test('it ends when another destination is done', async () => {
    const copies = new Copies(2)
    const wait = copies.next(never)
    assert.equal(await ending(wait), 'waits')
    copies.add(copy('other'))
    copies.ended()
    assert.equal(await ending(wait), 'a copy')
    assert.deepEqual(
      copies.all.map(({ destination }) => destination.name),
      ['other'],
    )
  })

  test('it ends with E_SOURCE when nobody is left who could get there', async () => {
    const copies = new Copies(3)
    const wait = copies.next(never)
    copies.ended()
    assert.equal(await ending(wait), 'waits', 'one is still on its way')
    copies.ended()
    assert.equal(await ending(wait), 'E_SOURCE')
    assert.equal(await ending(new Copies(1).next(never)), 'E_SOURCE', 'alone from the start')
  })

  test('any number that wait for each other all get E_SOURCE, in any order of steps', async () => {
    for (const count of [2, 3, 5]) {
      for (const pause of [0, 1, 2]) {
        const copies = new Copies(count)
        const waits = Array.from({ length: count }, async () => {
          for (let n = 0; n < pause; n += 1) await turn()
          try {
            await copies.next(never)
          } finally {
            copies.ended()
          }
        })
        for (const { status, ...rest } of await Promise.allSettled(waits)) {
          assert.equal(status, 'rejected')
          assert.ok('reason' in rest && rest.reason instanceof BackupError && rest.reason.code === 'E_SOURCE')
        }
      }
    }
  })

  test('all who wait hear of one copy', async () => {
    const copies = new Copies(4)
    const waits = [copies.next(never), copies.next(never), copies.next(never)]
    copies.add(copy('other'))
    for (const wait of waits) assert.equal(await ending(wait), 'a copy')
  })

  test('who knows of fewer copies than there are does not wait', async () => {
    const copies = new Copies(2)
    const known = copies.all.length
    copies.add(copy('other'))
    copies.ended()
    assert.equal(await ending(copies.next(never, known)), 'a copy')
    assert.equal(await ending(copies.next(never)), 'E_SOURCE')
  })

  test('an abort ends it, before and while it waits, and leaves no listener behind', async () => {
    const stop = new AbortController()
    const copies = new Copies(3)
    const wait = copies.next(stop.signal)
    assert.equal(await ending(wait), 'waits')
    stop.abort(new BackupError('E_ABORTED', 'stopped'))
    assert.equal(await ending(wait), 'E_ABORTED')
    assert.equal(await ending(copies.next(stop.signal)), 'E_ABORTED')
    assert.deepEqual(getEventListeners(stop.signal, 'abort'), [])
  })
})
