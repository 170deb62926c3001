import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { Destination } from '../../src/pipeline/contract/destination.ts'
import { abortError, BackupError } from '../../src/pipeline/contract/errors.ts'
import { PART_BYTES } from '../../src/pipeline/contract/digests.ts'
import { deliverTo, endless, pieces } from '../support/deliver-to.ts'
import { memoryDestination } from '../support/memory-destination.ts'

describe('a run that ends early', () => {
  test('when every destination is lost the source is let go', async (t) => {
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
    const { whole, outcomes } = await deliverTo(t, source(), [full])
    assert.equal(whole, null)
    assert.equal(outcomes[0]?.error?.code, 'E_QUOTA')
    assert.equal(closed, true)
  })

  test('the source is not read when no destination can be opened', async (t) => {
    let pulled = false
    const shut = memoryDestination('shut', {
      before: () => {
        throw new BackupError('E_AUTH', 'signed out')
      },
    })
    const { whole } = await deliverTo(
      t,
      endless(() => {
        pulled = true
      }),
      [shut],
    )
    assert.equal(whole, null)
    assert.equal(pulled, false)
  })

  test('a source that fails at any piece leaves no object anywhere', async (t) => {
    for (let n = 0; n < 20; n += 1) {
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < n; i += 1) yield await Promise.resolve(Buffer.alloc(1 << 20))
        throw new BackupError('E_DUMP', 'the dump broke off')
      }
      const all = [memoryDestination('a', { requestBytes: PART_BYTES }), memoryDestination('b')]
      const { failure, whole } = await deliverTo(t, source(), all)
      assert.equal(failure?.code, 'E_DUMP')
      assert.equal(whole, null)
      for (const one of all) assert.equal(one.objects.size, 0)
    }
  })

  test('an aborted run rejects, stores nothing and closes its source', async (t) => {
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
    const { failure } = await deliverTo(t, source(), [one], { signal: stop.signal })
    assert.equal(failure?.message, 'stopped by SIGTERM')
    assert.equal(one.objects.size, 0)
    assert.equal(closed, true)
  })

  test('a source of which little comes out is let go between two chunks, when the run is stopped and when nobody is left', async (t) => {
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
      const { outcomes } = await deliverTo(t, source(), [full], { signal: stop.signal })
      assert.equal(outcomes[0]?.error?.code, why === 'stopped' ? 'E_ABORTED' : 'E_QUOTA')
      assert.ok(pulled < 100, `${pulled} chunks were still read`)
    }
  })

  test('a stop that comes when everything is stored has stopped nothing', async (t) => {
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
    const { failure, outcomes } = await deliverTo(t, pieces(randomBytes(1000), 100), [late], { signal: stop.signal })
    assert.equal(outcomes[0]?.stored?.bytes, 1000)
    assert.equal(failure, null)
  })

  test('what was committed before an abort is told as stored', async (t) => {
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
    const { failure, whole, outcomes } = await deliverTo(t, pieces(randomBytes(1000), 100), [slow, quickOne], {
      signal: stop.signal,
    })
    assert.equal(failure?.code, 'E_ABORTED')
    assert.equal(whole?.bytes, 1000)
    assert.deepEqual(
      outcomes.map(({ stored }) => stored?.bytes),
      [undefined, 1000],
    )
  })
})
