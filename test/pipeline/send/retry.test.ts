import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { countBytes } from '../../../src/pipeline/flow/count-bytes.ts'
import type { Upload } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { BackupError, type Remedy } from '../../../src/pipeline/contract/errors.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { memoryDestination } from '../../support/memory-destination.ts'
import { steadyClock } from '../../support/steady-clock.ts'

const never = new AbortController().signal
const quick = { firstPauseMs: 1, longestPauseMs: 4, budgetMs: 100, openingBudgetMs: 100 }
const hiccup = (remedy: Remedy, retryAfterMs: number | null = null) =>
  new BackupError('E_DESTINATION', 'a hiccup', { remedy, retryAfterMs })

function commitOf(data: Buffer) {
  const digest = new ObjectDigest()
  digest.update(data)
  return { offset: 0, tail: [data], bytes: data.length, digests: digest.digests() }
}

describe('retrying', () => {
  test('an error that says stop or restart is not tried again', async (t) => {
    steadyClock(t, 4)
    for (const remedy of ['stop', 'restart'] as const) {
      const inner = memoryDestination('d', {
        before: () => {
          throw hiccup(remedy)
        },
      })
      await assert.rejects(withRetry(inner, { policy: quick }).signIn(never), { remedy })
      assert.equal(inner.calls.length, 1)
    }
  })

  test('it ends when patience does, with the last error', async (t) => {
    steadyClock(t, 4)
    const inner = memoryDestination('d', {
      before: () => {
        throw hiccup('retry')
      },
    })
    await assert.rejects(withRetry(inner, { policy: quick }).signIn(never), { message: 'a hiccup' })
    assert.ok(inner.calls.length > 3)
  })

  test('an upload is given more patience than its opening, behind which the others wait', async (t) => {
    steadyClock(t, 4)
    const inner = memoryDestination('d', {
      before: () => {
        throw hiccup('retry')
      },
    })
    await assert.rejects(
      withRetry(inner, { policy: { ...quick, budgetMs: 600_000, openingBudgetMs: 20 } }).begin('a.zip', never),
    )
  })

  test('progress renews patience: many hiccups are borne as long as bytes arrive between them', async (t) => {
    steadyClock(t, 4)
    let broken = false
    const inner = memoryDestination('d', {
      before: (call) => {
        if (call === 'append' && (broken = !broken)) throw hiccup('resume')
      },
    })
    const upload = await withRetry(inner, { policy: { ...quick, budgetMs: 40 } }).begin('a.zip', never)
    let held = 0
    for (let n = 0; n < 60; n += 1) held = await upload.append(held, [randomBytes(10)], never)
    assert.equal(held, 600)
  })

  test('the time between two requests, and that of a slow one, is not counted against patience', async () => {
    const policy = { ...quick, budgetMs: 30 }
    let slow = false
    let hiccups = 1
    const inner = memoryDestination('d', {
      before: async (call) => {
        if (call !== 'append' && call !== 'commit') return
        if (slow) await sleep(60)
        if (hiccups-- > 0) throw hiccup('resume')
      },
    })
    const upload = await withRetry(inner, { policy }).begin('a.zip', never)
    const data = randomBytes(30)
    assert.equal(await upload.append(0, [data.subarray(0, 10)], never), 10)
    await sleep(60) // its sibling is slow
    hiccups = 1
    assert.equal(await upload.append(10, [data.subarray(10, 20)], never), 20)
    slow = true
    hiccups = 1
    const commit = { ...commitOf(data), offset: 20, tail: [data.subarray(20)] }
    assert.equal((await upload.commit(commit, never)).bytes, 30)
  })

  test('a pause that the far side asks for is kept', async (t) => {
    steadyClock(t, 4)
    const pauses: number[] = []
    let first = true
    const inner = memoryDestination('d', {
      before: () => {
        if (!first) return
        first = false
        throw hiccup('retry', 30)
      },
    })
    await withRetry(inner, { policy: quick, onRetry: (_error, pauseMs) => pauses.push(pauseMs) }).signIn(never)
    assert.deepEqual(pauses, [30])
  })

  test('the pauses grow, scatter, and stay below the longest', async (t) => {
    steadyClock(t, 4)
    const pauses: number[] = []
    const inner = memoryDestination('d', {
      before: () => {
        throw hiccup('retry')
      },
    })
    const policy = { firstPauseMs: 1, longestPauseMs: 8, budgetMs: 80, openingBudgetMs: 80 }
    await assert.rejects(withRetry(inner, { policy, onRetry: (_error, ms) => pauses.push(ms) }).signIn(never))
    pauses.forEach((ms, n) => {
      const ceiling = Math.min(8, 2 ** n)
      assert.ok(ms >= ceiling / 2 && ms <= ceiling, `pause ${n} was ${ms}`)
    })
  })

  test('what is sent again is counted again', async (t) => {
    steadyClock(t, 4)
    let sent = 0
    let failures = 2
    const inner = memoryDestination('d', {
      before: (call) => {
        if (call === 'append' && failures-- > 0) throw hiccup('resume')
      },
    })
    const destination = withRetry(
      countBytes(inner, (bytes) => (sent += bytes)),
      { policy: quick },
    )
    const upload = await destination.begin('a.zip', never)
    await upload.append(0, [randomBytes(60), randomBytes(40)], never)
    assert.equal(sent, 300)
  })

  test('an append whose answer was lost is not sent twice', async (t) => {
    steadyClock(t, 4)
    const inner = memoryDestination('d')
    const begun = await inner.begin('a.zip', never)
    let lost = true
    const lossy = {
      ...inner,
      begin: () =>
        Promise.resolve({
          ...begun,
          append: async (...args: Parameters<typeof begun.append>) => {
            const held = await begun.append(...args)
            if (lost) {
              lost = false
              throw hiccup('resume')
            }
            return held
          },
        }),
    }
    const upload = await withRetry(lossy, { policy: quick }).begin('a.zip', never)
    assert.equal(await upload.append(0, [randomBytes(100)], never), 100)
    assert.equal(inner.calls.filter((call) => call === 'append').length, 1)
  })

  test('a commit whose answer was lost is found, in an upload begun here and in one taken up', async (t) => {
    steadyClock(t, 4)
    for (const taken of [false, true]) {
      const inner = memoryDestination('d')
      const begun = await inner.begin('a.zip', never)
      let lost = 0
      const upload: Upload = {
        ...begun,
        commit: async (...args: Parameters<Upload['commit']>) => {
          const stored = await begun.commit(...args)
          if ((lost += 1) === 1) throw hiccup('resume')
          return stored
        },
      }
      const lossy = {
        ...inner,
        begin: () => Promise.resolve(upload),
        resume: () => Promise.resolve({ upload, held: 0 }),
      }
      const data = randomBytes(100)
      const destination = withRetry(lossy, { policy: quick })
      const open = taken
        ? (await destination.resume(begun.token, 0, never)).upload
        : await destination.begin('a.zip', never)
      assert.equal((await open.commit(commitOf(data), never)).bytes, 100)
      assert.ok(inner.objects.get('a.zip')?.equals(data))
      assert.equal(lost, 2)
    }
  })

  test('a far side that lost bytes it had acknowledged is told, not spliced', async (t) => {
    steadyClock(t, 4)
    const inner = memoryDestination('d')
    const begun = await inner.begin('a.zip', never)
    const forgetful = {
      ...inner,
      begin: () =>
        Promise.resolve({ ...begun, append: () => Promise.reject(hiccup('resume')), held: () => Promise.resolve(5) }),
    }
    const upload = await withRetry(forgetful, { policy: quick }).begin('a.zip', never)
    await assert.rejects(upload.append(10, [randomBytes(10)], never), { code: 'E_OFFSET' })
  })

  test('a signal ends the pause', async (t) => {
    steadyClock(t, 4)
    const stop = new AbortController()
    const inner = memoryDestination('d', {
      before: () => {
        throw hiccup('retry', 60_000)
      },
    })
    const policy = { ...quick, openingBudgetMs: 600_000 }
    const onRetry = (): void => {
      stop.abort()
    }
    const call = withRetry(inner, { policy, onRetry }).signIn(stop.signal)
    await assert.rejects(call, { code: 'E_ABORTED' })
  })
})
