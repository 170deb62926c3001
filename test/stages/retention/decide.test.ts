import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { archiveName } from '../../../src/stages/contract/archive-name.ts'
import { decide, type Decision, type Listed, type RetentionRules } from '../../../src/stages/retention/decide.ts'
import { seeded, seedOfRun } from '../../support/seed.ts'

const NOW = new Date(2026, 10, 23, 12, 5)
const DAY_MS = 86_400_000

const nameOf = (daysAgo: number, prefix = 'dicom_backup'): string =>
  archiveName(prefix, new Date(NOW.getTime() - 300_000 - daysAgo * DAY_MS))

const object = (name: string, bytes = 1000, id = name): Listed => ({ id, name, path: `/${name}`, bytes, digest: null })

const RULES: RetentionRules = {
  days: 30,
  keepAtLeast: 3,
  prefix: 'dicom_backup',
  now: NOW,
  begun: new Map(),
  ageOf: (begun) => NOW.getTime() - begun,
  stored: nameOf(0),
  isBad: () => Promise.resolve(false),
}

const decided = (names: readonly string[], rules: Partial<RetentionRules> = {}): Promise<Decision> =>
  decide(
    names.map((name) => object(name)),
    { ...RULES, ...rules },
  )

const going = ({ goes }: Decision): string[] => goes.map(({ name }) => name)

