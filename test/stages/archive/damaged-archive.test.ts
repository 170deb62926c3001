/** Archives that are not what they should be: nothing wrong comes out of them, and each entry that is damaged is named. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { ArchiveReader } from '../../../src/stages/archive/archive-reader.ts'
import { DamagedEntry } from '../../../src/stages/archive/archive-entry.ts'
import { seeded } from '../../support/seed.ts'
import { bytesOf, collect, fileOf, never, openBytes } from './stored-archive.ts'
import { extraField, zipOf, type HandMade } from './zip-bytes.ts'

const random = seeded('damaged-archive')

interface ReadBack {
  readonly contents: ReadonlyMap<string, Buffer>
  /** Of the entries that are damaged, by their names. */
  readonly reasons: ReadonlyMap<string, string>
}

/** Everything that can be read; rejects when the archive as a whole cannot. */
async function readBack(bytes: Buffer): Promise<ReadBack> {
  const reader = await openBytes(bytes)
  const contents = new Map<string, Buffer>()
  const reasons = new Map<string, string>()
  for (const entry of await collect(reader.entries(never))) {
    try {
      contents.set(entry.name, await bytesOf(reader.content(entry, never)))
    } catch (error) {
      assert.ok(error instanceof DamagedEntry, String(error))
      assert.equal(error.code, 'E_INTEGRITY')
      assert.equal(error.message, `backup.zip: entry ${entry.index + 1} is damaged: ${error.reason}.`)
      reasons.set(entry.name, error.reason)
    }
  }
  return { contents, reasons }
}

async function refused(bytes: Buffer): Promise<string> {
  const error = await readBack(bytes).then(
    () => assert.fail('was expected to be refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof BackupError && !(error instanceof DamagedEntry), String(error))
  assert.equal(error.code, 'E_INTEGRITY')
  assert.match(error.message, /^backup\.zip /)
  return error.message
}

async function reasonOf(entry: HandMade): Promise<string | undefined> {
  const { contents, reasons } = await readBack(
    zipOf([{ name: 'good', content: Buffer.from('good'), behind: Buffer.alloc(2000) }, entry]),
  )
  assert.equal(contents.get('good')?.toString(), 'good', 'the other entry can be read')
  return reasons.get(String(entry.name))
}

const sound: readonly HandMade[] = [
  { name: 'p/one.dcm', content: Buffer.from('one '.repeat(30)) },
  { name: 'p/two.dcm', content: random.bytes(100), method: 0 },
  { name: 'p/', method: 0 },
  { name: 'q/three.dcm', content: random.bytes(150) },
]

describe('an archive with one flipped bit', () => {
  test('gives each content right or not at all, wherever the bit is', async () => {
    const bytes = zipOf(sound)
    const right = (await readBack(bytes)).contents
    assert.equal(right.size, sound.length)
    const found = { whole: 0, entry: 0, harmless: 0 }
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of [at % 8, (at + 5) % 8]) {
        const flipped = Buffer.from(bytes)
        flipped[at]! ^= 1 << bit
        let result: ReadBack
        try {
          result = await readBack(flipped)
        } catch (error) {
          assert.ok(error instanceof BackupError && error.code === 'E_INTEGRITY', `byte ${at}: ${String(error)}`)
          found.whole += 1
          continue
        }
        for (const [name, content] of result.contents) {
          assert.ok(content.equals(right.get(name) ?? Buffer.from('none')), `byte ${at}, bit ${bit}: ${name}`)
        }
        assert.ok(result.contents.size >= sound.length - 2, `byte ${at}: the others can be read`)
        found[result.reasons.size > 0 ? 'entry' : 'harmless'] += 1
      }
    }
    // Times, versions and attributes are in no checksum.
    assert.ok(found.entry > 500 && found.whole > 40 && found.harmless < 250, JSON.stringify(found))
  })
})

describe('an archive that is cut short', () => {
  test('is refused, wherever it ends', async () => {
    const bytes = zipOf(sound)
    for (let length = 0; length < bytes.length; length += 1) {
      assert.match(await refused(bytes.subarray(0, length)), /is cut short or is not a ZIP archive/)
    }
  })

  test('is refused when something was put behind it or taken out of it', async () => {
    const bytes = zipOf(sound)
    await refused(Buffer.concat([bytes, Buffer.from('x')]))
    await refused(Buffer.concat([Buffer.from('x'), bytes]))
    await refused(Buffer.concat([bytes.subarray(0, 100), bytes.subarray(101)]))
  })
})

