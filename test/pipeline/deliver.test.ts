import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { MAX_REQUEST_BYTES, WINDOW_PARTS, type Outcome } from '../../src/pipeline/deliver.ts'
import type { Destination } from '../../src/pipeline/contract/destination.ts'
import { BackupError } from '../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { withRetry } from '../../src/pipeline/send/retry.ts'
import { deliverTo, endless, pieces } from '../support/deliver-to.ts'
import { memoryDestination } from '../support/memory-destination.ts'

const quick = { firstPauseMs: 1, longestPauseMs: 2, budgetMs: 200, openingBudgetMs: 200 }
const NEVER_LET_GO = { graceMs: 2 ** 30, share: 0 }

describe('one source to several destinations', () => {
  test('every size around a part and a request arrives the same everywhere', async (t) => {
    for (const size of [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 3 * PART_BYTES + 1]) {
      const data = randomBytes(size)
      const all = [1000, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES].map((requestBytes, index) =>
        memoryDestination(`d${index}`, { requestBytes: Math.max(requestBytes, size / 50) }),
      )
      const { whole, outcomes } = await deliverTo(t, pieces(data, 700_001), all)
      assert.equal(whole?.bytes, size)
      for (const one of all) assert.ok(one.objects.get('a.zip')?.equals(data), `${one.name} at ${size} bytes`)
      assert.ok(outcomes.every(({ stored, error }) => stored?.bytes === size && error === null))
    }
  })

  test('the largest request fits into the window, wherever in a part it begins', { timeout: 600_000 }, async (t) => {
    assert.ok(MAX_REQUEST_BYTES >= 32 << 20, 'a configuration may ask for 32 MiB')
    const data = randomBytes(2 * MAX_REQUEST_BYTES)
    const inner = memoryDestination('d', { requestBytes: MAX_REQUEST_BYTES })
    // It keeps all but one byte of each request, so that requests begin just before the end of a part.
    const oneShort: Destination = {
      ...inner,
      begin: async (object, signal) => {
        const upload = await inner.begin(object, signal)
        const append: typeof upload.append = async (offset, chunks) => {
          const bytes = Buffer.concat(chunks)
          return await upload.append(offset, [bytes.subarray(0, -1)], signal)
        }
        return { ...upload, append }
      },
    }
    const { outcomes } = await deliverTo(t, pieces(data, 1 << 20), [oneShort, memoryDestination('other')])
    assert.deepEqual(
      outcomes.map(({ error }) => error),
      [null, null],
    )
    assert.ok(inner.objects.get('a.zip')?.equals(data))
  })

  test('what a stuck destination that stays in the window keeps in memory is the window, and no more', async (t) => {
    let pulled = 0
    const stop = new AbortController()
    const stuckCall = Promise.withResolvers<undefined>()
    const stuck = memoryDestination('stuck', {
      before: (call) => (call === 'append' ? stuckCall.promise : undefined),
    })
    const run = deliverTo(
      t,
      endless((n) => {
        pulled = n
      }),
      [stuck, memoryDestination('free')],
      { signal: stop.signal, stallPolicy: NEVER_LET_GO },
    )
    const inWindow = WINDOW_PARTS * (PART_BYTES >> 20)
    while (pulled < inWindow || !stuck.calls.includes('append')) await sleep(10)
    await sleep(100)
    // One waits for room, and the next is being cut while its digest is made.
    assert.ok(pulled <= inWindow + 2 * (PART_BYTES >> 20) + 1, `pulled ${pulled} MiB`)
    stop.abort(new BackupError('E_ABORTED', 'stopped'))
    stuckCall.reject(new BackupError('E_DESTINATION', 'The line broke.'))
    assert.equal((await run).failure?.code, 'E_ABORTED')
  })

  test('one destination that fails at any call does not keep the other from the whole archive', async (t) => {
    const data = randomBytes(3 * PART_BYTES + 5)
    for (let n = 1; ; n += 1) {
      let fired = false
      const bad = memoryDestination('bad', {
        requestBytes: PART_BYTES,
        before: (_call, count) => {
          if (count !== n) return
          fired = true
          throw new BackupError('E_QUOTA', 'bad is full.')
        },
      })
      const good = memoryDestination('good')
      const { whole, outcomes } = await deliverTo(t, pieces(data, 1 << 20), [bad, good])
      assert.ok(good.objects.get('a.zip')?.equals(data))
      assert.equal(whole?.bytes, data.length)
      assert.equal(outcomes[0]?.error?.code, fired ? 'E_QUOTA' : undefined)
      assert.equal(bad.objects.has('a.zip'), !fired)
      if (!fired) {
        assert.ok(n > 5, 'the loop went through every call')
        break
      }
    }
  })

  test('a passing fault at any call is overcome behind the retry wrapper, whether the call was carried out or not', async (t) => {
    const data = randomBytes(3 * PART_BYTES + 5)
    for (let n = 1; ; n += 1) {
      let fired = false
      const inner = memoryDestination('d', {
        requestBytes: PART_BYTES,
        before: (_call, count) => {
          if (count !== n) return
          fired = true
          throw new BackupError('E_DESTINATION', 'a hiccup', { remedy: 'resume' })
        },
      })
      const { outcomes } = await deliverTo(t, pieces(data, 1 << 20), [withRetry(inner, { policy: quick })])
      assert.equal(outcomes[0]?.error, null)
      assert.ok(inner.objects.get('a.zip')?.equals(data))
      if (!fired) break
    }
  })

  test("each destination's own end is heard of when it comes, and not what ends because the run does", async (t) => {
    const heard: string[] = []
    const listen = async (source: AsyncIterable<Uint8Array>, names: readonly string[]): Promise<void> => {
      const all = names.map((name) =>
        memoryDestination(name, {
          before: (call) => {
            if (name === 'full' && call === 'append') throw new BackupError('E_QUOTA', 'full')
          },
        }),
      )
      const onOutcome = ({ destination, error }: Outcome): void => {
        heard.push(`${destination.name} ${error?.code ?? 'stored'}`)
      }
      await deliverTo(t, source, all, { onOutcome })
    }
    await listen(pieces(randomBytes(3 * PART_BYTES), 1 << 20), ['full', 'good'])
    assert.deepEqual(heard.splice(0), ['full E_QUOTA', 'good stored'])
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* pieces(randomBytes(100), 10)
      throw new BackupError('E_DUMP', 'the dump broke off')
    }
    await listen(failing(), ['good'])
    assert.deepEqual(heard, [])
  })

  test('an archive that outgrows what a destination takes is given up there, and nowhere else', async (t) => {
    const small = memoryDestination('small', { requestBytes: 1000 })
    const limited = { ...small, traits: { ...small.traits, maxObjectBytes: 9_999 } }
    const data = randomBytes(10_000)
    const { outcomes } = await deliverTo(t, pieces(data, 700), [limited, memoryDestination('large')])
    assert.equal(outcomes[0]?.error?.code, 'E_QUOTA')
    assert.equal(small.objects.size, 0)
    assert.equal(outcomes[1]?.stored?.bytes, 10_000)
    const exact = memoryDestination('exact', { requestBytes: 1000 })
    const fits = await deliverTo(t, pieces(data, 700), [
      { ...exact, traits: { ...exact.traits, maxObjectBytes: 10_000 } },
    ])
    assert.equal(fits.outcomes[0]?.stored?.bytes, 10_000)
  })
})
