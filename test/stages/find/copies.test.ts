/** Which of the stored backups are missed at a destination. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DestinationResult } from '../../../src/stages/contract/results.ts'
import { goneFrom, owedAt } from '../../../src/stages/find/copies.ts'

const NOW = new Date('2026-03-31T12:00:00Z')

const result = (name: string, status: DestinationResult['status'] = 'completed'): DestinationResult => ({
  name,
  type: 'local',
  status,
  bytesSent: 1,
  remoteId: null,
  remotePath: null,
  error: null,
})
const run = (day: number, ...destinations: DestinationResult[]) => {
  const at = `2026-03-${String(day).padStart(2, '0')}T12:00:00Z`
  return { archive: `${day}.zip`, bytes: 100 + day, startedAt: at, finishedAt: at, destinations }
}
const names = (copies: readonly { readonly name: string }[]): string[] => copies.map(({ name }) => name)

describe('what a destination must still have', () => {
  const runs = [
    run(30, result('nas')),
    run(20, result('nas', 'failed')),
    run(10, result('other')),
    run(1, result('nas')),
  ]

  test('is all that was stored there, without retention', () => {
    assert.deepEqual(names(owedAt('nas', runs, null, NOW)), ['30.zip', '1.zip'])
    assert.deepEqual(names(owedAt('other', runs, null, NOW)), ['10.zip'])
  })

  test('is not what retention may have deleted, but always the newest', () => {
    assert.deepEqual(names(owedAt('nas', runs, { days: 7, keepAtLeast: 3 }, NOW)), ['30.zip'])
    assert.deepEqual(names(owedAt('other', runs, { days: 7, keepAtLeast: 3 }, NOW)), ['10.zip'])
    assert.deepEqual(names(owedAt('nas', runs, { days: 60, keepAtLeast: 3 }, NOW)), ['30.zip', '1.zip'])
  })
})

describe('what is missed', () => {
  const owed = owedAt('nas', [run(30, result('nas')), run(1, result('nas'))], null, NOW)
  const before = { present: [] as string[], gone: [] as string[], checkedAt: '2026-03-15T12:00:00Z' }

  test('is what is not there, or has another size', () => {
    assert.deepEqual(
      goneFrom(
        owed,
        new Map([
          ['30.zip', 130],
          ['1.zip', 101],
        ]),
        null,
      ),
      [],
    )
    assert.deepEqual(goneFrom(owed, new Map([['30.zip', 130]]), null), ['1.zip'])
    assert.deepEqual(
      goneFrom(
        owed,
        new Map([
          ['30.zip', 129],
          ['1.zip', 101],
        ]),
        null,
      ),
      ['30.zip'],
    )
  })

  test('is nothing that was neither there nor missed at the listing before', () => {
    assert.deepEqual(goneFrom(owed, new Map(), before), ['30.zip'], 'stored since')
    assert.deepEqual(goneFrom(owed, new Map(), { ...before, present: ['1.zip'] }), ['30.zip', '1.zip'])
    assert.deepEqual(goneFrom(owed, new Map(), { ...before, gone: ['1.zip'] }), ['30.zip', '1.zip'])
  })
})