describe('an archive with two entries swapped', () => {
  test('names both, when it is their data', async () => {
    const [a, b] = [random.bytes(500), random.bytes(500)]
    const entries = [
      { name: 'a.dcm', content: a, method: 0, data: b },
      { name: 'b.dcm', content: b, method: 0, data: a },
    ]
    const { reasons } = await readBack(zipOf(entries))
    assert.deepEqual([...reasons.keys()], ['a.dcm', 'b.dcm'])
  })

  test('names both, when it is their names in the directory', async () => {
    const entries = [
      { name: 'b.dcm', localName: 'a.dcm', content: Buffer.from('a') },
      { name: 'a.dcm', localName: 'b.dcm', content: Buffer.from('b') },
    ]
    const { reasons } = await readBack(zipOf(entries))
    assert.deepEqual([...reasons.keys()].sort(), ['a.dcm', 'b.dcm'])
  })
})

/** CRC and sizes come behind the data, and only the directory tells them before. */
const STREAMED = (1 << 11) | (1 << 3)

describe('an entry', () => {
  const content = Buffer.from('content '.repeat(100))
  const cases: Readonly<Record<string, readonly [Partial<HandMade>, RegExp]>> = {
    'that is encrypted': [{ flags: (1 << 11) | 1 }, /encrypted/],
    'of an unknown method': [{ method: 14 }, /by an unknown method \(14\)/],
    'that inflates to more than its size': [{ told: { size: 799 }, flags: STREAMED }, /more content than its size/],
    'that inflates to less than its size': [{ told: { size: 801 }, flags: STREAMED }, /has 800 bytes and not 801/],
    'with another checksum': [{ told: { crc: 7 } }, /two records differ/],
    'whose data ends too early': [{ data: deflateRawSync(content).subarray(0, -3) }, /ends too early/],
    'whose data has data after its end': [
      { data: Buffer.concat([deflateRawSync(content), Buffer.alloc(9)]) },
      /has data after its end/,
    ],
    'whose data is none': [{ data: Buffer.alloc(50, 0xff) }, /cannot be inflated/],
    'whose size no data can have': [{ told: { size: 50_000_000 } }, /size is larger than its data allow/],
    'that is stored in another size': [{ method: 0, told: { size: 5 } }, /two sizes differ/],
    'that begins where none begins': [{ told: { start: 60 } }, /no entry begins where the directory says/],
    'that begins where another begins': [{ told: { start: 0 } }, /overlaps another entry/],
    'that reaches into the directory': [{ told: { packed: 900, size: 900 }, method: 0 }, /beyond the end/],
    'whose record is not whole': [{ extra: Buffer.from([1, 0, 99, 0]) }, /record is damaged/],
    'whose ZIP64 field lacks a number': [
      { told: { size: 0xffffffff, packed: 0xffffffff }, extra: extraField(1, Buffer.alloc(8)) },
      /record is damaged/,
    ],
  }
  for (const [what, [entry, reason]] of Object.entries(cases)) {
    test(`${what} is refused, and the others are not`, async () => {
      assert.match((await reasonOf({ name: 'bad', content, ...entry })) ?? 'nothing', reason)
    })
  }

  test('whose local record claims more than the archive has is refused', async () => {
    const bytes = zipOf([{ name: 'only', content }])
    bytes.writeUInt16LE(0xffff, 28)
    const { reasons } = await readBack(bytes)
    assert.match(reasons.get('only') ?? '', /beyond the end of the archive/)
  })

  test('of many pieces that inflates to more is stopped with the first piece too many', async () => {
    const bomb = deflateRawSync(Buffer.alloc(64 << 20))
    const reader = await openBytes(
      zipOf([{ name: 'bomb', content: Buffer.alloc(64 << 20), data: bomb, flags: STREAMED, told: { size: 5 << 20 } }]),
    )
    const [entry] = await collect(reader.entries(never))
    let bytes = 0
    await assert.rejects(
      async () => {
        for await (const piece of reader.content(entry!, never)) bytes += piece.length
      },
      (error: unknown) => error instanceof DamagedEntry && /more content/.test(error.reason),
    )
    assert.ok(bytes <= 5 << 20, `${bytes}`)
  })

  test('of many pieces with data behind its end, or cut short, is refused as well', async () => {
    const large = random.bytes(6 << 20)
    const data = deflateRawSync(large)
    for (const [changed, reason] of [
      [Buffer.concat([data, Buffer.alloc(3 << 20)]), /has data after its end/],
      [data.subarray(0, -1000), /ends too early/],
    ] as const) {
      const { reasons } = await readBack(zipOf([{ name: 'large', content: large, data: changed, flags: STREAMED }]))
      assert.match(reasons.get('large') ?? 'nothing', reason)
    }
  })
})

