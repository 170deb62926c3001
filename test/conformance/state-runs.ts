/** The record of runs, whatever the state is kept in. */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { DestinationResult } from '../../src/stages/contract/results.ts'
import type { RunRecord } from '../../src/stages/contract/history.ts'
import { at, record, type StateTest } from './state-subject.ts'

export function describeRuns(kind: string, stateTest: StateTest): void {
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

    stateTest('has the time of every run, in the order in which they were saved', async (state) => {
      const [first, second] = ['2026-11-23T12:00:00+01:00', '2026-10-25T02:10:00+02:00']
      await state.saveRun(record('1', { archive: '1.zip', startedAt: first, finishedAt: first }))
      await state.saveRun(record('2', { archive: null, bytes: null, startedAt: second, finishedAt: first }))
      await state.saveRun(record('1', { archive: '1.zip', startedAt: first, finishedAt: first }))
      assert.deepEqual(await state.periods(), [
        { archive: null, startedAt: second, finishedAt: first },
        { archive: '1.zip', startedAt: first, finishedAt: first },
      ])
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
}
