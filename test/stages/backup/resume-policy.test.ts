import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AFTER_ALL,
  AFTER_EACH,
  decide,
  EXECUTED_RUNS,
  FOLDERS,
  FOUND_RUNS,
  MAX_IDLE_MS,
  MAX_UNSENT_MS,
  RESUMED_RUNS,
  type AllResumed,
  type ExecutedRun,
  type FoundFolder,
  type FoundRun,
  type Progressed,
  type ResumedRun,
  type Row,
} from '../../../src/stages/backup/resume-policy.ts'

type Values<Facts> = { readonly [K in keyof Facts]: readonly Facts[K][] }
/** What holds of the decision for all facts that have these. */
type Claim<Facts, Decision> = readonly [claim: string, of: (facts: Facts) => boolean, decision: readonly Decision[]]

const yesOrNo = [false, true] as const
const modes = ['run', 'resume', 'fresh'] as const

function combinations<Facts>(values: Values<Facts>): Facts[] {
  let all: Partial<Facts>[] = [{}]
  for (const key of Object.keys(values) as (keyof Facts)[]) {
    all = all.flatMap((one) => values[key].map((value) => ({ ...one, [key]: value })))
  }
  return all as Facts[]
}

/** Tries all combinations: each claim holds wherever it applies, each row decides somewhere, and no case is unclaimed. */
function describeTable<Facts, Decision extends string>(
  name: string,
  table: readonly Row<Facts, Decision>[],
  values: Values<Facts>,
  claims: readonly Claim<Facts, Decision>[],
): void {
  describe(name, () => {
    const all = combinations(values)
    for (const [claim, of, decisions] of claims) {
      test(claim, () => {
        const cases = all.filter(of)
        assert.ok(cases.length > 0)
        for (const facts of cases) {
          assert.ok(decisions.includes(decide(table, facts).then), JSON.stringify(facts))
        }
      })
    }

    test('every row decides some of the combinations, and says why', () => {
      const rows = new Set(all.map((facts) => decide(table, facts)))
      assert.deepEqual(
        table.filter((row) => !rows.has(row)),
        [],
      )
      for (const { why } of table) assert.match(why, /\w+ \w+/)
    })

    test('the claims leave no combination open', () => {
      const isDecided = (facts: Facts): boolean => claims.some(([, of, { length }]) => length === 1 && of(facts))
      assert.deepEqual(
        all.filter((facts) => !isDecided(facts)),
        [],
      )
    })
  })
}

describeTable<FoundFolder, 'open' | 'abandon' | 'remove' | 'refuse'>(
  'the folder of a run that has not ended',
  FOLDERS,
  { mode: modes, files: ['usable', 'empty', 'newer', 'damaged', 'unusable'] },
  [
    ['is opened when it can be, whatever the run is for', ({ files }) => files === 'usable', ['open']],
    ['of which nothing was noted is removed', ({ files }) => files === 'empty', ['remove']],
    ['of a newer version is never given up, with --fresh neither', ({ files }) => files === 'newer', ['refuse']],
    ['that is damaged is given up: it stays so', ({ files }) => files === 'damaged', ['abandon']],
    ['that cannot be used now is kept', ({ files, mode }) => files === 'unusable' && mode !== 'fresh', ['refuse']],
    [
      'that cannot be used now is given up by --fresh alone',
      ({ files, mode }) => files === 'unusable' && mode === 'fresh',
      ['abandon'],
    ],
  ],
)

const isSame = ({ isSameRoot, isSameDatabase, hasDestination }: FoundRun): boolean =>
  isSameRoot && isSameDatabase && hasDestination

describeTable<FoundRun, 'resume' | 'abandon'>(
  'an open run',
  FOUND_RUNS,
  {
    mode: modes,
    isForgotten: yesOrNo,
    isSameRoot: yesOrNo,
    isSameDatabase: yesOrNo,
    hasDestination: yesOrNo,
    hasBytes: yesOrNo,
    idleMs: [0, MAX_UNSENT_MS, MAX_UNSENT_MS + 1, MAX_IDLE_MS, MAX_IDLE_MS + 1],
  },
  [
    ['is never resumed by --fresh', ({ mode }) => mode === 'fresh', ['abandon']],
    ['whose archive is recorded and forgotten is not made again', ({ isForgotten }) => isForgotten, ['abandon']],
    ['of other sources or destinations is abandoned', (facts) => !isSame(facts), ['abandon']],
    ['is abandoned after a week, when its uploads are gone', ({ idleMs }) => idleMs > MAX_IDLE_MS, ['abandon']],
    [
      'of which nothing was made is abandoned after an hour',
      ({ hasBytes, idleMs }) => !hasBytes && idleMs > MAX_UNSENT_MS,
      ['abandon'],
    ],
    [
      'is else resumed, by run and by run --resume alike',
      (facts) =>
        facts.mode !== 'fresh' &&
        !facts.isForgotten &&
        isSame(facts) &&
        facts.idleMs <= (facts.hasBytes ? MAX_IDLE_MS : MAX_UNSENT_MS),
      ['resume'],
    ],
  ],
)

