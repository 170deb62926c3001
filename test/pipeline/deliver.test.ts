import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { deliver, MAX_REQUEST_BYTES, WINDOW_PARTS, type Outcome } from '../../src/pipeline/deliver.ts'
import type { Destination } from '../../src/pipeline/destination.ts'
import { abortError, BackupError } from '../../src/pipeline/errors.ts'
import { PART_BYTES } from '../../src/pipeline/part.ts'
import { newProgress } from '../../src/pipeline/progress.ts'
import { withRetry } from '../../src/pipeline/retry.ts'
import { memoryDestination } from '../support/memory-destination.ts'

const never = new AbortController().signal
const quick = { firstPauseMs: 1, longestPauseMs: 2, patienceMs: 200, openingPatienceMs: 200 }

async function* pieces(data: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) {
    await Promise.resolve()
    yield data.subarray(at, at + size)
  }
}

async function* endless(onPull: (n: number) => void): AsyncGenerator<Uint8Array> {
  for (let n = 0; ; n += 1) {
    await Promise.resolve()
    onPull(n)
    yield Buffer.alloc(1 << 20)
  }
}

const send = (source: AsyncIterable<Uint8Array>, destinations: readonly Destination[], signal = never) =>
  deliver({
    source,
    object: 'a.zip',
    destinations,
    progress: newProgress(destinations.map(({ name }) => name)),
    signal,
  })

