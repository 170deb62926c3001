import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { appendFile, mkdir, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import type { Compression } from '../../../src/stages/config/types.ts'
import { toFsPath } from '../../../src/stages/plan/file-name.ts'
import type { PlannedFile } from '../../../src/stages/plan/types.ts'
import type { DeflateLevel } from '../../../src/stages/zip/entry-records.ts'
import { WHOLE_FILE_BYTES } from '../../../src/stages/zip/read-file.ts'
import { nameHere } from '../../support/on-windows.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { dataSet, element, explicitLittle, metaGroup, part10, preamble } from '../dicom/dicom-bytes.ts'
import { MTIME, noise, pixels } from './going-on.ts'
import { allPrepared, isEntryOf, planned, prepared, wholeAt, type Item } from './prepared-files.ts'

const MIB = 1024 * 1024
const LITTLE = '1.2.840.10008.1.2.1'
const DEFLATED = '1.2.840.10008.1.2.1.99'
const JPEG = '1.2.840.10008.1.2.4.50'

/** Writes the files, and plans them in this order. */
async function filesIn(root: string, files: Readonly<Record<string, Buffer>>): Promise<PlannedFile[]> {
  const plan: PlannedFile[] = []
  for (const [name, bytes] of Object.entries(files)) {
    const file = toFsPath(root, name)
    await writeFile(file, bytes)
    await utimes(file, MTIME, MTIME)
    plan.push(await planned(root, name))
  }
  return plan
}

const bufferOf = ({ one }: Item): unknown => (one.kind === 'whole' ? one.entry.buffer : null)

/** Throws unless what lies in the same memory lies one behind the other. */
function areBehindOneAnother(items: readonly Item[]): void {
  const ends = new Map<unknown, number>()
  for (const item of items) {
    if (item.one.kind !== 'whole') continue
    const { entry } = item.one
    const end = ends.get(entry.buffer)
    if (end !== undefined) assert.equal(entry.byteOffset, end)
    ends.set(entry.buffer, entry.byteOffset + entry.length)
  }
}

describe('small files come back', () => {
  const files: Readonly<Record<string, Buffer>> = {
    empty: Buffer.alloc(0),
    'a byte': Buffer.from('x'),
    'text.txt': Buffer.alloc(20_000, 'to be made smaller'),
    'patient.dcm': part10(LITTLE, dataSet(explicitLittle, { patientId: 'PID-1 ' })),
    'jpeg.dcm': part10(JPEG, dataSet(explicitLittle)),
    'packed.jpg': Buffer.concat([Buffer.from('ffd8ff', 'hex'), noise(70_000, 1)]),
    [nameHere('größe 🩻\u2028"\\\u0001')]: pixels(300_000, 2),
    ...Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`n${n}`, noise(n * 97, n)])),
  }
  const stored = new Set(['packed.jpg', 'jpeg.dcm'])
  const levels: Record<Compression, (name: string) => DeflateLevel> = {
    auto: (name) => (stored.has(name) ? 0 : 1),
    fast: () => 1,
    small: () => 6,
    store: () => 0,
  }
  for (const compression of ['auto', 'fast', 'small', 'store'] as const) {
    test(`as the entries that yazl writes, told in the manifest, one behind the other (${compression})`, async (t) => {
      const root = await tempFolder(t)
      const plan = await filesIn(root, files)
      const items = await allPrepared(root, plan, { compression })
      assert.deepEqual(
        items.map(({ from }) => from.item),
        plan,
      )
      for (const [n, [name, bytes]] of Object.entries(files).entries()) {
        await isEntryOf(wholeAt(items, n), bytes, MTIME, levels[compression](name))
      }
      areBehindOneAnother(items)
      assert.ok(new Set(items.map(bufferOf)).size < 5, 'many lie in the same memory')
    })
  }

  test('whole though nothing of them can be made smaller, of every size', async (t) => {
    const root = await tempFolder(t)
    const sizes = [0, 1, 16_383, 16_384, 65_535, 65_536, MIB, WHOLE_FILE_BYTES]
    const contents = sizes.map((size) => noise(size, size))
    const plan = await filesIn(root, Object.fromEntries(contents.map((bytes) => [`${bytes.length}`, bytes])))
    for (const [compression, level] of [
      ['fast', 1],
      ['small', 6],
    ] as const) {
      // Each with the same behind it, which would be spoilt by what is too long.
      const items = await allPrepared(
        root,
        plan.flatMap((file) => [file, file]),
        { compression },
      )
      for (const [n, bytes] of contents.entries()) {
        await isEntryOf(wholeAt(items, 2 * n), bytes, MTIME, level)
        await isEntryOf(wholeAt(items, 2 * n + 1), bytes, MTIME, level)
      }
      areBehindOneAnother(items)
    }
  })

  test('whatever their names', { skip: process.platform !== 'linux' && 'not every system has them' }, async (t) => {
    const root = await tempFolder(t)
    const names = [
      'n'.repeat(255),
      'ä'.repeat(127),
      '\udcff'.repeat(255),
      `a\udce4b\ndq"\\%E4`,
      '\u0001'.repeat(255),
      ...Array.from({ length: 60 }, (_, n) => `${n}`.padEnd(250, '🩻'.repeat(62)).slice(0, 60)),
    ]
    let folder = 'deep'
    while (folder.length < 3500) folder += `/${'d'.repeat(200)}`
    await mkdir(path.join(root, folder), { recursive: true })
    names.push(`${folder}/file.dcm`)
    const bytes = part10(LITTLE, dataSet(explicitLittle))
    const items = await allPrepared(root, await filesIn(root, Object.fromEntries(names.map((name) => [name, bytes]))))
    assert.equal(items.length, names.length)
    for (const n of names.keys()) await isEntryOf(wholeAt(items, n), bytes, MTIME, 1)
    areBehindOneAnother(items)
  })
})

