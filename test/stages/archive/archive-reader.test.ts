/** Reading archives of all kinds of programs, from a file that gives ranges only. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import yauzl from 'yauzl'
import { ArchiveReader } from '../../../src/stages/archive/archive-reader.ts'
import { isFolder } from '../../../src/stages/archive/archive-entry.ts'
import { collectGarbage } from '../../support/collect-garbage.ts'
import { lacking } from '../../support/needed-programs.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { seeded } from '../../support/seed.ts'
import { make, place, sha256 } from '../zip/archive-maker.ts'
import { bytesOf, collect, fileOf, never, openBytes, storedFile } from './stored-archive.ts'
import { beyond4GiB, manyEntries } from './unreal-archives.ts'
import { extraField, zipOf } from './zip-bytes.ts'

const run = promisify(execFile)
const random = seeded('archive-reader')

/** Every entry as yauzl has it, with its content's hash. */
async function asYauzlReads(file: string) {
  const zip = await yauzl.openPromise(file, { strictFileNames: true })
  const entries = []
  for await (const entry of zip.eachEntry()) {
    const { fileName, relativeOffsetOfLocalHeader, compressedSize, uncompressedSize, compressionMethod } = entry
    const content = sha256(
      fileName.endsWith('/') ? Buffer.alloc(0) : await bytesOf(await zip.openReadStreamPromise(entry)),
    )
    entries.push({
      name: fileName,
      start: relativeOffsetOfLocalHeader,
      packed: compressedSize,
      size: uncompressedSize,
      crc: entry.crc32,
      method: compressionMethod,
      mtimeMs: entry.getLastModDate().getTime(),
      content,
    })
  }
  return entries
}

const sha256Of = (text: string): string => sha256(Buffer.from(text))
const namesAndTexts = (entries: readonly { name: string; content: string }[]) =>
  entries.map(({ name, content }) => [name, content])

async function asRead(reader: ArchiveReader) {
  const entries = []
  for await (const entry of reader.entries(never)) {
    const { name, start, packed, size, crc, method, mtimeMs, fault } = entry
    assert.equal(fault, null, name)
    const content = sha256(await bytesOf(reader.content(entry, never)))
    entries.push({ name, start, packed, size, crc, method, mtimeMs, content })
  }
  assert.equal(entries.length, reader.entryCount)
  return entries
}

/** A folder of files that deflate well, badly and not at all, with names of all kinds. */
async function someFiles(t: TestContext): Promise<string> {
  const folder = path.join(await tempFolder(t), 'dicom_files')
  const files: [string, Buffer][] = [
    ['empty.dcm', Buffer.alloc(0)],
    ['a/one.dcm', Buffer.from('x')],
    ['a/noise.dcm', random.bytes(300_000)],
    ['b/even.dcm', Buffer.alloc(9_000_000, 'even')],
    ['b/größe, 心 and 🫀.dcm', Buffer.from('heart')],
    [`${'n'.repeat(251)}.dcm`, Buffer.from('long')],
  ]
  for (const [name, content] of files) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await writeFile(path.join(folder, name), content)
    await utimes(path.join(folder, name), 1_700_000_000.5, 1_700_000_001)
  }
  return folder
}

interface Packing {
  /** The programs that it calls. */
  readonly by: readonly string[]
  readonly pack: (archive: string, folder: string) => Promise<unknown>
}

const programs: Readonly<Record<string, Packing>> = {
  zip: {
    by: ['zip'],
    pack: (archive, folder) => run('zip', ['-rq', archive, path.basename(folder)], { cwd: path.dirname(folder) }),
  },
  'zip to a stream': {
    by: ['zip', 'sh'],
    pack: (archive, folder) =>
      run('sh', ['-c', `zip -rq - ${path.basename(folder)} > ${archive}`], { cwd: path.dirname(folder) }),
  },
  '7z': { by: ['7z'], pack: (archive, folder) => run('7z', ['a', '-tzip', '-bd', archive, folder]) },
  python: {
    by: ['python3'],
    pack: (archive, folder) =>
      run('python3', ['-m', 'zipfile', '-c', archive, path.basename(folder)], { cwd: path.dirname(folder) }),
  },
}

