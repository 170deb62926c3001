/** What makes the benchmark exit 1, and what it compares. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Options } from '../../bench/harness/arguments.ts'
import { inTurn } from '../../bench/harness/measure.ts'
import { readResult } from '../../bench/harness/results.ts'
import { runBenchmark, type Surroundings } from '../../bench/harness/run.ts'
import type { Case, Goal } from '../../bench/harness/types.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { contender, failing, sample, toyCase } from './place.ts'

interface Bench {
  readonly folder: string
  /** Measures one case. Gives the exit code and what was printed. */
  readonly measure: (
    one: Case,
    options?: Partial<Options>,
    more?: Partial<Surroundings>,
  ) => Promise<{ readonly code: number; readonly text: string }>
}

async function bench(t: TestContext): Promise<Bench> {
  const folder = await tempFolder(t)
  const [results, baseline] = [path.join(folder, 'results'), path.join(folder, 'baseline')]
  return {
    folder,
    async measure(one, options = {}, more = {}) {
      let text = ''
      const print = (line: string): void => {
        text += `${line}\n`
      }
      const around: Surroundings = { program: '', against: null, say: () => {}, print, results, baseline, ...more }
      const wanted: Options = { cases: [one], rounds: null, only: [], against: null, pin: false, ...options }
      return { code: await runBenchmark(wanted, around), text }
    },
  }
}

const twiceThePeer: Goal = {
  what: 'speed ÷ peer',
  reached: (row) => row('dicom-backup').value.median / row('peer').value.median,
  atLeast: 2,
}

describe('a case', () => {
  test('in which all goes as it should exits 0, and its result is written', async (t) => {
    const { folder, measure } = await bench(t)
    const { code, text } = await measure(toyCase({ peers: [contender('peer', [50])], goals: [twiceThePeer] }))
    assert.equal(code, 0, text)
    assert.match(text, /reached {2}speed ÷ peer: 2.000/)
    assert.deepEqual(readdirSync(path.join(folder, 'results')), ['toy.json'])
    assert.ok(!existsSync(path.join(folder, 'baseline')))
  })

  test('fails when a peer fails: the peer has no row, a goal about it is missed, and no result is written', async (t) => {
    const { folder, measure } = await bench(t)
    const { code, text } = await measure(toyCase({ peers: [failing('peer', 'exit 1')], goals: [twiceThePeer] }))
    assert.equal(code, 1)
    assert.match(text, /toy failed: peer \(peer\): exit 1/)
    assert.match(text, /MISSED {3}speed ÷ peer: unknown/)
    assert.ok(!existsSync(path.join(folder, 'results')))
  })

  test('fails when a goal’s contender is not there, unless only some were asked for', async (t) => {
    const { measure } = await bench(t)
    const renamed = toyCase({ peers: [contender('pear', [50])], goals: [twiceThePeer] })
    const { code, text } = await measure(renamed)
    assert.equal(code, 1)
    assert.match(text, /toy missed: speed ÷ peer/)
    assert.equal((await measure(renamed, { only: ['dicom-backup'] })).code, 0)
  })

  test('fails when a goal is missed, unless that is known', async (t) => {
    const { measure } = await bench(t)
    const peers = [contender('peer', [60])]
    assert.equal((await measure(toyCase({ peers, goals: [twiceThePeer] }))).code, 1)
    const { code, text } = await measure(toyCase({ peers, goals: [{ ...twiceThePeer, known: 'it cannot be' }] }))
    assert.equal(code, 0, text)
    assert.match(text, /known {4}speed ÷ peer: 1.667 \(at least 2\): it cannot be/)
  })

  test('whose memory the system does not say shows it as unknown and has not reached its limit', async (t) => {
    const { measure } = await bench(t)
    const below: Goal = { what: 'peak', reached: (row) => row('dicom-backup').peakBytes.max, atMost: 1e9 }
    const { code, text } = await measure(
      toyCase({ own: [contender('dicom-backup', [100], { peakBytes: NaN })], goals: [below] }),
    )
    assert.equal(code, 1)
    assert.match(text, /MISSED {3}peak: unknown/)
  })

  test('that cannot be prepared fails', async (t) => {
    const { measure } = await bench(t)
    const { code, text } = await measure(toyCase({ prepare: () => Promise.reject(new Error('the disk is full')) }))
    assert.equal(code, 1)
    assert.match(text, /toy could not be measured: the disk is full/)
  })

  test('that cannot be measured on this machine says so and measures nothing else in its place', async (t) => {
    const { folder, measure } = await bench(t)
    const { code, text } = await measure(toyCase({ unmeasured: () => 'the files are not here' }))
    assert.equal(code, 0)
    assert.match(text, /toy was not measured: the files are not here/)
    assert.ok(!existsSync(path.join(folder, 'results')))
  })
})

