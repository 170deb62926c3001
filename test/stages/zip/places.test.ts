import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { PartIndex } from '../../../src/pipeline/parts/part-index.ts'
import type { Mark } from '../../../src/pipeline/contract/source.ts'
import { Catalog, catalogFiles } from '../../../src/stages/zip/catalog.ts'
import { manifestLine } from '../../../src/stages/zip/manifest.ts'
import { placeOf, START, toMark, type ArchivePlace } from '../../../src/stages/zip/place.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { MIB, recorded } from './going-on.ts'

const MOST = Number.MAX_SAFE_INTEGER
const identity = 'f'.repeat(16)
const LARGEST: ArchivePlace = {
  offset: MOST,
  phase: 'directory',
  plan: MOST,
  directory: MOST,
  manifest: MOST,
  sums: [0xffffffff, 0xffffffff],
  entries: MOST,
  files: MOST,
  fileBytes: MOST,
  skipped: MOST,
  dead: MOST,
  dicom: { files: MOST, withoutStudy: MOST },
  large: { start: MOST, read: MOST, written: MOST, crc: 0xffffffff, identity, level: 6 },
}

test('a place comes back from its mark as it was, also from a journal', () => {
  const places: ArchivePlace[] = [START, LARGEST, { ...LARGEST, large: null }]
  for (const phase of ['dump', 'files', 'manifest', 'directory'] as const) {
    // Each number another one: none may come back in another's place.
    const numbers = { plan: 2, directory: 3, manifest: 4, entries: 5, files: 6, fileBytes: 7, skipped: 8, dead: 9 }
    const place: ArchivePlace = {
      offset: 1,
      phase,
      ...numbers,
      sums: [14, 15],
      dicom: { files: 16, withoutStudy: 17 },
      large: null,
    }
    places.push(place, { ...place, large: { start: 10, read: 11, written: 12, crc: 13, identity: '', level: 1 } })
    places.push({ ...place, dicom: null, large: { start: 0, read: 0, written: 0, crc: 0, identity, level: 0 } })
    places.push({ ...place, large: { start: 1, read: 2, written: 3, crc: 4, identity, level: null } })
  }
  for (const place of places) {
    assert.deepEqual(placeOf(toMark(place)), place)
    assert.deepEqual(placeOf(JSON.parse(JSON.stringify(toMark(place))) as Mark), place)
  }
  assert.deepEqual(placeOf(null), START)
})

test('a mark of a newer version, and what is no mark, are refused', () => {
  const mark = JSON.parse(JSON.stringify(toMark(LARGEST))) as { offset: number; place: unknown[] }
  const withAt = (at: number, value: unknown): Mark => ({ ...mark, place: mark.place.with(at, value) }) as Mark
  assert.throws(() => placeOf(withAt(14, 2)), { code: 'E_STATE', message: /made by a newer version/ })
  const broken: Mark[] = [
    { offset: 1, place: null },
    { offset: 1, place: [] },
    { offset: -1, place: toMark(LARGEST).place },
    { offset: 1, place: mark.place.slice(0, 11) } as Mark,
    withAt(0, 4),
    withAt(5, '5'),
    withAt(9, [1, 2, 3]),
    withAt(9, [1, 2, 3, 4, 'f', 7]),
    withAt(11, null),
    withAt(13, 0.5),
  ]
  for (const one of broken) assert.throws(() => placeOf(one), { code: 'E_STATE', message: /is damaged/ })
})

test('a mark of a version that noted neither method nor counts of DICOM files says that they are not known', () => {
  const old = [1, 2, 3, 4, 5, 6, 7, 8, 9, [10, 11, 12, 13, identity], 14, 15]
  const { large, dicom, sums } = placeOf({ offset: 1, place: old })
  assert.deepEqual(large, { start: 10, read: 11, written: 12, crc: 13, identity, level: null })
  assert.deepEqual([dicom, sums], [null, [14, 15]])
})

describe('the places of an archive', () => {
  test('are told in order, at least one in 2 MiB and a file that is read whole, and from the first MiB of a large one', async (t) => {
    for (const compression of ['auto', 'store'] as const) {
      const { bytes, marks } = await recorded(t, { compression, dump: true })
      const offsets = [0, ...marks.map(({ offset }) => offset), bytes.length]
      for (const [n, offset] of offsets.entries()) {
        const before = offsets[n - 1] ?? 0
        assert.ok(offset >= before && offset - before <= 6 * MIB, `from ${before} to ${offset}`)
      }
      for (const [n, mark] of marks.entries()) {
        const [before, now] = [placeOf(marks[n - 1] ?? null), placeOf(mark)]
        for (const what of [
          'plan',
          'directory',
          'manifest',
          'entries',
          'files',
          'fileBytes',
          'skipped',
          'dead',
        ] as const) {
          assert.ok(now[what] >= before[what], what)
        }
        if (now.large !== null) assert.ok(mark.offset - Math.max(before.offset, now.large.start) <= 2 * MIB)
      }
    }
  })

  test('fit the record of a part, however large its numbers', async (t) => {
    const index = await PartIndex.open(path.join(await tempFolder(t), 'parts'), 0)
    const facts = [START, LARGEST, { ...LARGEST, large: null }].map((place) => ({
      sha256: 'f'.repeat(64),
      bytes: MOST,
      mark: toMark(place),
    }))
    for (const fact of facts) index.add(fact)
    await index.sync()
    for (const [n, fact] of facts.entries()) assert.deepEqual(await index.read(n), fact)
    await index.close()
  })
})

describe('the catalog', () => {
  test('opened at any of its places has what was noted before it, and nothing after', async (t) => {
    const folder = await tempFolder(t)
    const record = Buffer.alloc(46)
    const all = await Catalog.open(folder, { ...START, offset: 1 })
    const places = [all.place('files', 0, null)]
    for (let n = 0; n < 20; n += 1) {
      if (n % 3 === 0) await all.addSkipped({ path: `${n}`, skipped: 'gone' })
      else
        await all.addFiles([
          { record, start: n, line: Buffer.from(manifestLine({ path: `${n}` })), size: 10, dicom: 'none' },
        ])
      if (n % 5 === 0) all.leaveDead(all.offset, all.offset + 7)
      places.push(all.place('files', n, null))
    }
    await all.sync()
    await all.close()
    const files = catalogFiles(folder)
    const [directory, manifest] = [await readFile(files.directory), await readFile(files.manifest)]
    assert.equal(directory.length, placeOf(toMark(places.at(-1) ?? START)).directory)
    for (const place of places.toReversed()) {
      const catalog = await Catalog.open(folder, place)
      assert.deepEqual(catalog.place('files', place.plan, null), place)
      assert.ok((await readFile(files.directory)).equals(directory.subarray(0, place.directory)))
      assert.ok((await readFile(files.manifest)).equals(manifest.subarray(0, place.manifest)))
      // What is noted from there on follows what was before.
      await catalog.addSkipped({ path: 'other', skipped: 'gone' })
      await catalog.sync()
      await catalog.close()
      const line = Buffer.from('{"path":"other","skipped":"gone"}\n')
      assert.ok((await readFile(files.manifest)).equals(Buffer.concat([manifest.subarray(0, place.manifest), line])))
    }
  })

  test('whose files have less than the place says cannot be opened, and leaves none open', async (t) => {
    const folder = await mkdtemp(path.join(await tempFolder(t), 'run-'))
    await (await Catalog.open(folder, START)).close()
    for (const place of [
      { ...START, directory: 1 },
      { ...START, manifest: 1 },
    ]) {
      await assert.rejects(Catalog.open(folder, place), { code: 'E_STATE' })
    }
  })
})