describeTable<ResumedRun, 'execute' | 'skip'>(
  'a run to be resumed',
  RESUMED_RUNS,
  { isStored: yesOrNo, hasDestinations: yesOrNo, isRecorded: yesOrNo },
  [
    ['is executed for a destination that is missing its archive', ({ isStored }) => !isStored, ['execute']],
    [
      'that is stored everywhere is executed once more to be recorded',
      ({ isStored, hasDestinations, isRecorded }) => isStored && hasDestinations && !isRecorded,
      ['execute'],
    ],
    ['that is stored and recorded is not executed', ({ isStored, isRecorded }) => isStored && isRecorded, ['skip']],
    [
      'of which no destination is in use is not executed',
      ({ isStored, hasDestinations }) => isStored && !hasDestinations,
      ['skip'],
    ],
  ],
)

describeTable<ExecutedRun, 'keep' | 'close'>(
  'a run that was executed',
  EXECUTED_RUNS,
  {
    failure: ['none', 'stopped', 'newer', 'final', 'other'],
    hasBytes: yesOrNo,
    isMissed: yesOrNo,
    isUnrecorded: yesOrNo,
  },
  [
    ['stays open until it is recorded', ({ isUnrecorded }) => isUnrecorded, ['keep']],
    ['of a newer version stays open', ({ failure }) => failure === 'newer', ['keep']],
    [
      'is closed after a failure that leaves nothing of use',
      ({ failure, isUnrecorded }) => failure === 'final' && !isUnrecorded,
      ['close'],
    ],
    [
      'that was stopped stays open as long as a destination can get its archive, made or not',
      ({ failure, isMissed, isUnrecorded }) => failure === 'stopped' && !isUnrecorded && isMissed,
      ['keep'],
    ],
    [
      'of which nothing was made is closed when it was not stopped',
      ({ failure, hasBytes, isUnrecorded }) => !hasBytes && !isUnrecorded && ['none', 'other'].includes(failure),
      ['close'],
    ],
    [
      'stays open for a destination that is missing what was made',
      ({ failure, hasBytes, isMissed }) => hasBytes && isMissed && ['none', 'other'].includes(failure),
      ['keep'],
    ],
    [
      'that no destination is missing is closed',
      ({ failure, isMissed, isUnrecorded }) => !isMissed && !isUnrecorded && failure !== 'newer',
      ['close'],
    ],
  ],
)

describeTable<Progressed, 'end' | 'next'>(
  'after a resumed run',
  AFTER_EACH,
  { isStopped: yesOrNo, wasStored: yesOrNo, hasFailed: yesOrNo },
  [
    ['nothing follows when the call was stopped', ({ isStopped }) => isStopped, ['end']],
    [
      'that was only begun before nothing follows: it is the backup that is due',
      ({ wasStored, hasFailed }) => !wasStored && !hasFailed,
      ['end'],
    ],
    [
      'that was stored somewhere before the next one follows',
      ({ isStopped, wasStored }) => !isStopped && wasStored,
      ['next'],
    ],
    ['that failed the next one follows', ({ isStopped, hasFailed }) => !isStopped && hasFailed, ['next']],
  ],
)

describeTable<AllResumed, 'nothing' | 'end' | 'begin'>(
  'when no run is left to be resumed',
  AFTER_ALL,
  { mode: modes, last: ['none', 'failed', 'stored'], isBehind: yesOrNo, hasOthers: yesOrNo },
  [
    ['run --resume begins none', ({ mode }) => mode === 'resume', ['nothing', 'end']],
    ['run --resume that resumed none says so', ({ mode, last }) => mode === 'resume' && last === 'none', ['nothing']],
    ['run --resume ends as the last one did', ({ mode, last }) => mode === 'resume' && last !== 'none', ['end']],
    ['run that resumed none begins one', ({ mode, last }) => mode !== 'resume' && last === 'none', ['begin']],
    [
      'run begins none after one that every destination has',
      ({ mode, last, isBehind }) => mode !== 'resume' && last === 'stored' && !isBehind,
      ['end'],
    ],
    [
      'run begins one for the destinations that are not behind',
      ({ mode, isBehind, hasOthers }) => mode !== 'resume' && isBehind && hasOthers,
      ['begin'],
    ],
    [
      'run begins one after a failed one, for those that are not behind',
      ({ mode, last, hasOthers }) => mode !== 'resume' && last === 'failed' && hasOthers,
      ['begin'],
    ],
    [
      'run begins none when every destination is behind',
      ({ last, hasOthers }) => last !== 'none' && !hasOthers,
      ['end'],
    ],
  ],
)
