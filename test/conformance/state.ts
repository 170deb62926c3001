/** What every state has to hold to, whatever it is kept in: src/stages/state/state.ts. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import type { VerifyCheck } from '../../src/stages/contract/results.ts'
import { describeRuns } from './state-runs.ts'
import { at, AT, check, DIGESTS, elsewhere, record, stateTests, type StateUnderTest } from './state-subject.ts'

export { at, record, type StateUnderTest } from './state-subject.ts'

/** `make` gives a new state, which is gone after the test. */
export function describeState(kind: string, make: (t: TestContext) => Promise<StateUnderTest>): void {
  const stateTest = stateTests(make)
  describeRuns(kind, stateTest)

  describe(`${kind}: what was sent`, () => {
    stateTest('is known by the name of the archive: size, digests and where it is', async (state) => {
      assert.equal(await state.sentArchive('1.zip'), null)
      const sent = { archive: '1.zip', bytes: 7, digests: DIGESTS }
      await state.saveRun(record('1', { ...sent, destinations: [at('nas'), at('cloud', 'failed')] }))
      assert.deepEqual(await state.sentArchive('1.zip'), {
        bytes: 7,
        digests: DIGESTS,
        destinations: ['nas'],
        sane: true,
      })
      await state.saveRun(record('1', { ...sent, destinations: [at('cloud')] }))
      assert.deepEqual((await state.sentArchive('1.zip'))?.destinations.toSorted(), ['cloud', 'nas'])
    })

    stateTest('has the digests that were needed, and no others', async (state) => {
      const { contentHash, md5 } = DIGESTS
      for (const [n, digests] of [{ contentHash }, { md5 }, DIGESTS, null].entries()) {
        const archive = `${n}.zip`
        await state.saveRun(record(String(n), { archive, bytes: 7, digests, destinations: [at('nas')] }))
        assert.deepEqual((await state.sentArchive(archive))?.digests, digests)
      }
    })

    stateTest('is nothing where the archive was stored nowhere, or not made to its end', async (state) => {
      await state.saveRun(record('1', { archive: '1.zip', status: 'failed', destinations: [at('nas', 'failed')] }))
      await state.saveRun(
        record('2', { archive: null, bytes: null, digests: null, destinations: [at('nas', 'failed')] }),
      )
      assert.equal(await state.sentArchive('1.zip'), null)
      assert.deepEqual(await state.archives(), [])
      await state.saveRun(record('3', { archive: '3.zip', destinations: [at('nas'), at('cloud')] }))
      assert.deepEqual(await state.archives(), ['3.zip'])
    })
  })

  describe(`${kind}: the time of the next run`, () => {
    stateTest(
      'is kept with the schedule where that is kept, for every process; else the grid alone says it',
      async (state, under) => {
        const now = new Date()
        const isKept = await state.saveSchedule({ enabled: true, every: '6h', verify: 'never' })
        const due = await state.keptDueAt(now)
        assert.equal(due !== null, isKept)
        if (due !== null)
          assert.ok(Date.parse(due) > now.getTime() && Date.parse(due) <= now.getTime() + 24 * 3_600_000, due)
        const other = await under.open()
        try {
          assert.equal(await other.keptDueAt(now), due)
        } finally {
          await other.close()
        }
        await state.saveSchedule({ enabled: false, every: '6h', verify: 'never' })
        assert.equal(await state.keptDueAt(now), null, 'switched off')
      },
    )
  })

  describe(`${kind}: verifications`, () => {
    stateTest('the one that was saved last is told, of whichever archive', async (state) => {
      assert.equal(await state.lastVerification(), null)
      await state.saveVerification({ archive: 'b.zip', at: AT, ok: true, method: 'deep' }, [check])
      await state.saveVerification({ archive: 'a.zip', at: AT, ok: false, method: 'provider-hash' }, [check])
      assert.deepEqual(await state.lastVerification(), { archive: 'a.zip', at: AT, ok: false, method: 'provider-hash' })
    })

    stateTest('an archive is bad at a destination as it was found there last, when it was looked at', async (state) => {
      const save = (archive: string, ...checks: readonly Partial<VerifyCheck>[]): Promise<void> =>
        state.saveVerification(
          { archive, at: AT, ok: false, method: 'deep' },
          checks.map((one) => ({ ...check, ...one })),
        )
      assert.deepEqual(await state.badArchives('nas'), [])
      await save('a.zip', { ok: false }, { destination: 'cloud', ok: true })
      await save('b.zip', { ok: true }, { ok: false, method: 'restore-test' })
      await save('c.zip', { ok: false, checked: false })
      assert.deepEqual((await state.badArchives('nas')).toSorted(), ['a.zip', 'b.zip'])
      assert.deepEqual(await state.badArchives('cloud'), [])
      assert.deepEqual(
        (await state.lastChecks()).map(({ archive, destination, at, ok }) => [archive, destination, at, ok]).toSorted(),
        [
          ['a.zip', 'cloud', AT, true],
          ['a.zip', 'nas', AT, false],
          ['b.zip', 'nas', AT, false],
        ],
      )
      await save('a.zip', { ok: true })
      await save('b.zip', { ok: false, checked: false })
      assert.deepEqual(
        await state.badArchives('nas'),
        ['b.zip'],
        'one that could not be looked at stays as it was found',
      )
    })
  })

  describe(`${kind}: the state`, () => {
    test(
      'is read without making or changing anything, also while another has it open',
      { timeout: 600_000 },
      async (t) => {
        const under = await make(t)
        const empty = await under.contents()
        assert.equal(await under.openToRead(), null)
        assert.deepEqual(await under.contents(), empty)
        const writing = await under.open()
        await writing.saveRun(record('1'))
        const reading = await under.openToRead()
        assert.ok(reading !== null)
        assert.equal((await reading.lastGood())?.files, 1)
        await writing.saveRun(record('2'))
        assert.equal((await reading.lastGood())?.files, 2)
        await reading.close()
        await writing.close()
        const before = await under.contents()
        const again = await under.openToRead()
        assert.equal((await again?.history(5))?.length, 2)
        assert.equal(await again?.activeRun(), null)
        await again?.close()
        assert.deepEqual(await under.contents(), before)
      },
    )

    test('is made and written by several processes at once', { timeout: 600_000 }, async (t) => {
      const under = await make(t)
      const children = Array.from({ length: 4 }, (_, n) =>
        elsewhere(
          under,
          `for (let k = 0; k < 10; k += 1)
             await state.saveRun({ ...${JSON.stringify(record('0', { destinations: [at('nas')] }))}, runId: '${n}-' + k })
           await state.close()`,
        ),
      )
      const codes = await Promise.all(children.map(async (child) => ((await once(child, 'close')) as [number])[0]))
      assert.deepEqual(codes, [0, 0, 0, 0])
      const state = await under.open()
      assert.equal((await state.history(100)).length, 40)
      assert.equal(await state.copies(), 40)
      await state.close()
    })
  })

  describe(`${kind}: the lock`, () => {
    stateTest('is held by one, who is told to others, and is free after its release', async (state, under) => {
      const other = await under.open()
      assert.equal(await other.activeRun(), null)
      const lock = await state.lock()
      await assert.rejects(other.lock(), { code: 'E_LOCKED', message: new RegExp(`process ${process.pid}.*, since `) })
      await assert.rejects(other.lock(), { code: 'E_LOCKED' })
      const since = (await other.activeRun())?.since ?? ''
      assert.ok(Math.abs(Date.now() - Date.parse(since)) < 60_000, since)
      assert.equal(lock.lost.aborted, false)
      await lock.release()
      assert.equal(await other.activeRun(), null)
      const again = await other.lock()
      await assert.rejects(state.lock(), { code: 'E_LOCKED' })
      await again.release()
      await other.close()
    })

    stateTest('goes with the process that held it, however it ended', async (state, under) => {
      const child = elsewhere(under, `await state.lock(); console.log('held'); setInterval(() => undefined, 1000)`)
      if (child.stdout === null) throw new Error('no pipe')
      await once(child.stdout, 'data')
      await assert.rejects(state.lock(), { code: 'E_LOCKED', message: new RegExp(`process ${child.pid}`) })
      assert.notEqual(await state.activeRun(), null)
      child.kill('SIGKILL')
      await once(child, 'close')
      await (await state.lock()).release()
    })
  })
}
