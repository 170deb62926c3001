import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { behindBaseline, isSameMachine, noise } from '../../bench/harness/behind.ts'
import type { CaseResult, Machine, Row } from '../../bench/harness/types.ts'
import { row, spread } from './place.ts'

const machine: Machine = {
  cpu: 'AMD EPYC',
  cores: 2,
  arch: 'x64',
  memoryBytes: 24e9,
  system: 'Linux 6.18.44',
  node: 'v24.21.0',
}

const result = (rows: readonly Row[], at: Partial<Machine> = {}): CaseResult => ({
  name: 'toy',
  title: 'a toy',
  unit: 'MB/s',
  better: 'higher',
  machine: { ...machine, ...at },
  measuredAt: '2026-11-28T12:19:09.568Z',
  rows,
  goals: [],
  failures: [],
})

describe('the noise of rows', () => {
  const uneven = (share: number): Row => row('dicom-backup', 100, { value: spread(100, share) })

  test('is the root of the sum of squares', () => {
    assert.equal(noise('value', uneven(0.06), uneven(0.08)).toFixed(6), '0.100000')
  })
  test('is 5 % at least and 15 % at most', () => {
    assert.equal(noise('value', uneven(0), uneven(0)), 0.05)
    assert.equal(noise('value', uneven(0.4), uneven(0.4)), 0.15)
  })
  test('of a row of one round is 10 %', () => {
    assert.equal(noise('value', row('dicom-backup', 100, { rounds: 1 })), 0.1)
  })
})

describe('absolute figures', () => {
  test('are compared after a new kernel and a new minor of Node, not on another machine or major', () => {
    const same = { system: 'Linux 6.19.1', memoryBytes: 25e9, node: 'v24.30.1' }
    assert.ok(isSameMachine(machine, { ...machine, ...same }))
    for (const other of [{ cpu: 'Intel' }, { cores: 4 }, { arch: 'arm64' }, { node: 'v26.0.0' }]) {
      assert.ok(!isSameMachine(machine, { ...machine, ...other }), JSON.stringify(other))
    }
  })

  test('of another machine say nothing; the ratio to a peer does', () => {
    const before = result([row('dicom-backup', 100), row('zip', 100)])
    const slowMachine = result([row('dicom-backup', 50), row('zip', 50)], { cpu: 'Intel' })
    assert.deepEqual(behindBaseline(slowMachine, before), [])
    const slower = result([row('dicom-backup', 40), row('zip', 50)], { cpu: 'Intel' })
    assert.deepEqual(behindBaseline(slower, before), ['toy: dicom-backup takes 1.250 × the time of zip, was 1.000'])
  })
})

test('two ticks of the clock are no more processor time', () => {
  const at = (cpuMs: number): CaseResult => result([row('dicom-backup', 100, { cpuMs: spread(cpuMs) })])
  assert.deepEqual(behindBaseline(at(109), at(90)), [])
  assert.deepEqual(behindBaseline(at(120), at(90)), ['toy: dicom-backup takes 1.333 × the processor time'])
})

test('a row whose runs lay far apart is not forgiven more than 15 %', () => {
  const uneven = { value: spread(80, 0.5) }
  const before = result([row('dicom-backup', 100)])
  assert.equal(behindBaseline(result([row('dicom-backup', 80, uneven)]), before).length, 1)
})

test('a case in which less is better falls behind when there is more', () => {
  const at = (ms: number): CaseResult => ({ ...result([row('dicom-backup', ms)]), better: 'lower' })
  assert.deepEqual(behindBaseline(at(90), at(100)), [])
  assert.deepEqual(behindBaseline(at(110), at(100)), ['toy: dicom-backup takes 1.100 × the time'])
})