describe('what has changed since it was planned', () => {
  const changes: Record<string, { readonly change: (file: string) => Promise<unknown>; readonly kind: string }> = {
    'has grown a little': { change: (file) => appendFile(file, 'x'), kind: 'large' },
    'has grown past what is read whole': { change: (file) => truncate(file, WHOLE_FILE_BYTES + 1), kind: 'large' },
    'has shrunk': { change: (file) => truncate(file, 500), kind: 'whole' },
    'is empty now': { change: (file) => truncate(file, 0), kind: 'whole' },
    'is gone': { change: (file) => rm(file), kind: 'no longer there' },
    'is a link now': {
      change: (file) => rm(file).then(() => symlink('0', file)),
      kind: 'a symbolic link',
    },
    'is a folder now': { change: (file) => rm(file).then(() => mkdir(file)), kind: 'changed while it was read' },
    ...(process.platform === 'win32'
      ? {}
      : {
          'is a pipe now, to which nobody writes': {
            change: (file: string) => rm(file).then(() => execFileSync('mkfifo', [file])),
            kind: 'changed while it was read',
          },
        }),
  }
  for (const [what, { change, kind }] of Object.entries(changes)) {
    test(`because it ${what} comes to what it is now, and the others of its batch are right`, async (t) => {
      const root = await tempFolder(t)
      const files = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`${n}`, noise(1000 + n, n)]))
      const plan = await filesIn(root, files)
      const changed = [0, 4, 5, 8]
      for (const n of changed.filter((n) => n > 0)) {
        await change(path.join(root, `${n}`))
        if (kind === 'whole') await utimes(path.join(root, `${n}`), MTIME, MTIME)
      }
      const items = await allPrepared(root, plan, { compression: 'store' })
      for (const [n, bytes] of Object.values(files).entries()) {
        const { one } = items[n]!
        if (n === 0 || !changed.includes(n)) await isEntryOf(wholeAt(items, n), bytes, MTIME, 0)
        else if (kind === 'large') assert.deepEqual(one, { file: plan[n], kind: 'large' }, 'is left for its turn')
        else if (kind === 'whole') {
          const { size } = await stat(path.join(root, `${n}`))
          await isEntryOf(wholeAt(items, n), bytes.subarray(0, size), MTIME, 0)
        } else assert.deepEqual(one, { file: plan[n], kind: 'left-out', reason: kind, lost: true })
      }
      areBehindOneAnother(items)
    })
  }

  test('takes no more memory than was planned, however much it has grown', async (t) => {
    const root = await tempFolder(t)
    const plan = await filesIn(root, Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`${n}`, Buffer.of(n)])))
    for (const { path: name } of plan.filter((_, n) => n % 4 > 0)) {
      await truncate(path.join(root, name), WHOLE_FILE_BYTES)
    }
    let batches = 0
    const buffers = new Set<unknown>()
    for await (const batch of prepared(root, plan)) {
      batches += 1
      for (const item of batch) buffers.add(bufferOf(item))
    }
    buffers.delete(null)
    assert.ok(buffers.size <= batches, `${buffers.size} for ${batches} batches`)
  })
})

