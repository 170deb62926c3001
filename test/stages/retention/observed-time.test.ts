import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { observedTime } from '../../../src/stages/retention/observed-time.ts'

const DAY_MS = 86_400_000
const START = Date.parse('2026-01-01T00:00:00Z')
const day = (n: number): number => START + n * DAY_MS

const daily = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => day(from + n))

describe('observed time', () => {
  test('is that of the clock while runs follow one another as usual', () => {
    const { ageOf, jump } = observedTime(daily(0, 40), { now: new Date(day(40)), days: 30, intervalMs: null })
    assert.equal(ageOf(day(0)), 40 * DAY_MS)
    assert.equal(ageOf(day(39)), DAY_MS)
    assert.equal(jump, null)
  })

  test('counts a weekend, and a pause of three times the usual, in full', () => {
    const events = [...daily(0, 10), ...daily(13, 20)]
    const { ageOf, jump } = observedTime(events, { now: new Date(day(20)), days: 30, intervalMs: null })
    assert.deepEqual([ageOf(day(0)), jump], [20 * DAY_MS, null])
    const monthly = [0, 30, 60, 90, 120, 150]
    const yearly = observedTime(monthly.map(day), { now: new Date(day(210)), days: 365, intervalMs: null })
    assert.equal(yearly.ageOf(day(0)), 210 * DAY_MS)
  })

  test('counts of a jump no more than of such a pause, however long ago it was', () => {
    const jumped = [...daily(0, 20), ...daily(1020, 1025)]
    const { ageOf, jump } = observedTime(jumped, { now: new Date(day(1025)), days: 30, intervalMs: null })
    assert.equal(ageOf(day(20)), 8 * DAY_MS)
    assert.equal(ageOf(day(0)), 28 * DAY_MS)
    assert.equal(ageOf(day(1020)), 5 * DAY_MS, 'what came after it has the age by the clock')
    assert.deepEqual(jump, { ms: 997 * DAY_MS, to: day(1020) })
  })

  test('knows a jump between two events alone, and by the interval of the schedule', () => {
    const two = observedTime([day(0), day(1000)], { now: new Date(day(1000)), days: 30, intervalMs: null })
    assert.equal(two.ageOf(day(0)), 3 * DAY_MS)
    const short = observedTime([day(0), day(1)], { now: new Date(day(1)), days: 1, intervalMs: 3_600_000 })
    assert.equal(short.ageOf(day(0)), 3 * 3_600_000)
  })

  test('passes over events that lie ahead of now', () => {
    const { ageOf, jump } = observedTime([...daily(0, 9), day(5000)], {
      now: new Date(day(10)),
      days: 30,
      intervalMs: null,
    })
    assert.equal(ageOf(day(0)), 10 * DAY_MS)
    assert.equal(ageOf(day(5000)), -4990 * DAY_MS)
    assert.equal(jump, null)
  })
})