describe('an archive whose entries lie in one another', () => {
  /** As in D. Fifield, «A better zip bomb»: each entry's data are the local records of all that follow, and theirs. */
  const overlapping = (order?: readonly number[]): Buffer => {
    const kernel = Buffer.alloc(100_000)
    const count = 40
    const local = (n: number): number => n * (30 + 3)
    const packed = deflateRawSync(kernel).length
    const entries = Array.from({ length: count }, (_, n) => ({
      name: String(n).padStart(3, '0'),
      content: kernel,
      data: n === count - 1 ? deflateRawSync(kernel) : Buffer.alloc(0),
      told: { packed: packed + local(count - 1 - n), size: kernel.length },
    }))
    return zipOf(entries, order === undefined ? {} : { order })
  }

  test('gives none of them but the one that lies alone', async () => {
    const { contents, reasons } = await readBack(overlapping())
    assert.equal(contents.size, 1)
    assert.equal(reasons.size, 39)
    for (const reason of reasons.values()) assert.match(reason, /overlaps the next entry/)
  })

  test('gives no more bytes than it can have, in any order of its directory', async () => {
    for (let n = 0; n < 50; n += 1) {
      const order = Array.from({ length: 40 }, (_, place) => place)
      for (let at = 39; at > 0; at -= 1) {
        const other = random.below(at + 1)
        ;[order[at], order[other]] = [order[other]!, order[at]!]
      }
      const bytes = overlapping(n === 0 ? order.sort((a, b) => b - a) : order)
      const read = await readBack(bytes).catch((error: unknown) => {
        assert.match(String(error), /overlapping entries/)
        return null
      })
      if (read !== null) assert.ok(read.contents.size <= 12, `${read.contents.size}`)
    }
  })

  test('cannot have the same entry a thousand times', async () => {
    const content = random.bytes(1000)
    const again = Array.from({ length: 1000 }, () => ({ name: 'a', content, told: { start: 0 }, isGhost: true }))
    const reader = await openBytes(zipOf([{ name: 'a', content }, ...again]))
    const readable = (await collect(reader.entries(never))).filter(({ fault }) => fault === null)
    assert.equal(readable.length, 1)
    assert.ok((await bytesOf(reader.content(readable[0]!, never))).equals(content))
  })
})

describe('a directory', () => {
  test('with more or fewer entries than the end says is refused', async () => {
    for (const count of [0, 3, 5, 60_000]) await refused(zipOf(sound, { count }))
  })

  test('of an archive in several parts is refused', async () => {
    const bytes = zipOf(sound)
    bytes.writeUInt16LE(3, bytes.length - 22 + 4)
    assert.match(await refused(bytes), /several parts/)
  })

  test('whose last record holds a manifest in its name is refused', async () => {
    const inner = zipOf([{ name: 'backup-manifest.ndjson', isGhost: true }]).subarray(0, -22)
    const bytes = zipOf([{ name: inner }])
    const reader = await openBytes(bytes)
    assert.equal(reader.manifestEntry?.name, 'backup-manifest.ndjson')
    await assert.rejects(collect(reader.entries(never)), /the manifest is not its last entry/)
  })
})

test('an error of the file itself goes through as it is, at whichever byte it comes', async () => {
  const bytes = zipOf([...sound, { name: 'large', content: random.bytes(5 << 20) }])
  const inner = fileOf(bytes, 100_000)
  let isWhole = false
  let errors = 0
  for (let after = 0; !isWhole; after += 1) {
    let left = after
    const lost = new BackupError('E_DESTINATION', 'nas: lost.')
    const remote = {
      ...inner,
      async *read(from: number, to: number, signal: AbortSignal) {
        for await (const chunk of inner.read(from, to, signal)) {
          if (left === 0) throw lost
          left -= 1
          yield chunk
        }
      },
    }
    try {
      const reader = await ArchiveReader.open(remote, never)
      for (const entry of await collect(reader.entries(never))) await bytesOf(reader.content(entry, never))
      isWhole = true
    } catch (error) {
      assert.equal(error, lost)
      errors += 1
    }
  }
  assert.ok(errors > 30, `${errors}`)
})
