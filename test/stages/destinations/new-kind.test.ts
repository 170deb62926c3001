/** A kind of destination is added by a folder, a line and a test, as CONTRIBUTING.md says: here is one. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { withRetry } from '../../../src/pipeline/send/retry.ts'
import { starterConfig } from '../../../src/stages/config/starter.ts'
import { kindOf, kinds, withKind } from '../../../src/stages/destinations/kinds.ts'
import { openDestination } from '../../../src/stages/destinations/open.ts'
import { redact } from '../../../src/stages/text/redact.ts'
import { describeDestination, type DestinationUnderTest } from '../../conformance/destination.ts'
import { shelf, SHELF_KEY, type ShelfConfig } from '../../support/shelf-kind.ts'
import { DICOM, failure, load, testFolder } from '../config/configured.ts'

const folder = testFolder()
const policy = { firstPauseMs: 1, longestPauseMs: 5, budgetMs: 50, openingBudgetMs: 50 }
const never = new AbortController().signal
const one = (settings: string): string => `${DICOM}destinations: [{ name: hall, ${settings} }]\n`

describe('a new kind of destination', () => {
  const known = kinds()
  const { promise, resolve } = Promise.withResolvers<null>()
  const added = withKind(shelf, () => promise)
  after(async () => {
    resolve(null)
    await added
    assert.equal(kindOf(shelf), null)
    assert.deepEqual(kinds(), known)
  })

  test('is configured like any other', () => {
    const config = load(folder, one('type: shelf, folder: books, lock: { shelfKey: k3y-of-the-hall }'))
    assert.deepEqual(config.destinations, [
      {
        name: 'hall',
        type: 'shelf',
        folder: path.join(folder, 'books'),
        lock: { shelfKey: 'k3y-of-the-hall' },
        chunkSize: null,
      },
    ])
  })

  test('has its faults told with what would be right, and what was meant', () => {
    const faultOf = (settings: string): (readonly [string, string])[] =>
      failure(folder, one(settings)).faults.map(({ key, message }) => [key, message] as const)
    assert.deepEqual(faultOf('type: shelf, folder: books, lock: { shelfKeys: x }'), [
      ['destinations[0].lock.shelfKey', 'is missing; expected the key of the shelf'],
      ['destinations[0].lock.shelfKeys', 'is not a known key; did you mean shelfKey?'],
    ])
    assert.deepEqual(faultOf('type: shelf, foldr: books, lock: { shelfKey: x }'), [
      ['destinations[0].folder', 'is missing; expected the folder of the shelf'],
      ['destinations[0].foldr', 'is not a known key; did you mean folder?'],
    ])
    assert.deepEqual(faultOf('type: shelve, folder: books'), [
      ['destinations[0].type', 'found the text "shelve"; expected one of dropbox, google-drive, local, shelf'],
    ])
    const twice = `${DICOM}destinations:\n${['a', 'b'].map((name) => `  - { name: ${name}, type: shelf, folder: x, lock: { shelfKey: y } }\n`).join('')}`
    assert.deepEqual(
      failure(folder, twice).faults.map(({ message }) => message),
      ['is also the folder of destinations[0], in the same account; expected a folder of its own'],
    )
  })

  test('has its secret, of a name that no other has, taken out of every text, and never shown in a fault', () => {
    const secret = 'key with spaces 31622'
    const [fault] = failure(folder, one(`type: shelf, folder: books, lock: { shelfKey: '${secret}' }`)).faults
    assert.equal(fault?.message, 'found a text; expected the key of the shelf, without spaces')
    const config = load(folder, one('type: shelf, folder: books, lock: { shelfKey: k3y-of-the-cellar }'))
    assert.deepEqual(config.secrets, ['k3y-of-the-cellar'])
    assert.equal(redact('a k3y-of-the-cellar is here'), 'a [secret] is here')
    const number = failure(folder, one('type: shelf, folder: books, lock: { shelfKey: 31415 }')).faults
    assert.deepEqual(
      number.map(({ message }) => message),
      ['found a number; expected the key of the shelf'],
    )
  })

  test('is in the starter configuration, in a block that works once it is switched on', () => {
    const starter = starterConfig('linux')
    const [block] = /^#  - name: hospital-shelf\n(?:#.*\n)*/m.exec(starter) ?? []
    assert.ok(block)
    const written = `${DICOM}destinations:\n${block.replaceAll(/^#/gm, '')}`
    const [on] = load(folder, written, { SHELF_KEY }).destinations
    assert.deepEqual([on?.name, on?.type, on?.folder], ['hospital-shelf', 'shelf', '/shelf'])
  })

  test('is opened by the list; that it cannot be is its own fault', async () => {
    const config = (name: string): ShelfConfig => ({
      name,
      type: 'shelf',
      folder: path.join(folder, name),
      chunkSize: null,
      lock: { shelfKey: SHELF_KEY },
    })
    await mkdir(path.join(folder, 'sound'))
    const sound = openDestination(config('sound'), {})
    assert.equal((await sound.signIn(never)).label, 'the librarian')
    assert.deepEqual(sound.traits, shelf.traits)
    await sound.close()
    const rotten = openDestination(config('rotten'), {})
    for (const call of [rotten.signIn(never), rotten.begin('a.zip', never), rotten.list(never).next()])
      await assert.rejects(call, { code: 'E_INTERNAL', message: /The shelf breaks down\./ })
    await rotten.close()
  })

  async function make(): Promise<DestinationUnderTest> {
    const place = await mkdtemp(path.join(tmpdir(), 'dicom-backup-test-'))
    const config: ShelfConfig = {
      name: 'hall',
      type: 'shelf',
      folder: place,
      chunkSize: null,
      lock: { shelfKey: SHELF_KEY },
    }
    return {
      open: () => withRetry(openDestination(config, {}), { policy }),
      visible: async () => (await readdir(place)).filter((name) => name.endsWith('.zip')),
      read: (object) => readFile(path.join(place, object)),
      async storeBelow(object) {
        await mkdir(path.join(place, 'below'))
        await writeFile(path.join(place, 'below', object), 'x')
      },
      close: () => rm(place, { recursive: true, force: true }),
    }
  }
  describeDestination('a new kind', make)
})