describe('the baseline', () => {
  test('is written when it is pinned, and then only', async (t) => {
    const { folder, measure } = await bench(t)
    assert.match((await measure(toyCase({}))).text, /toy has no pinned baseline/)
    await measure(toyCase({}), { pin: true })
    await measure(toyCase({ own: [contender('dicom-backup', [101])] }))
    assert.equal(readResult(path.join(folder, 'baseline'), 'toy')?.rows[0]?.value.median, 100)
    assert.equal(readResult(path.join(folder, 'results'), 'toy')?.rows[0]?.value.median, 101)
  })

  test('sees a loss of 4 % at each of two commits, though neither is more than the noise', async (t) => {
    const { measure } = await bench(t)
    const at = (speed: number): Case => toyCase({ own: [contender('dicom-backup', [speed])] })
    await measure(at(100), { pin: true })
    assert.equal((await measure(at(96))).code, 0)
    const { code, text } = await measure(at(92.2))
    assert.equal(code, 1)
    assert.match(text, /slower than the baseline: toy: dicom-backup takes 1.085 × the time/)
  })

  test('sees more processor time and more memory at the same speed', async (t) => {
    const { measure } = await bench(t)
    const at = (more: object): Case => toyCase({ own: [contender('dicom-backup', [100], more)] })
    await measure(at({}), { pin: true })
    assert.match((await measure(at({ cpuMs: 1100 }))).text, /1.100 × the processor time/)
    assert.match((await measure(at({ peakBytes: 1.2e8 }))).text, /1.200 × the peak memory/)
    assert.match((await measure(at({ peakBytes: NaN }))).text, /unknown × the peak memory/)
  })

  test('is not compared with a part of a case, and misses a contender that is gone', async (t) => {
    const { measure } = await bench(t)
    await measure(toyCase({ peers: [contender('peer', [50])] }), { pin: true })
    const slow = toyCase({ own: [contender('dicom-backup', [10])] })
    assert.equal((await measure(slow, { only: ['dicom-backup'] })).code, 0)
    assert.equal((await measure(slow, { rounds: 1 })).code, 0)
    assert.match((await measure(toyCase({}))).text, /peer is in the baseline and was not measured/)
  })
})

describe('another build', () => {
  /** Ours gives the first value, the other build the second. `order` gets who ran. */
  const builds = (ours: number, other: number, order: string[] = []): Case => {
    const run: Case['own'][number]['run'] = (_, { name }) => {
      order.push(name ?? 'ours')
      return Promise.resolve(sample(name === null ? ours : other))
    }
    return toyCase({ own: [{ name: 'dicom-backup', what: '', run }] })
  }
  const against = { name: 'old', program: '' }

  test('takes turns with ours, and is shown beside it', async (t) => {
    const { measure } = await bench(t)
    const order: string[] = []
    const { code, text } = await measure(builds(100, 101, order), { against: 'old' }, { against })
    assert.equal(code, 0, text)
    assert.deepEqual(order, ['ours', 'old', 'old', 'ours', 'old', 'ours', 'ours', 'old'])
    assert.match(text, /dicom-backup ÷ old's build: time 1.01, processor time 1.00, peak memory 1.00/)
  })

  test('that is faster beyond the noise fails the benchmark', async (t) => {
    const { folder, measure } = await bench(t)
    const { code, text } = await measure(builds(100, 110), { against: 'old' }, { against })
    assert.equal(code, 1)
    assert.match(text, /slower: toy: dicom-backup takes 1.100 × the time of old's build/)
    assert.ok(!existsSync(path.join(folder, 'results')))
  })

  test('is first as often as ours, and of several each begins a round', () => {
    const rounds = [0, 1, 2, 3].map((round) => inTurn(['ours', 'other'], round).join(' '))
    assert.equal(rounds.filter((round) => round === 'ours other').length, 2)
    assert.equal(new Set([0, 1, 2, 3, 4].map((round) => inTurn(['a', 'b', 'c'], round)[0])).size, 3)
  })
})
