/** What every state has to hold to, whatever it is kept in: src/stages/state/state.ts. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import type { DestinationResult, VerifyCheck } from '../../src/stages/backup/results.ts'
import type { RunRecord, State } from '../../src/stages/state/state.ts'

export interface StateUnderTest {
  /** The same state each time, as another process would open it. */
  open(): Promise<State>
  openToRead(): Promise<State | null>
  /** Statements of a module, in a process of its own, that open it as `state`. */
  readonly opening: string
  /** Everything that is there of it, to see that nothing was made or changed. */
  contents(): Promise<unknown>
}

const DIGESTS = { md5: 'a'.repeat(32), contentHash: 'b'.repeat(64) }
const AT = '2026-11-23T12:00:00+01:00'

export const record = (runId: string, change: Partial<RunRecord> = {}): RunRecord => ({
  runId,
  trigger: 'manual',
  plannedName: change.archive ?? 'dicom_backup_2026-11-23_12-00-00.zip',
  status: 'completed',
  startedAt: AT,
  finishedAt: '2026-11-23T12:10:00+01:00',
  archive: 'dicom_backup_2026-11-23_12-00-00.zip',
  bytes: 2 ** 43,
  digests: null,
  source: { files: Number(runId), bytes: 2 ** 44, tables: 7, dumpBytes: 2 ** 33 },
  sane: true,
  warnings: [],
  destinations: [],
  ...change,
})

export const at = (name: string, status: DestinationResult['status'] = 'completed'): DestinationResult => ({
  name,
  type: 'local',
  status,
  bytesSent: 1,
  remoteId: status === 'completed' ? `/${name}/x.zip` : null,
  remotePath: status === 'completed' ? `/${name}/x.zip` : null,
  error: status === 'failed' ? { code: 'E_QUOTA', message: `${name} is full.` } : null,
})

const check: VerifyCheck = { destination: 'nas', ok: true, checked: true, method: 'read-back', detail: 'well' }