describe('headers that are out to be a nuisance', () => {
  const long = '\u0001'.repeat(60_000)
  const shortened = '\u0001'.repeat(1400)
  /** Patient and study of `text`, in a data set that is as it stands or deflated. */
  const body = (text: string): Buffer =>
    Buffer.concat([
      element(0x00080060, 'CS', 'CT'),
      element(0x00100020, 'LO', text),
      element(0x0020000d, 'UI', text.slice(0, 1000)),
      element(0x0020000e, 'UI', '1.2.3\0'),
    ])
  const kinds: Readonly<Record<string, Buffer>> = {
    'much larger in the manifest': part10(LITTLE, body(long)),
    'a few bytes deflated': Buffer.concat([preamble, metaGroup(DEFLATED), deflateRawSync(body(long))]),
    'just large': part10(LITTLE, body(shortened)),
  }
  for (const [what, bytes] of Object.entries(kinds)) {
    test(`in all of a batch leave every file whole or for its turn, and always the same (${what})`, async (t) => {
      const root = await tempFolder(t)
      const sound = part10(LITTLE, dataSet(explicitLittle))
      const contents = Array.from({ length: 128 }, (_, n) => (n % 8 === 5 ? sound : bytes))
      const plan = await filesIn(root, Object.fromEntries(contents.map((one, n) => [`${n}`, one])))
      const items = await allPrepared(root, plan)
      const kind = what === 'just large' ? 'whole' : 'large'
      for (const [n, content] of contents.entries()) {
        assert.equal(items[n]?.one.kind, content === sound ? 'whole' : kind)
        if (items[n]?.one.kind === 'whole') await isEntryOf(wholeAt(items, n), content, MTIME, 1)
      }
      areBehindOneAnother(items)
      // In whatever batch and with whatever others it is: a run that is gone on with makes the same bytes.
      for (const n of [0, 1, 127]) {
        const [alone] = await allPrepared(root, [plan[n]!])
        assert.equal(alone?.one.kind, kind)
      }
    })
  }
})

describe('the memory that entries lie in', () => {
  async function manyFiles(root: string): Promise<PlannedFile[]> {
    // Two to a batch.
    return await filesIn(
      root,
      Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${n}`, noise(400_000 + n, n)])),
    )
  }
  const options = { compression: 'store', ahead: 2 } as const

  test('stays as it is until the last of a batch is released', async (t) => {
    const root = await tempFolder(t)
    const held: { readonly item: Item; readonly bytes: Buffer; readonly sum: string }[] = []
    for await (const batch of prepared(root, await manyFiles(root), options)) {
      assert.equal(batch.length, 2)
      const [first, second] = [wholeAt(batch, 0), wholeAt(batch, 1)]
      const one = held.length % 2 === 0 ? first : second
      const bytes = [one.entry, one.record, one.line].map((piece) =>
        Buffer.from(piece.buffer, piece.byteOffset, piece.length),
      )
      for (const piece of bytes) held.push({ item: batch[0]!, bytes: piece, sum: hash('sha256', piece) })
      ;(one === first ? second : first).release()
    }
    assert.equal(held.length, 45)
    for (const { bytes, sum } of held) assert.equal(hash('sha256', bytes), sum)
    assert.equal(new Set(held.map(({ item }) => bufferOf(item))).size, 15)
  })

  test('is used again when all of a batch is released', async (t) => {
    const root = await tempFolder(t)
    const buffers = new Set<unknown>()
    for await (const batch of prepared(root, await manyFiles(root), options)) {
      for (const [n, item] of batch.entries()) {
        buffers.add(bufferOf(item))
        wholeAt(batch, n).release()
      }
    }
    // Those ahead, the one that is read, and one that waits.
    assert.ok(buffers.size <= options.ahead + 2, `${buffers.size} for 15 batches`)
  })

  test('is no concern of who comes after a reader that stopped early', async (t) => {
    const root = await tempFolder(t)
    const plan = await manyFiles(root)
    for (let stops = 0; stops < 3; stops += 1) {
      const reading = prepared(root, plan, options)
      await reading.next()
      const later = allPrepared(root, plan.slice(0, 5), options)
      await reading.return(undefined)
      for (const [n, { size }] of plan.slice(0, 5).entries()) {
        await isEntryOf(wholeAt(await later, n), noise(size, n), MTIME, 0)
      }
    }
  })
})
