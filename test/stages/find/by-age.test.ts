import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { begunByRecord, byAge, type AgeOptions, type ByAge } from '../../../src/stages/find/by-age.ts'
import type { RunPeriod } from '../../../src/stages/contract/history.ts'

const NOW = new Date(2026, 10, 23, 12)
const HOUR_MS = 3_600_000

const nameOf = (day: string, time: string): string => `clinic_${day}_${time}.zip`

const A = nameOf('2026-10-25', '02-50-00')
const B = nameOf('2026-10-25', '02-10-00')
const at = (text: string): number => Date.parse(text)

async function ordered(
  names: readonly string[],
  change: Partial<AgeOptions> & { readonly manifests?: Readonly<Record<string, string>> } = {},
): Promise<ByAge & { readonly asked: readonly string[] }> {
  const asked: string[] = []
  const { manifests = {}, ...options } = change
  const read = (name: string): Promise<number | null> => {
    asked.push(name)
    const text = manifests[name]
    return Promise.resolve(text === undefined ? null : at(text))
  }
  const found = await byAge(names, {
    prefix: 'clinic',
    recorded: new Map(),
    now: NOW,
    read,
    reading: 'newest',
    ...options,
  })
  return { ...found, asked }
}

describe('which archive was begun last', () => {
  test('is told by the names where they are days apart, without a manifest being read', async () => {
    const names = [
      nameOf('2026-11-20', '12-00-01'),
      'notes.txt',
      'dicom_backup_2026-11-22_12-00-02.zip',
      nameOf('2026-11-20', '12-00-01'),
    ]
    const { newest, ahead, asked } = await ordered(names)
    assert.deepEqual(newest, ['dicom_backup_2026-11-22_12-00-02.zip', nameOf('2026-11-20', '12-00-01')])
    assert.deepEqual([ahead, asked], [[], []])
  })

  test('is told by the record where an hour came twice', async () => {
    const recorded = new Map([
      [A, at('2026-10-25T02:50:00+02:00')],
      [B, at('2026-10-25T02:10:00+01:00')],
    ])
    const { newest, asked } = await ordered([A, B], { recorded })
    assert.deepEqual(newest, [B, A])
    assert.deepEqual(asked, [])
  })

  test('is told by the manifests where there is no record: an hour that came twice, a changed zone', async () => {
    const manifests = { [A]: '2026-10-25T00:50:00Z', [B]: '2026-10-25T01:10:00Z' }
    assert.deepEqual((await ordered([A, B], { manifests })).newest, [B, A])
    const tokyo = nameOf('2026-11-22', '20-00-00')
    const berlin = nameOf('2026-11-22', '13-00-00')
    const moved = { [tokyo]: '2026-11-22T11:00:00Z', [berlin]: '2026-11-22T12:00:00Z' }
    const old = nameOf('2026-11-20', '12-00-00')
    const { newest, asked } = await ordered([tokyo, berlin, old], { manifests: moved })
    assert.deepEqual(newest, [berlin, tokyo, old])
    assert.deepEqual(asked, [tokyo, berlin], 'of the older one the name says enough')
  })

  test('is none that lies ahead of now, by record, manifest or name; each is reported', async () => {
    const good = nameOf('2026-11-22', '12-00-00')
    const byName = nameOf('2029-01-01', '00-00-00')
    const byManifest = nameOf('2026-11-23', '18-00-00')
    const byRecord = nameOf('2026-11-23', '17-00-00')
    const { newest, ahead } = await ordered([good, byName, byManifest, byRecord], {
      manifests: { [byManifest]: new Date(NOW.getTime() + 6 * HOUR_MS).toISOString() },
      recorded: new Map([[byRecord, NOW.getTime() + 5 * HOUR_MS]]),
    })
    assert.deepEqual(newest, [good])
    assert.deepEqual(ahead, [byName, byManifest, byRecord])
  })

  test('may by its name be a day ahead: the machine that made it is in another zone', async () => {
    const elsewhere = nameOf('2026-11-24', '01-00-00')
    const { newest, ahead } = await ordered([nameOf('2026-11-20', '12-00-00'), elsewhere])
    assert.deepEqual([newest[0], ahead], [elsewhere, []])
  })

  test('is one of the future when all are: then it is the clock here that is wrong', async () => {
    const names = [nameOf('2026-11-20', '12-00-00'), nameOf('2026-11-22', '12-00-00')]
    const { newest, ahead } = await ordered(names, { now: new Date(2001, 0, 1) })
    assert.deepEqual(newest, names.toReversed())
    assert.deepEqual(ahead, names.toReversed())
  })

  test('asks 30 manifests at most', async () => {
    const names = Array.from({ length: 60 }, (_, minute) =>
      nameOf('2026-11-22', `12-${String(minute).padStart(2, '0')}-00`),
    )
    assert.equal((await ordered(names)).asked.length, 30)
    assert.equal((await ordered(names, { reading: 'all' })).asked.length, 30)
  })
})

describe('the record of runs', () => {
  const period = (archive: string | null, startedAt: string, hours = 1): RunPeriod => ({
    archive,
    startedAt,
    finishedAt: new Date(at(startedAt) + hours * HOUR_MS).toISOString(),
  })
  const order = (periods: readonly RunPeriod[]): string[] =>
    [...begunByRecord(periods, NOW)].sort(([, a], [, b]) => b - a).map(([name]) => name)

  test('orders runs by their start, whenever they were finished', () => {
    const periods = [period('b', '2026-11-21T12:00:00Z'), period('a', '2026-11-20T12:00:00Z', 30)]
    assert.deepEqual(order(periods), ['b', 'a'], 'a was resumed after b')
  })

  test('puts a run that ended before the one recorded before it behind that: the clock had been set back', () => {
    const periods = [
      period('a', '2026-11-20T12:00:00Z'),
      period('b', '2001-01-01T00:00:00Z'),
      period('c', '2001-01-01T06:00:00Z'),
      period('d', '2026-11-21T12:00:00Z'),
    ]
    assert.deepEqual(order(periods), ['d', 'c', 'b', 'a'])
  })

  test('is not led astray by a run of the future', () => {
    const periods = [
      period('a', '2026-11-20T12:00:00Z'),
      period('z', '2031-01-01T00:00:00Z'),
      period('b', '2026-11-21T12:00:00Z'),
    ]
    const begun = begunByRecord(periods, NOW)
    assert.equal(begun.get('b'), at('2026-11-21T12:00:00Z'))
    assert.deepEqual(order(periods), ['z', 'b', 'a'])
  })
})