describe('one source to several destinations', () => {
  test('every size around a part and a request arrives the same everywhere', async () => {
    for (const size of [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 3 * PART_BYTES + 1]) {
      const data = randomBytes(size)
      const all = [1000, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES].map((requestBytes, index) =>
        memoryDestination(`d${index}`, { requestBytes: Math.max(requestBytes, size / 50) }),
      )
      const { whole, outcomes } = await send(pieces(data, 700_001), all)
      assert.equal(whole?.bytes, size)
      for (const one of all) assert.ok(one.objects.get('a.zip')?.equals(data), `${one.name} at ${size} bytes`)
      assert.ok(outcomes.every(({ stored, error }) => stored?.bytes === size && error === null))
    }
  })

  test('the largest request fits into the window, wherever in a part it begins', { timeout: 60_000 }, async () => {
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
    const { outcomes } = await send(pieces(data, 1 << 20), [oneShort, memoryDestination('other')])
    assert.deepEqual(
      outcomes.map(({ error }) => error),
      [null, null],
    )
    assert.ok(inner.objects.get('a.zip')?.equals(data))
  })

  test('a stuck destination holds the source back after the window is full, not sooner and not later', async () => {
    let pulled = 0
    const stop = new AbortController()
    const stuck = memoryDestination('stuck', {
      before: (call) => (call === 'append' ? sleep(60_000, undefined, { ref: false }) : undefined),
    })
    const run = send(
      endless((n) => {
        pulled = n
      }),
      [stuck, memoryDestination('free')],
      stop.signal,
    )
    await sleep(300)
    const inWindow = WINDOW_PARTS * (PART_BYTES >> 20)
    assert.ok(pulled >= inWindow && pulled <= inWindow + 2 * (PART_BYTES >> 20), `pulled ${pulled} MiB`)
    run.catch(() => undefined)
    stop.abort()
  })

  test('one destination that fails at any call does not keep the other from the whole archive', async () => {
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
      const { whole, outcomes } = await send(pieces(data, 1 << 20), [bad, good])
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

  test('a passing fault at any call is overcome behind the retry wrapper, whether the call was carried out or not', async () => {
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
      const { outcomes } = await send(pieces(data, 1 << 20), [withRetry(inner, quick)])
      assert.equal(outcomes[0]?.error, null)
      assert.ok(inner.objects.get('a.zip')?.equals(data))
      if (!fired) break
    }
  })

  test("each destination's own end is heard of when it comes, and not what ends because the run does", async () => {
    const heard: string[] = []
    const listen = (source: AsyncIterable<Uint8Array>, names: readonly string[]) => {
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
      return deliver({
        source,
        object: 'a.zip',
        destinations: all,
        progress: newProgress(names),
        onOutcome,
        signal: never,
      })
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

  test('an archive that outgrows what a destination takes is given up there, and nowhere else', async () => {
    const small = memoryDestination('small', { requestBytes: 1000 })
    const limited = { ...small, traits: { ...small.traits, maxObjectBytes: 9_999 } }
    const data = randomBytes(10_000)
    const { outcomes } = await send(pieces(data, 700), [limited, memoryDestination('large')])
    assert.equal(outcomes[0]?.error?.code, 'E_QUOTA')
    assert.equal(small.objects.size, 0)
    assert.equal(outcomes[1]?.stored?.bytes, 10_000)
    const exact = memoryDestination('exact', { requestBytes: 1000 })
    const fits = await send(pieces(data, 700), [{ ...exact, traits: { ...exact.traits, maxObjectBytes: 10_000 } }])
    assert.equal(fits.outcomes[0]?.stored?.bytes, 10_000)
  })

  test('when every destination is lost the source is let go', async () => {
    let closed = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* endless(() => undefined)
      } finally {
        closed = true
      }
    }
    const full = memoryDestination('full', {
      before: (call) => {
        if (call === 'append') throw new BackupError('E_QUOTA', 'full')
      },
    })
    const { whole, outcomes } = await send(source(), [full])
    assert.equal(whole, null)
    assert.equal(outcomes[0]?.error?.code, 'E_QUOTA')
    assert.equal(closed, true)
  })

  test('the source is not read when no destination can be opened', async () => {
    let pulled = false
    const shut = memoryDestination('shut', {
      before: () => {
        throw new BackupError('E_AUTH', 'signed out')
      },
    })
    const { whole } = await send(
      endless(() => {
        pulled = true
      }),
      [shut],
    )
    assert.equal(whole, null)
    assert.equal(pulled, false)
  })

  test('a source that fails at any piece leaves no object anywhere', async () => {
    for (let n = 0; n < 20; n += 1) {
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < n; i += 1) yield await Promise.resolve(Buffer.alloc(1 << 20))
        throw new BackupError('E_DUMP', 'the dump broke off')
      }
      const all = [memoryDestination('a', { requestBytes: PART_BYTES }), memoryDestination('b')]
      const { failure, whole } = await send(source(), all)
      assert.equal(failure?.code, 'E_DUMP')
      assert.equal(whole, null)
      for (const one of all) assert.equal(one.objects.size, 0)
    }
  })

  test('an aborted run rejects, stores nothing and closes its source', async () => {
    const stop = new AbortController()
    let closed = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* endless((n) => {
          if (n === 30) stop.abort(new BackupError('E_ABORTED', 'stopped by SIGTERM'))
        })
      } finally {
        closed = true
      }
    }
    const one = memoryDestination('one')
    const { failure } = await send(source(), [one], stop.signal)
    assert.equal(failure?.message, 'stopped by SIGTERM')
    assert.equal(one.objects.size, 0)
    assert.equal(closed, true)
  })

  test('a source of which little comes out is let go between two chunks, when the run is stopped and when nobody is left', async () => {
    for (const why of ['stopped', 'deserted'] as const) {
      const stop = new AbortController()
      let pulled = 0
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(2 * PART_BYTES)
        for (; ; pulled += 1) {
          await sleep(1)
          if (pulled === 20 && why === 'stopped') stop.abort()
          yield Buffer.alloc(1)
        }
      }
      const full = memoryDestination('full', {
        requestBytes: PART_BYTES,
        before: (call) => {
          if (call === 'append' && why === 'deserted') throw new BackupError('E_QUOTA', 'full')
        },
      })
      const { outcomes } = await send(source(), [full], stop.signal)
      assert.equal(outcomes[0]?.error?.code, why === 'stopped' ? 'E_ABORTED' : 'E_QUOTA')
      assert.ok(pulled < 100, `${pulled} chunks were still read`)
    }
  })

  test('a stop that comes when everything is stored has stopped nothing', async () => {
    const stop = new AbortController()
    const inner = memoryDestination('one')
    const late: Destination = {
      ...inner,
      begin: async (object, signal) => {
        const upload = await inner.begin(object, signal)
        const commit: typeof upload.commit = async (...args) => {
          const stored = await upload.commit(...args)
          stop.abort(new BackupError('E_ABORTED', 'stopped by SIGTERM'))
          return stored
        }
        return { ...upload, commit }
      },
    }
    const { failure, outcomes } = await send(pieces(randomBytes(1000), 100), [late], stop.signal)
    assert.equal(outcomes[0]?.stored?.bytes, 1000)
    assert.equal(failure, null)
  })

  test('what was committed before an abort is told as stored', async () => {
    const stop = new AbortController()
    const slow = memoryDestination('slow', {
      before: async (call) => {
        if (call !== 'commit') return
        await sleep(50)
        stop.abort(new BackupError('E_ABORTED', 'stopped by SIGTERM'))
        throw abortError(stop.signal)
      },
    })
    const quickOne = memoryDestination('quick')
    const { failure, whole, outcomes } = await send(pieces(randomBytes(1000), 100), [slow, quickOne], stop.signal)
    assert.equal(failure?.code, 'E_ABORTED')
    assert.equal(whole?.bytes, 1000)
    assert.deepEqual(
      outcomes.map(({ stored }) => stored?.bytes),
      [undefined, 1000],
    )
  })
})
