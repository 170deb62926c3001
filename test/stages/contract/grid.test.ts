import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { isoLocal } from '../../../src/stages/contract/time.ts'
import { intervalMs, nextSlot, type Interval } from '../../../src/stages/contract/grid.ts'

const ALL: readonly Interval[] = ['1h', '3h', '6h', '12h', '24h']
const zone = process.env.TZ

/** The slots that follow a moment, one after the other, in this time zone. */
function slots(timeZone: string, every: Interval, from: string, count: number): string[] {
  process.env.TZ = timeZone
  const found: string[] = []
  for (let at = new Date(from); found.length < count;) {
    at = nextSlot(every, at)
    found.push(isoLocal(at))
  }
  return found
}

describe('the grid of due times', () => {
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  })

  test('with 6 h and a run at 12:00 has 18:00 and 00:00 next', () => {
    const noon = '2026-11-23T12:00:00+01:00'
    assert.deepEqual(slots('Europe/Berlin', '6h', noon, 3), [
      '2026-11-23T18:00:00+01:00',
      '2026-11-24T00:00:00+01:00',
      '2026-11-24T06:00:00+01:00',
    ])
    assert.deepEqual(slots('Europe/Berlin', '6h', '2026-11-23T12:00:07+01:00', 1), ['2026-11-23T18:00:00+01:00'])
    assert.deepEqual(slots('Europe/Berlin', '6h', '2026-11-23T17:59:59+01:00', 1), ['2026-11-23T18:00:00+01:00'])
  })

  test('counts from midnight, over the ends of months and years', () => {
    const late = '2026-12-31T23:30:00+01:00'
    for (const every of ALL) assert.deepEqual(slots('Europe/Berlin', every, late, 1), ['2027-01-01T00:00:00+01:00'])
    const early = '2026-12-31T00:30:00+01:00'
    assert.deepEqual(
      ALL.map((every) => slots('Europe/Berlin', every, early, 1)[0]?.slice(11, 16)),
      ['01:00', '03:00', '06:00', '12:00', '00:00'],
    )
  })

  test('is that of local time where its offset is no full hour', () => {
    assert.deepEqual(slots('Asia/Kolkata', '12h', '2026-11-23T12:00:00Z', 2), [
      '2026-11-24T00:00:00+05:30',
      '2026-11-24T12:00:00+05:30',
    ])
  })

  test('in spring has the slot that the clock jumps over when it has jumped, once', () => {
    const midnight = '2027-03-28T00:00:00+01:00'
    assert.deepEqual(slots('Europe/Berlin', '1h', midnight, 3), [
      '2027-03-28T01:00:00+01:00',
      '2027-03-28T03:00:00+02:00',
      '2027-03-28T04:00:00+02:00',
    ])
    assert.deepEqual(slots('Europe/Berlin', '3h', midnight, 2), [
      '2027-03-28T03:00:00+02:00',
      '2027-03-28T06:00:00+02:00',
    ])
    assert.deepEqual(slots('Europe/Berlin', '24h', midnight, 2), [
      '2027-03-29T00:00:00+02:00',
      '2027-03-30T00:00:00+02:00',
    ])
    // There midnight itself is jumped over.
    assert.deepEqual(slots('Africa/Cairo', '6h', '2026-04-23T20:00:00+02:00', 2), [
      '2026-04-24T01:00:00+03:00',
      '2026-04-24T06:00:00+03:00',
    ])
  })

  test('in autumn has the hour that comes twice once, except where every hour is a slot', () => {
    const midnight = '2026-10-25T00:00:00+02:00'
    assert.deepEqual(slots('Europe/Berlin', '1h', midnight, 5), [
      '2026-10-25T01:00:00+02:00',
      '2026-10-25T02:00:00+02:00',
      '2026-10-25T02:00:00+01:00',
      '2026-10-25T03:00:00+01:00',
      '2026-10-25T04:00:00+01:00',
    ])
    assert.deepEqual(slots('Europe/Berlin', '3h', midnight, 2), [
      '2026-10-25T03:00:00+01:00',
      '2026-10-25T06:00:00+01:00',
    ])
    assert.deepEqual(slots('Europe/Berlin', '3h', '2026-10-25T02:30:00+01:00', 1), ['2026-10-25T03:00:00+01:00'])
    // There midnight comes twice.
    assert.deepEqual(slots('America/Havana', '24h', '2026-10-31T12:00:00-04:00', 2), [
      '2026-11-01T00:00:00-04:00',
      '2026-11-02T00:00:00-05:00',
    ])
    assert.deepEqual(slots('America/Havana', '12h', '2026-11-01T00:30:00-05:00', 1), ['2026-11-01T12:00:00-05:00'])
  })

  test('has its slots a whole interval apart all year, but for the days when the clock changes', () => {
    for (const every of ALL) {
      const step = intervalMs(every)
      const year = slots('Europe/Berlin', every, '2026-12-31T23:59:59+01:00', (365 * 86_400_000) / step)
      const gaps = year.slice(1).map((slot, index) => Date.parse(slot) - Date.parse(year[index] ?? ''))
      const odd = gaps.filter((gap) => gap !== step)
      assert.deepEqual(odd, every === '1h' ? [] : [step - 3_600_000, step + 3_600_000], every)
    }
  })
})
