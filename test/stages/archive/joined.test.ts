/** The directory and the manifest side by side: a manifest that lies is told, entry by entry. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { DamagedEntry } from '../../../src/stages/archive/archive-entry.ts'
import { mergeJoined, type JoinedEntry } from '../../../src/stages/archive/merge-joined.ts'
import { readManifest } from '../../../src/stages/archive/manifest-reader.ts'
import { make, place } from '../zip/archive-maker.ts'
import { backupOf, type BackupFile } from './hand-made-backup.ts'
import { collect, never, openBytes } from './stored-archive.ts'
import { zipOf } from './zip-bytes.ts'

const files: readonly BackupFile[] = Array.from({ length: 12 }, (_, n) => ({
  name: `dicom_files/${n}.dcm`,
  content: Buffer.alloc(10 + n, n),
}))
const nameOf = (n: number): string => `dicom_files/${n}.dcm`

async function join(bytes: Buffer): Promise<JoinedEntry[]> {
  const reader = await openBytes(bytes)
  return await collect(mergeJoined(reader, await readManifest(reader, never), never))
}

const mismatches = (all: readonly JoinedEntry[]): [string, string][] =>
  all.flatMap((item) => (item.kind === 'mismatch' ? [[item.path, item.reason] as [string, string]] : []))

const fits = (all: readonly JoinedEntry[]): string[] =>
  all.flatMap((item) => (item.kind === 'file' ? [item.entry.name] : []))

const without = <T>(list: readonly T[], ...places: readonly number[]): T[] => list.filter((_, n) => !places.includes(n))

describe('directory and manifest', () => {
  test('of a real backup fit, with the folder and the manifest as what has no line, and what was left out', async (t) => {
    const at = await place(t)
    for (let n = 0; n < 20; n += 1) await at.put(`p${n % 3}/${n}.dcm`, Buffer.alloc(100, n))
    const leftOut = { leftOut: { path: 'p1/gone.dcm', reason: 'gone' } }
    const items = Array.from({ length: 20 }, (_, n) => ({ path: `p${n % 3}/${n}.dcm`, size: 100, mtimeMs: 0 }))
    await make(at, { dump: Buffer.from('-- dump'), items: [...items.slice(0, 5), leftOut, ...items.slice(5)] })
    const all = await join(await readFile(at.archive))
    assert.deepEqual(fits(all), ['database/viewer.sql', ...items.map(({ path }) => `dicom_files/${path}`)])
    assert.deepEqual(mismatches(all), [])
    assert.deepEqual(
      all.filter(({ kind }) => kind !== 'file').map((item) => ('entry' in item ? item.entry.name : item)),
      [{ kind: 'left-out', line: { path: 'dicom_files/p1/gone.dcm', skipped: 'gone' } }, 'backup-manifest.ndjson'],
    )
  })

  test('fit when they do, and every entry is there once', async () => {
    const all = await join(backupOf(files))
    assert.deepEqual(
      fits(all),
      files.map(({ name }) => name),
    )
    assert.deepEqual(mismatches(all), [])
  })

  test('a line that is missing is told with its entry, wherever it is', async () => {
    for (let n = 0; n < files.length; n += 1) {
      const bytes = 10 + n
      const counts = { files: 11, bytes: files.reduce((sum, { content }) => sum + content!.length, 0) - bytes }
      const all = await join(backupOf(files, { lie: (lines) => without(lines, n), counts }))
      assert.deepEqual(mismatches(all), [[nameOf(n), 'it is not in the manifest']])
      assert.equal(fits(all).length, 11)
    }
  })

  test('an entry that is missing is told with its line, wherever it is', async () => {
    for (let n = 0; n < files.length; n += 1) {
      const all = await join(backupOf(files, { swap: (entries) => without(entries, n) }))
      assert.deepEqual(mismatches(all), [[nameOf(n), 'it is in the manifest but not in the archive']])
      assert.equal(fits(all).length, 11)
    }
  })

  test('an entry and its line that are missing together are found by the counts of the head', async () => {
    const all = await join(
      backupOf(files, { swap: (entries) => without(entries, 3), lie: (lines) => without(lines, 3) }),
    )
    assert.deepEqual(mismatches(all), [
      ['backup-manifest.ndjson', 'it counts 12 (files) in its first line and 11 in the others'],
    ])
  })

  test('several that are missing on both sides are each told', async () => {
    const all = await join(
      backupOf(files, { swap: (entries) => without(entries, 0, 5, 6), lie: (lines) => without(lines, 2, 7, 11) }),
    )
    const told = new Map(mismatches(all))
    told.delete('backup-manifest.ndjson')
    assert.deepEqual([...told.keys()].sort(), [0, 5, 6, 2, 7, 11].map(nameOf).sort())
    assert.equal(fits(all).length, 6)
  })

  test("two entries in each other's place are told, and all others fit", async () => {
    for (let a = 0; a < files.length; a += 1) {
      for (let b = a + 1; b < files.length; b += 1) {
        const swapped = (entries: readonly unknown[]): number[] => {
          const order = entries.map((_, n) => n)
          ;[order[a], order[b]] = [b, a]
          return order
        }
        const all = await join(backupOf(files, { swap: (entries) => swapped(entries).map((n) => entries[n]!) }))
        const told = mismatches(all)
        assert.ok(told.length >= 1 && told.length <= 2, `${a} ${b}: ${JSON.stringify(told)}`)
        for (const [path, reason] of told) {
          assert.ok([nameOf(a), nameOf(b)].includes(path), path)
          assert.equal(reason, 'it is not where the manifest says')
        }
        assert.equal(fits(all).length + told.length, files.length)
      }
    }
  })

  test('a line of another size is told', async () => {
    const lied = files.map((file, n) => (n === 4 ? { ...file, line: { size: 99 } } : file))
    assert.deepEqual(mismatches(await join(backupOf(lied))), [
      [nameOf(4), 'it has 14 bytes where the manifest says 99'],
    ])
  })

  test('of two backups that have nothing to do with each other fit nowhere, in bounded memory', async () => {
    const many = Array.from({ length: 1500 }, (_, n) => ({ name: `dicom_files/${n}`, content: Buffer.from('x') }))
    const other = many.map((file) => ({ ...file, name: `${file.name}-other` }))
    const all = await join(backupOf(many, { swap: () => other }))
    assert.equal(mismatches(all).length, 3000)
    assert.deepEqual(fits(all), [])
  })

  test('with any number of folders or left out files in a row are given as they come, not gathered', async () => {
    const count = 20_000
    const names = Array.from({ length: count }, (_, n) => `dicom_files/${n}`)
    const leftOut = names.map((path) => ({ path, skipped: 'gone' }))
    const folders = names.map((name) => ({ name: `${name}/`, method: 0 }))
    const counts = { skipped: count }
    const bytes = backupOf(files, {
      swap: (entries) => [...folders, ...entries],
      lie: (lines) => [...leftOut, ...lines],
      counts,
    })
    const reader = await openBytes(bytes)
    const manifest = await readManifest(reader, never)
    assert.ok(manifest)
    let [read, given, most] = [0, 0, 0]
    async function* countBytes<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
      for await (const one of source) {
        read += 1
        yield one
      }
    }
    const watched = Object.create(reader, {
      manifestEntry: { value: reader.manifestEntry },
      entries: { value: (signal: AbortSignal) => countBytes(reader.entries(signal)) },
    }) as typeof reader
    const kinds = { file: 0, plain: 0, 'left-out': 0, mismatch: 0 }
    for await (const { kind } of mergeJoined(watched, { ...manifest, lines: countBytes(manifest.lines) }, never)) {
      kinds[kind] += 1
      given += kind === 'file' ? 2 : 1
      most = Math.max(most, read - given)
    }
    assert.deepEqual(kinds, { file: files.length, plain: count + 1, 'left-out': count, mismatch: 0 })
    assert.ok(most < 3000, `${most} were gathered`)
  })

  test('an archive of another program has entries only', async () => {
    const all = await join(
      zipOf([
        { name: 'a/', method: 0 },
        { name: 'a/b', content: Buffer.from('b') },
      ]),
    )
    assert.deepEqual(
      all.map((item) => [item.kind, 'entry' in item ? item.entry.name : '']),
      [
        ['plain', 'a/'],
        ['plain', 'a/b'],
      ],
    )
  })
})

describe('a manifest that is none', () => {
  const cases: Readonly<Record<string, readonly [(text: string) => string, RegExp]>> = {
    'is empty': [() => '', /does not begin with its first line/],
    'is no JSON': [() => 'PK\n', /does not begin with its first line/],
    'has a head of another program': [
      (text) => text.replace('dicom-backup', 'other'),
      /does not begin with its first line/,
    ],
    'has a head without counts': [(text) => text.replace('"counts"', '"count"'), /does not begin with its first line/],
    'has a line that is no JSON': [
      (text) => text.replace('{"path":"dicom_files/3', '{"path:"dicom_files/3'),
      /line 5 of/,
    ],
    'has a line that is cut off': [(text) => text.slice(0, -9), /line 13 of/],
    'has a hash that is none': [(text) => text.replace(/"sha256":"[0-9a-f]/, '"sha256":"X'), /line 2 of/],
    'has a time that is none': [(text) => text.replaceAll('"mtime":"2026', '"mtime":"XXXX'), /line 2 of/],
    'has a negative size': [(text) => text.replace('"size":13', '"size":-13'), /line 5 of/],
    'has a line without end': [(text) => text + 'x'.repeat(3 << 20), /line 14 of/],
  }
  for (const [what, [manifest, reason]] of Object.entries(cases)) {
    test(`because it ${what} is told as the entry that is damaged`, async () => {
      await assert.rejects(join(backupOf(files, { manifest })), (error: unknown) => {
        assert.ok(error instanceof DamagedEntry, String(error))
        assert.equal(error.entry.name, 'backup-manifest.ndjson')
        assert.match(error.reason, reason)
        assert.doesNotMatch(error.message, /dicom_files/)
        return true
      })
    })
  }

  test('because its checksum is wrong is told behind its last line', async () => {
    await assert.rejects(
      join(backupOf(files, { manifestEntry: { told: { crc: 1 }, flags: 1 << 3 } })),
      (error: unknown) => error instanceof DamagedEntry && /checksum/.test(error.reason),
    )
  })
})
