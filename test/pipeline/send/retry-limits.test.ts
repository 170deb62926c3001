/** How long trying again lasts: by patience, by what the far side asks for, and by a stop. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import type { Destination, Upload } from '../../../src/pipeline/contract/destination.ts'
import { BackupError, type Remedy } from '../../../src/pipeline/contract/errors.ts'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { memoryDestination } from '../../support/memory-destination.ts'
import { steadyClock } from '../../support/steady-clock.ts'

const never = new AbortController().signal
const quick = { firstPauseMs: 1, longestPauseMs: 4, budgetMs: 60, openingBudgetMs: 60 }
const HOUR = 60 * 60_000
const hiccup = (remedy: Remedy, retryAfterMs: number | null = null) =>
  new BackupError('E_DESTINATION', 'a hiccup.', { remedy, retryAfterMs })

/** A destination whose every upload is this one, whichever way it was opened. */
const withUpload = (inner: Destination, upload: Upload): Destination => ({
  ...inner,
  begin: () => Promise.resolve(upload),
  resume: async (_token, _acknowledged, signal) => ({ upload, held: await upload.held(signal) }),
})

function commitOf(data: Buffer) {
  const digest = new ObjectDigest()
  digest.update(data)
  return { offset: 0, tail: [data], bytes: data.length, digests: digest.digests() }
}

/** Every way to call a destination, each on one that fails every call with `error`. */
const CALLS: Record<string, (destination: Destination, upload: Upload, signal: AbortSignal) => Promise<unknown>> = {
  signIn: (destination, _upload, signal) => destination.signIn(signal),
  begin: (destination, _upload, signal) => destination.begin('a.zip', signal),
  resume: (destination, upload, signal) => destination.resume(upload.token, 0, signal),
  stat: (destination, _upload, signal) => destination.stat('a.zip', signal),
  remove: (destination, _upload, signal) =>
    destination.remove({ id: 'a.zip', path: '/a.zip', bytes: 1, digest: null }, signal),
  read: (destination, _upload, signal) =>
    destination.read({ id: 'a.zip', path: '/a.zip', bytes: 1, digest: null }, { from: 0, to: 1 }, signal).next(),
  held: (_destination, upload, signal) => upload.held(signal),
  append: (_destination, upload, signal) => upload.append(0, [Buffer.alloc(1)], signal),
  commit: (_destination, upload, signal) => upload.commit(commitOf(Buffer.alloc(1)), signal),
}

describe('the time without progress', () => {
  test('limits an upload although each of its tries fails at once', async (t) => {
    steadyClock(t, 10)
    const policy = { firstPauseMs: 5, longestPauseMs: 10, budgetMs: 300, openingBudgetMs: 1 }
    for (const call of ['append', 'commit', 'held'] as const) {
      let failing = false
      const inner = memoryDestination('d', {
        before: (name) => {
          if (failing && name === call) throw hiccup('resume')
        },
      })
      const pauses: number[] = []
      const onRetry = (_error: BackupError, pauseMs: number): void => void pauses.push(pauseMs)
      const upload = await withRetry(inner, { policy, onRetry }).begin('a.zip', never)
      failing = true
      await assert.rejects(CALLS[call]!(inner, upload, never), { message: 'a hiccup.' })
      assert.ok(pauses.length > 2, `${pauses.length} pauses`)
      const waited = pauses.reduce((sum, ms) => sum + ms, 0)
      assert.ok(waited < 2 * policy.budgetMs, `${waited} ms in ${pauses.length} pauses`)
    }
  })

  test('starts anew when the offset moves by a byte', async (t) => {
    steadyClock(t, 10)
    const inner = memoryDestination('d')
    const begun = await inner.begin('a.zip', never)
    const data = randomBytes(80)
    const pauses: number[] = []
    const policy = { firstPauseMs: 10, longestPauseMs: 10, budgetMs: 40, openingBudgetMs: 40 }
    const onRetry = (_error: BackupError, pauseMs: number): void => void pauses.push(pauseMs)
    /** Each try ends with an error, and one byte more held. */
    const creeping: Upload = {
      ...begun,
      commit: async (commit, signal) => {
        const [tail] = commit.tail
        if (tail === undefined) return await begun.commit(commit, signal)
        await begun.append(commit.offset, [tail.subarray(0, 1)], signal)
        throw hiccup('resume')
      },
    }
    const upload = await withRetry(withUpload(inner, creeping), { policy, onRetry }).begin('a.zip', never)
    assert.equal((await upload.commit(commitOf(data), never)).bytes, 80)
    assert.ok(pauses.reduce((sum, ms) => sum + ms, 0) > 5 * policy.budgetMs)
  })

  test('limits reading, starts anew with every byte, and none is given twice', async (t) => {
    steadyClock(t, 10)
    const data = randomBytes(40)
    const inner = memoryDestination('d')
    await (await inner.begin('a.zip', never)).commit(commitOf(data), never)
    const stored = await inner.stat('a.zip', never)
    assert.ok(stored)
    let bytesPerTry = 1
    const creeping: Destination = {
      ...inner,
      async *read(object, { from, to }, signal) {
        yield* inner.read(object, { from, to: Math.min(to, from + bytesPerTry) }, signal)
        if (from + bytesPerTry < to) throw hiccup('retry')
      },
    }
    const policy = { firstPauseMs: 10, longestPauseMs: 10, budgetMs: 40, openingBudgetMs: 1 }
    const pauses: number[] = []
    const onRetry = (_error: BackupError, pauseMs: number): void => void pauses.push(pauseMs)
    const read = async (from: number): Promise<Buffer> => {
      const chunks: Buffer[] = []
      const reading = withRetry(creeping, { policy, onRetry }).read(stored, { from, to: 40 }, never)
      for await (const chunk of reading) chunks.push(Buffer.from(chunk))
      return Buffer.concat(chunks)
    }
    for (const from of [0, 7, 39, 40]) assert.deepEqual(await read(from), data.subarray(from))
    assert.ok(pauses.reduce((sum, ms) => sum + ms, 0) > 5 * policy.budgetMs)
    bytesPerTry = 0
    await assert.rejects(read(0), { message: 'a hiccup.' })
  })

  test('is not what ends an error that says stop', async (t) => {
    steadyClock(t, 10)
    const inner = memoryDestination('d', {
      before: (name) => {
        if (name === 'read') throw hiccup('stop')
      },
    })
    await assert.rejects(CALLS['read']!(withRetry(inner, { policy: quick }), await inner.begin('a', never), never), {
      message: 'a hiccup.',
    })
    assert.equal(inner.calls.filter((call) => call === 'read').length, 1)
  })
})