describe('an archive read from afar', () => {
  for (const [program, { by, pack }] of Object.entries(programs)) {
    test(`of ${program} has the same entries and contents as for yauzl`, { skip: lacking(...by) }, async (t) => {
      const folder = await someFiles(t)
      const archive = path.join(await tempFolder(t), 'a.zip')
      await pack(archive, folder)
      const { remote } = await storedFile(archive)
      const reader = await ArchiveReader.open(remote, never)
      assert.equal(reader.manifestEntry, null)
      const reference = await asYauzlReads(archive)
      assert.ok(reference.length >= 6)
      const read = await asRead(reader)
      // Info-ZIP leaves names unmarked that are UTF-8, and yauzl takes them for code page 437.
      const nameless = (entries: typeof reference) => entries.map(({ name: _, ...entry }) => entry)
      assert.deepEqual(nameless(read), nameless(reference))
      const names = await readdir(folder, { recursive: true })
      const inArchive = read.map(({ name }) => name.replace(/^dicom_files\//, '').replace(/\/$/, ''))
      assert.deepEqual(inArchive.filter((name) => name !== '' && names.includes(name)).length, names.length)
    })
  }

  test('of a backup has the same entries and contents as for yauzl, with the manifest as its last', async (t) => {
    const at = await place(t)
    for (let n = 0; n < 40; n += 1) await at.put(`p/${n}.dcm`, random.bytes(random.below(60_000)))
    await at.put('large.bin', Buffer.alloc(11 << 20, 'large'))
    await make(at, { dump: Buffer.from('-- dump\n'.repeat(200_000)) })
    const bytes = await readFile(at.archive)
    const reference = await asYauzlReads(at.archive)
    for (const pieceBytes of [1000, 64 * 1024, 3 << 20]) {
      const reader = await openBytes(bytes, pieceBytes)
      assert.deepEqual(await asRead(reader), reference)
      assert.equal(reader.manifestEntry?.name, 'backup-manifest.ndjson')
      assert.deepEqual(reader.manifestEntry, (await collect(reader.entries(never))).at(-1))
    }
  })

  test('gives the same to a reader that comes by in single bytes', async () => {
    const bytes = zipOf([
      { name: 'a', content: Buffer.from('content a') },
      { name: 'b/', method: 0 },
      { name: 'c', content: Buffer.from('content c'), method: 0, behind: Buffer.from('dead') },
    ])
    assert.deepEqual(namesAndTexts(await asRead(await openBytes(bytes, 1))), [
      ['a', sha256Of('content a')],
      ['b/', sha256Of('')],
      ['c', sha256Of('content c')],
    ])
  })

  test('may have a comment, many extra fields before the data, and names in code page 437', async () => {
    const bytes = zipOf(
      [
        { name: Buffer.from([0x81, 0x62, 0x65, 0x72]), flags: 0, content: Buffer.from('ü') },
        { name: 'ä', flags: 0, content: Buffer.from('UTF-8 that is not marked') },
        { name: 'c', content: Buffer.from('far'), localExtra: extraField(0x9999, random.bytes(5000)) },
      ],
      { comment: 'PK\x05\x06 is no end record here' },
    )
    const entries = await asRead(await openBytes(bytes))
    assert.deepEqual(namesAndTexts(entries), [
      ['über', sha256Of('ü')],
      ['ä', sha256Of('UTF-8 that is not marked')],
      ['c', sha256Of('far')],
    ])
  })

  test('may have its directory in another order than its entries', async () => {
    const names = ['a', 'b', 'c', 'd']
    const entries = names.map((name) => ({ name, content: Buffer.from(name.repeat(50)) }))
    const reader = await openBytes(zipOf(entries, { order: [3, 1, 0, 2] }))
    const read = await asRead(reader)
    assert.deepEqual(
      namesAndTexts(read),
      ['d', 'b', 'a', 'c'].map((name) => [name, sha256Of(name.repeat(50))]),
    )
    const all = await collect(reader.entries(never))
    const contents = []
    for await (const { item, content } of reader.contents(all, (one) => one, never)) {
      contents.push([item.name, sha256(await bytesOf(content))])
    }
    assert.deepEqual(contents, namesAndTexts(read))
  })

  test('that is empty has no entries', async () => {
    const reader = await openBytes(zipOf([]))
    assert.deepEqual(await collect(reader.entries(never)), [])
    assert.equal(reader.manifestEntry, null)
  })

  test('several neighbours come out of one range, also those behind one that nobody reads to its end', async () => {
    const entries = Array.from({ length: 50 }, (_, n) => ({ name: `${n}`, content: random.bytes(5000 + n) }))
    const bytes = zipOf(entries)
    const ranges: number[] = []
    const inner = fileOf(bytes)
    const reader = await ArchiveReader.open(
      {
        ...inner,
        read(from, to, signal) {
          ranges.push(to - from)
          return inner.read(from, to, signal)
        },
      },
      never,
    )
    const all = await collect(reader.entries(never))
    ranges.length = 0
    const wanted = all.filter((_, n) => n % 3 !== 1)
    let n = 0
    for await (const { item, content } of reader.contents(wanted, (one) => one, never)) {
      if (n % 2 === 0) assert.ok((await bytesOf(content)).equals(entries[item.index]!.content), item.name)
      n += 1
    }
    assert.equal(n, wanted.length)
    assert.equal(ranges.length, 1)
  })

  test('gives the beginning of an entry for little more than that', async () => {
    const content = Buffer.concat([random.bytes(100_000), Buffer.alloc(3_000_000, 'b')])
    for (const method of [0, 8]) {
      const bytes = zipOf([
        { name: 'a', content, method },
        { name: 'b', content: random.bytes(100_000) },
      ])
      let asked = 0
      const inner = fileOf(bytes)
      const reader = await ArchiveReader.open(
        {
          ...inner,
          read(from, to, signal) {
            asked += to - from
            return inner.read(from, to, signal)
          },
        },
        never,
      )
      const [entry] = await collect(reader.entries(never))
      asked = 0
      assert.ok((await reader.head(entry!, 65_536, never)).subarray(0, 64_000).equals(content.subarray(0, 64_000)))
      assert.ok(asked <= 65_536 + 2048, `${asked}`)
      assert.ok((await reader.head(entry!, 10, never)).equals(content.subarray(0, 10)))
    }
  })

  test('has the same fingerprint wherever it lies, and another one when it is another', async (t) => {
    const at = await place(t)
    await at.put('a.dcm', Buffer.from('one'))
    await make(at)
    const one = await readFile(at.archive)
    await at.put('a.dcm', Buffer.from('two'))
    await make(at)
    const two = await readFile(at.archive)
    assert.equal((await openBytes(one)).fingerprint, (await openBytes(Buffer.from(one))).fingerprint)
    assert.notEqual((await openBytes(one)).fingerprint, (await openBytes(two)).fingerprint)
  })

  test('an entry that begins beyond 4 GiB, in an archive with ZIP64 records, is read by its own range', async () => {
    const { remote, content, ranges } = beyond4GiB()
    const reader = await ArchiveReader.open(remote, never)
    const [first, last] = await collect(reader.entries(never))
    assert.deepEqual([first?.fault, last?.fault], [null, null])
    assert.ok(last!.start > 2 ** 32)
    assert.equal(first?.size, 5 * 2 ** 30)
    ranges.length = 0
    assert.equal((await bytesOf(reader.content(last!, never))).toString(), content)
    assert.equal(ranges.length, 1)
    assert.ok(ranges[0]! <= content.length + 500)
  })

  test('a million entries are read in memory that does not grow with them', async () => {
    const entries = 1_000_000
    const reader = await ArchiveReader.open(manyEntries(entries), never)
    let count = 0
    let most = 0
    const before = inUse()
    for await (const entry of reader.entries(never)) {
      if (entry.index !== count) assert.fail(`${entry.index} is not ${count}`)
      count += 1
      if (count % 100_000 === 0) most = Math.max(most, inUse() - before)
    }
    assert.equal(count, entries)
    // Kept, they would take 200 MB and more.
    assert.ok(most < 24 << 20, `${most >> 20} MiB`)
  })
})

/** Bytes of memory that something still refers to. */
function inUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('the hand-made archives are what other programs read, too', async (t) => {
  const archive = path.join(await tempFolder(t), 'a.zip')
  const content = random.bytes(1000)
  await writeFile(
    archive,
    zipOf([
      { name: 'a/b', content },
      { name: 'c', content, method: 0 },
    ]),
  )
  const read = await asYauzlReads(archive)
  assert.deepEqual(
    read.map((entry) => [entry.name, entry.content, isFolder(entry)]),
    [
      ['a/b', sha256(content), false],
      ['c', sha256(content), false],
    ],
  )
})