/** Runs statements with the state open, in a process of its own. */
function elsewhere({ opening }: StateUnderTest, statements: string): ChildProcess {
  const script = `${opening}\n${statements}`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** `make` gives a new state, which is gone after the test. */
export function describeState(kind: string, make: (t: TestContext) => Promise<StateUnderTest>): void {
  const stateTest = (name: string, body: (state: State, under: StateUnderTest) => Promise<void>): void => {
    test(name, { timeout: 60_000 }, async (t) => {
      const under = await make(t)
      const state = await under.open()
      try {
        await body(state, under)
      } finally {
        await state.close()
      }
    })
  }

  describe(`${kind}: the record of runs`, () => {
    stateTest('outlives the process, and gives the measure of the last good run', async (state, under) => {
      assert.equal(await state.lastGood(), null)
      await state.saveRun(record('1'))
      const later = await under.open()
      assert.deepEqual(await later.lastGood(), { files: 1, bytes: 2 ** 44, tables: 7, dumpBytes: 2 ** 33 })
      await later.saveRun(record('2', { source: { files: 2, bytes: 1, tables: null, dumpBytes: null } }))
      assert.deepEqual(await later.lastGood(), { files: 2, bytes: 1, tables: null, dumpBytes: null })
      await later.close()
    })

    stateTest('counts as good what is stored somewhere and sane', async (state) => {
      await state.saveRun(record('1', { status: 'partial' }))
      for (const [n, change] of [
        { status: 'failed' as const },
        { status: 'interrupted' as const },
        { sane: false },
        { source: null },
      ].entries()) {
        await state.saveRun(record(String(n + 2), change))
        assert.equal((await state.lastGood())?.files, 1, JSON.stringify(change))
      }
    })

    stateTest('takes for the last run the one saved last, though the clock went back', async (state) => {
      await state.saveRun(record('1', { startedAt: '2026-10-25T02:50:00+02:00' }))
      await state.saveRun(record('2', { startedAt: '2026-10-25T02:10:00+01:00' }))
      assert.equal((await state.lastGood())?.files, 2)
      await state.saveRun(record('3', { startedAt: '2035-01-01T00:00:00+01:00' }))
      await state.saveRun(record('4'))
      assert.equal((await state.lastGood())?.files, 4)
      await state.saveRun(record('3', { startedAt: '2026-11-23T18:00:00+01:00' }))
      assert.equal((await state.lastGood())?.files, 3, 'saved again')
    })

    stateTest('has a run that went on once, as it ended at last, and as the newest', async (state) => {
      const first = [at('nas'), at('cloud', 'failed')]
      await state.saveRun(record('1', { status: 'partial', destinations: first, archive: 'one.zip' }))
      await state.saveRun(record('2', { archive: 'two.zip', destinations: [at('nas')] }))
      assert.equal(await state.copies(), 2)
      assert.equal((await state.lastGood())?.files, 2)
      assert.equal((await state.lastResult('cloud'))?.status, 'failed')
      await state.saveRun(record('1', { archive: 'one.zip', destinations: [at('nas'), at('cloud')] }))
      assert.equal(await state.copies(), 3)
      assert.equal((await state.lastGood())?.files, 1)
      assert.equal((await state.lastResult('cloud'))?.status, 'completed')
      assert.deepEqual(
        (await state.history(10)).map(({ runId }) => runId),
        ['1', '2'],
      )
    })

    stateTest('keeps of a run that went on at one destination what it had stored at the others', async (state) => {
      const all = [at('nas'), at('cloud', 'failed'), at('other', 'failed')]
      await state.saveRun(record('1', { status: 'partial', destinations: all }))
      await state.saveRun(record('1', { status: 'partial', destinations: [at('cloud')] }))
      assert.equal(await state.copies(), 2)
      const results = await Promise.all(['nas', 'cloud', 'other'].map((name) => state.lastResult(name)))
      const statuses = results.map((result) => result?.status)
      assert.deepEqual(statuses, ['completed', 'completed', 'failed'])
    })

    const now = new Date('2026-11-23T18:00:00+01:00')

    stateTest('counts the copies that were stored, and knows what happened last at each destination', async (state) => {
      assert.deepEqual([await state.copies(), await state.lastResult('nas')], [0, null])
      assert.deepEqual(await state.runTimes(now), { first: null, last: null })
      assert.equal(await state.lastStoredAt(now, null), null)
      const runs: readonly (readonly [startedAt: string, destinations: readonly DestinationResult[]])[] = [
        ['2026-11-22T12:00:00+01:00', [at('nas'), at('cloud')]],
        ['2026-11-23T06:00:00+01:00', [at('nas'), at('cloud', 'failed')]],
        ['2026-11-23T12:00:00+01:00', [at('nas', 'interrupted'), at('cloud', 'failed')]],
      ]
      for (const [n, [startedAt, destinations]] of runs.entries())
        await state.saveRun(record(String(n), { startedAt, destinations }))
      assert.equal(await state.copies(), 3)
      assert.deepEqual(await state.runTimes(now), { first: runs[0]![0], last: runs[2]![0] })
      assert.equal(await state.lastStoredAt(now, null), runs[1]![0])
      assert.equal(await state.lastStoredAt(now, 'nas'), runs[1]![0])
      assert.equal(await state.lastStoredAt(now, 'cloud'), runs[0]![0])
      assert.equal(await state.lastStoredAt(now, 'other'), null)
      assert.deepEqual(await state.lastResult('nas'), at('nas', 'interrupted'))
      assert.deepEqual(await state.lastResult('cloud'), at('cloud', 'failed'))
      assert.equal(await state.lastResult('other'), null)
    })

    stateTest('compares times, not their texts, and passes over runs of a clock that was ahead', async (state) => {
      const starts = ['2026-10-25T02:50:00+02:00', '2026-10-25T02:10:00+01:00', '2035-01-01T00:00:00+01:00']
      for (const [n, startedAt] of starts.entries())
        await state.saveRun(record(String(n), { startedAt, destinations: [at('nas')] }))
      assert.deepEqual(await state.runTimes(now), { first: starts[0], last: starts[1] })
      assert.equal(await state.lastStoredAt(now, 'nas'), starts[1])
      assert.equal(await state.lastStoredAt(now, null), starts[1])
      assert.equal(await state.copies(), 3)
    })

    stateTest('is a history: each run as it was saved, the newest first, as many as are asked for', async (state) => {
      assert.deepEqual(await state.history(5), [])
      const warnings = [{ code: 'files-skipped', message: '1 file was left out; it\'s "odd" \\ 🩻.' }]
      const whole = record('1', { warnings, destinations: [at('nas'), at('cloud', 'failed')], status: 'partial' })
      const failed = record('2', {
        trigger: 'scheduled',
        status: 'failed',
        archive: null,
        bytes: null,
        source: null,
        destinations: [at('nas', 'failed')],
      })
      await state.saveRun(whole)
      await state.saveRun(failed)
      const line = ({
        runId,
        trigger,
        status,
        startedAt,
        finishedAt,
        archive,
        bytes,
        warnings: w,
        destinations,
      }: RunRecord) => ({
        runId,
        trigger,
        status,
        startedAt,
        finishedAt,
        archive,
        bytes,
        warnings: w,
        destinations,
      })
      assert.deepEqual(await state.history(5), [line(failed), line(whole)])
      assert.deepEqual(await state.history(1), [line(failed)])
      assert.deepEqual(await state.history(0), [])
    })

    stateTest('takes names and texts as they are, whatever they hold', async (state) => {
      const names = [
        `it's "\`quoted\`"`,
        '🩻 Röntgen 放射線',
        "'; DROP TABLE backup_history; --",
        '%',
        'n'.repeat(255),
        '\\',
      ]
      const message = `${'ä'.repeat(30_000)} 🩻 '"\\`
      const destinations = names.map((name) => ({
        ...at(name, 'failed'),
        error: { code: 'E_QUOTA', message } as const,
      }))
      await state.saveRun(record('1', { destinations }))
      for (const [n, name] of names.entries()) assert.deepEqual(await state.lastResult(name), destinations[n], name)
      assert.deepEqual((await state.history(1))[0]?.destinations, destinations)
      assert.equal(await state.lastResult('_'), null)
    })

    stateTest('tells which archives were made', async (state) => {
      await state.saveRun(record('1', { archive: 'one.zip' }))
      await state.saveRun(
        record('2', { archive: null, plannedName: 'two.zip', status: 'failed', destinations: [at('nas', 'failed')] }),
      )
      assert.deepEqual(await Promise.all(['one.zip', 'two.zip', 'ONE.zip'].map((name) => state.hasArchive(name))), [
        true,
        false,
        false,
      ])
    })
  })

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
      { timeout: 60_000 },
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

    test('is made and written by several processes at once', { timeout: 60_000 }, async (t) => {
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