describe('retention', () => {
  test('lets go what is older than its days, oldest first, and says why the rest stays', async () => {
    const decision = await decided([90, 31, 45, 29, 0, 1, 2].map((days) => nameOf(days)))
    assert.deepEqual(
      going(decision),
      [90, 45, 31].map((days) => nameOf(days)),
    )
    assert.deepEqual(decision.stays, [
      { name: nameOf(0), reason: 'the newest stored' },
      { name: nameOf(1), reason: 'one of the newest 3' },
      { name: nameOf(2), reason: 'one of the newest 3' },
      { name: nameOf(29), reason: 'not 30 days old yet' },
    ])
    assert.equal(decision.refused, null)
  })

  test('never lets go the newest keepAtLeast, however old they are', async () => {
    const all = [0, 100, 200, 300, 400].map((days) => nameOf(days))
    assert.deepEqual(going(await decided(all)), [nameOf(400), nameOf(300)])
    assert.deepEqual(going(await decided(all, { keepAtLeast: 5 })), [])
    assert.deepEqual(going(await decided(all, { keepAtLeast: 1 })).length, 4)
  })

  test('does not count an archive that is known to be bad, or can be none by its size', async () => {
    const all = [0, 100, 200, 300, 400].map((days) => nameOf(days))
    const bad = (name: string): Promise<boolean> => Promise.resolve(name === nameOf(100) || name === nameOf(200))
    assert.deepEqual(going(await decided(all, { isBad: bad })), [nameOf(200), nameOf(100)], 'the good ones are three')
    const listing = all.map((name) => object(name, name === nameOf(100) ? 21 : 1000))
    assert.deepEqual(going(await decide(listing, RULES)), [nameOf(400), nameOf(100)])
  })

  test("touches the viewer's PHP script's archives and ours, and nothing else", async () => {
    const old = [
      nameOf(50, 'klinik'),
      nameOf(51),
      'dicom_backup_2020-01-01_00-00-00.zip.partial',
      'dicom_backup_2020-01-01_00-00-00.zip (1)',
      'dicom_backup_2020-01-01.zip',
      'dicom_backup_2020-13-01_00-00-00.zip',
      'dicom_backup_2020-01-01_24-00-00.zip',
      'DICOM_BACKUP_2020-01-01_00-00-00.zip',
      'other_2020-01-01_00-00-00.zip',
      'x/dicom_backup_2020-01-01_00-00-00.zip',
      'taxes-2019.zip',
      '',
    ]
    const now = nameOf(0, 'klinik')
    const rules = { prefix: 'klinik', stored: now, keepAtLeast: 1 }
    assert.deepEqual(going(await decided([now, ...old], rules)), [nameOf(51), nameOf(50, 'klinik')])
  })

  test('deletes nothing when its listing lacks the archive just stored, or has no good one', async () => {
    const lacking = await decided([100, 200, 300, 400].map((days) => nameOf(days)))
    assert.deepEqual(going(lacking), [])
    assert.match(lacking.refused ?? '', /does not show dicom_backup_.*nothing was deleted/)
    assert.deepEqual(lacking.stays.length, 4)
    const allBad = await decided(
      [0, 100, 200].map((days) => nameOf(days)),
      { isBad: () => Promise.resolve(true) },
    )
    assert.match(allBad.refused ?? '', /No archive there is known to be good/)
  })

  test('takes two objects of the same name for one archive, that stays or goes as a whole', async () => {
    const twins = (days: number): Listed[] => [
      object(nameOf(days), 1000, `${days}a`),
      object(nameOf(days), 1000, `${days}b`),
    ]
    const decision = await decide([0, 100, 200, 300].flatMap(twins), RULES)
    assert.deepEqual(decision.goes.map(({ id }) => id).sort(), ['300a', '300b'])
  })

  test('a clock in the past lets less go, and a name from the future keeps no place from another', async () => {
    const all = [0, 1, 2, 40, 50].map((days) => nameOf(days))
    const past = new Date(NOW.getTime() - 20 * DAY_MS)
    assert.deepEqual(going(await decided(all, { now: past })), [], 'nothing is 30 days old by that clock')
    const future = [
      archiveName('dicom_backup', new Date(2031, 0, 1)),
      archiveName('dicom_backup', new Date(2032, 0, 1)),
    ]
    const decision = await decided([...future, ...[0, 100, 200, 300].map((days) => nameOf(days))])
    assert.deepEqual(going(decision), [nameOf(300)], 'three of the present stay beside those two')
  })

  test('of whatever listing never deletes what is not ours, the newest good ones, or what is young', async () => {
    const seed = seedOfRun()
    const draws = seeded(seed)
    const chance = (of: number): number => draws.below(of)
    for (let n = 0; n < 500; n += 1) {
      const listing = Array.from({ length: chance(60) }, (_, index) => {
        const name =
          [nameOf(chance(100)), nameOf(chance(100), 'old'), `notes-${index}.zip`, nameOf(-chance(40))][chance(4)] ?? ''
        return object(name, chance(8) === 0 ? 5 : 1000, String(index))
      })
      const bad = new Set(listing.filter(() => chance(6) === 0).map(({ name }) => name))
      const rules = {
        ...RULES,
        days: 1 + chance(60),
        keepAtLeast: 1 + chance(8),
        isBad: (name: string) => Promise.resolve(bad.has(name)),
      }
      const all = chance(5) === 0 ? listing : [...listing, object(RULES.stored, 1000, 'stored')]
      const { goes, refused } = await decide(all, rules)
      const about = `seed ${seed}, listing ${n}`
      if (refused !== null || !all.some(({ name }) => name === RULES.stored)) assert.equal(goes.length, 0, about)
      for (const { name } of goes) {
        assert.match(name, /^dicom_backup_\d{4}/, about)
        assert.ok(name <= nameOf(rules.days), about)
        assert.notEqual(name, RULES.stored, about)
      }
      const gone = new Set(goes.map(({ name }) => name))
      const good = [
        ...new Set(
          all
            .filter(({ name, bytes }) => name.startsWith('dicom_backup_') && bytes > 21 && !bad.has(name))
            .map(({ name }) => name),
        ),
      ]
      const present = good
        .filter((name) => name <= nameOf(-1))
        .sort()
        .reverse()
      for (const name of present.slice(0, rules.keepAtLeast)) assert.ok(!gone.has(name), `${about}: ${name}`)
    }
  })
})