describe('a pause that the far side asks for', () => {
  for (const [call, run] of Object.entries(CALLS)) {
    test(`of hours gives ${call} up at once, with when to try again`, async (t) => {
      steadyClock(t, 10)
      let failing = false
      const inner = memoryDestination('d', {
        before: () => {
          if (failing) throw hiccup('retry', 3 * HOUR)
        },
      })
      const pauses: number[] = []
      const policy = { ...quick, budgetMs: HOUR, openingBudgetMs: HOUR }
      const destination = withRetry(inner, { policy, onRetry: (_error, ms) => void pauses.push(ms) })
      const upload = await destination.begin('a.zip', never)
      failing = true
      const before = inner.calls.length
      await assert.rejects(run(destination, upload, never), (error) => {
        assert.ok(error instanceof BackupError)
        assert.match(error.message, /a hiccup\. It asks for a pause of 3 h/)
        const when = /^Try again after (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)\.$/.exec(error.advice)
        assert.ok(when, error.advice)
        const [year, month, day, hour, minute] = when.slice(1).map(Number) as [number, number, number, number, number]
        const minutes = (new Date(year, month - 1, day, hour, minute).getTime() - Date.now()) / 60_000
        assert.ok(minutes > 179 && minutes <= 181, `${minutes} minutes`)
        assert.equal(error.retryAfterMs, 3 * HOUR)
        return true
      })
      assert.equal(inner.calls.length, before + 1)
      assert.deepEqual(pauses, [])
    })
  }

  test('counts against patience like any other: of several the first that does not fit gives up', async (t) => {
    steadyClock(t, 40)
    let tries = 0
    const inner = memoryDestination('d', {
      before: () => {
        tries += 1
        throw hiccup('retry', 40)
      },
    })
    // Room for two of them.
    const policy = { ...quick, openingBudgetMs: 100 }
    await assert.rejects(withRetry(inner, { policy }).signIn(never), { message: /It asks for a pause of 1 s/ })
    assert.equal(tries, 3)
  })
})

describe('a soft stop', () => {
  const reason = new BackupError('E_ABORTED', 'enough for tonight')

  for (const [call, run] of Object.entries(CALLS)) {
    test(`during a pause rejects ${call} at once, and after it no pause begins`, async (t) => {
      steadyClock(t, 10)
      let failing = false
      const inner = memoryDestination('d', {
        before: () => {
          if (failing) throw hiccup('retry')
        },
      })
      const stop = new AbortController()
      let pauses = 0
      const policy = { firstPauseMs: HOUR, longestPauseMs: HOUR, budgetMs: 9 * HOUR, openingBudgetMs: 9 * HOUR }
      const onRetry = (): void => {
        pauses += 1
        setImmediate(() => {
          stop.abort(reason)
        })
      }
      const destination = withRetry(inner, { policy, onRetry, stop: stop.signal })
      const upload = await destination.begin('a.zip', never)
      failing = true
      await assert.rejects(run(destination, upload, never), reason)
      await assert.rejects(run(destination, upload, never), reason)
      assert.equal(pauses, 1)
    })
  }

  test('lets a call under way come to its end, and hands on what that ends with', async (t) => {
    steadyClock(t, 10)
    const stop = new AbortController()
    const inner = memoryDestination('d', {
      before: (call) => {
        if (call === 'append') stop.abort(reason)
        if (call === 'stat') throw hiccup('stop')
      },
    })
    const destination = withRetry(inner, { policy: quick, stop: stop.signal })
    const upload = await destination.begin('a.zip', never)
    assert.equal(await upload.append(0, [Buffer.alloc(9)], never), 9)
    assert.equal(stop.signal.aborted, true)
    assert.equal(await upload.held(never), 9)
    await assert.rejects(destination.stat('a.zip', never), { message: 'a hiccup.' })
  })

  test('gives way to the hard one', async (t) => {
    steadyClock(t, 10)
    const hard = new AbortController()
    const stop = new AbortController()
    const inner = memoryDestination('d', {
      before: () => {
        stop.abort(reason)
        hard.abort(new BackupError('E_ABORTED', 'at once'))
        throw hiccup('retry')
      },
    })
    const call = withRetry(inner, { policy: quick, stop: stop.signal }).signIn(hard.signal)
    await assert.rejects(call, { message: 'at once' })
  })
})
