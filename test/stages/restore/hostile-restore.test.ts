/** Restoring from archives that are damaged or mean harm: nothing wrong is there under a final name, each is named. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { lacking } from '../../support/needed-programs.ts'
import { seeded } from '../../support/seed.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { backupOf, MTIME, type BackupFile, type BackupOptions } from '../archive/hand-made-backup.ts'
import { fileOf, storedFile } from '../archive/stored-archive.ts'
import { zipOf, type HandMade } from '../archive/zip-bytes.ts'
import { sha256 } from '../zip/archive-maker.ts'
import { filesBelow, namesBelow, restore } from './restoring.ts'

const random = seeded('hostile-restore')
const run = promisify(execFile)

const files: readonly BackupFile[] = Array.from({ length: 6 }, (_, n) => ({
  name: `dicom_files/p${n}/${n}.dcm`,
  content: random.bytes(300 + n),
  line: { patientId: `P${n % 2}`, studyUid: `1.2.${n % 3}`, seriesUid: `1.2.${n % 3}.${n}` },
}))

/** A folder within another, so that what leads out of it is found. */
async function target(t: TestContext): Promise<{ readonly outer: string; readonly to: string }> {
  const outer = await tempFolder(t)
  return { outer, to: path.join(outer, 'to', 'here') }
}

async function restored(t: TestContext, archive: Buffer, selection = {}) {
  const { outer, to } = await target(t)
  const result = await restore(archive, to, { selection })
  assert.deepEqual(await readdir(outer), ['to'])
  assert.deepEqual(await readdir(path.join(outer, 'to')), ['here'])
  const names = (await namesBelow(to)).filter((name) => name !== '.dicom-backup-restore.json')
  assert.ok(!names.some((name) => name.includes('.dicom-backup-part')), 'no temporary file is left')
  return { ...result, to, names, reasons: new Map(result.damaged.map(({ path: name, reason }) => [name, reason])) }
}

const allNames = ['backup-manifest.ndjson', ...files.map(({ name }) => name)]

describe('a backup whose manifest lies', () => {
  const lies: Readonly<Record<string, readonly [BackupOptions, number | null, RegExp]>> = {
    'about a hash': [{ lie: changeLine(2, { sha256: 'a'.repeat(64) }) }, 2, /not what the manifest says \(SHA-256\)/],
    'about a size': [{ lie: changeLine(3, { size: 5 }) }, 3, /has 303 bytes where the manifest says 5/],
    'by leaving a line out': [{ lie: (lines) => lines.filter((_, n) => n !== 1) }, 1, /not in the manifest/],
    'about a file that is not there': [
      { lie: (lines) => [...lines.slice(0, 4), { ...lines[0], path: 'dicom_files/more' }, ...lines.slice(4)] },
      null,
      /it is in the manifest but not in the archive/,
    ],
  }
  for (const [what, [options, n, reason]] of Object.entries(lies)) {
    test(`${what} is told by entry, and the other files are restored`, async (t) => {
      const counts = { files: 6, bytes: files.reduce((sum, { content }) => sum + content!.length, 0) }
      const { names, reasons } = await restored(t, backupOf(files, { ...options, counts }))
      const name = n === null ? 'dicom_files/more' : files[n]!.name
      assert.match(reasons.get(name) ?? 'nothing', reason)
      assert.deepEqual(
        names,
        allNames.filter((one) => one !== name),
      )
    })
  }

  test('about the numbers in its head is told', async (t) => {
    const { reasons, damagedFiles } = await restored(t, backupOf(files, { counts: { files: 7 } }))
    assert.equal(damagedFiles, 1)
    assert.match(reasons.get('backup-manifest.ndjson') ?? '', /it counts 7 \(files\)/)
  })

  test('is told in a selection, too, where it is about what is selected, and only there', async (t) => {
    const archive = backupOf(files, { lie: changeLine(2, { sha256: 'a'.repeat(64) }) })
    const of = async (patients: string[]) => [...(await restored(t, archive, { patients })).reasons.keys()]
    assert.deepEqual(await of(['P0']), [files[2]!.name])
    assert.deepEqual(await of(['P1']), [])
  })
})

function changeLine(place: number, change: object): NonNullable<BackupOptions['lie']> {
  return (lines) => lines.map((line, n) => (n === place ? { ...line, ...change } : line))
}

describe('a backup whose manifest cannot be read', () => {
  const broken = backupOf(files, { manifestEntry: { flags: 8, told: { crc: 1 } } })

  test('is restored by its checksums, and that is told', async (t) => {
    const { reasons, provedBy, names, files: count } = await restored(t, broken)
    assert.deepEqual([...reasons.keys()], ['backup-manifest.ndjson'])
    assert.deepEqual([provedBy, count], ['crc32', 6])
    assert.deepEqual(
      names,
      files.map(({ name }) => name),
    )
  })

  test('is refused when something is selected, and leaves nothing', async (t) => {
    const { outer, to } = await target(t)
    const error = await restore(broken, to, { selection: { patients: ['P0'] } }).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof BackupError && error.code === 'E_INTEGRITY', String(error))
    assert.doesNotMatch(error.message, /dicom_files/)
    assert.deepEqual(await namesBelow(outer), [])
  })
})

describe('a backup with one flipped bit', () => {
  test('brings each file right or not at all, wherever the bit is, and names what it does not bring', async (t) => {
    const archive = backupOf(files.map((file, n) => (n % 2 === 0 ? file : { ...file, method: 0 })))
    const right = new Map(files.map(({ name, content }) => [name, sha256(content!)]))
    const outcomes = { refused: 0, damaged: 0, harmless: 0 }
    for (let at = 0; at < archive.length; at += 7) {
      const flipped = Buffer.from(archive)
      flipped[at]! ^= 1 << (at % 8)
      const { to } = await target(t)
      try {
        const result = await restore(flipped, to)
        const found = await filesBelow(path.join(to, 'dicom_files')).catch(() => new Map<string, { sha256: string }>())
        for (const [name, file] of found) assert.equal(file.sha256, right.get(`dicom_files/${name}`), `${at}: ${name}`)
        const told = result.damaged.length
        assert.ok(found.size === files.length || told > 0, `byte ${at}: what is missing is told`)
        assert.ok(found.size >= files.length - 2, `byte ${at}: the others are there`)
        outcomes[told > 0 ? 'damaged' : 'harmless'] += 1
      } catch (error) {
        assert.ok(error instanceof BackupError && error.code === 'E_INTEGRITY', `byte ${at}: ${String(error)}`)
        assert.deepEqual(await namesBelow(path.dirname(path.dirname(to))), [], 'nothing was begun')
        outcomes.refused += 1
      }
    }
    assert.ok(outcomes.damaged > 200 && outcomes.refused > 10 && outcomes.harmless < 100, JSON.stringify(outcomes))
  })

  test('is refused when it is cut short, wherever, and leaves nothing', async (t) => {
    const archive = backupOf(files)
    const { outer, to } = await target(t)
    for (let length = 0; length < archive.length; length += 41) {
      await assert.rejects(restore(archive.subarray(0, length), to), /is cut short or is not a ZIP archive/)
    }
    assert.deepEqual(await namesBelow(outer), [])
  })
})

describe('a backup with two entries swapped', () => {
  test('names both when it is their data', async (t) => {
    const [a, b] = [random.bytes(400), random.bytes(400)]
    const swapped = [
      { name: 'dicom_files/a', content: a, method: 0, data: b },
      { name: 'dicom_files/b', content: b, method: 0, data: a },
    ]
    const { names, reasons } = await restored(t, backupOf(swapped))
    assert.deepEqual([...reasons.keys()], ['dicom_files/a', 'dicom_files/b'])
    assert.deepEqual(names, ['backup-manifest.ndjson'])
  })

  test("names both when checksums were made to fit, by the manifest's SHA-256", async (t) => {
    const [a, b] = [random.bytes(400), random.bytes(400)]
    const truth = backupOf([
      { name: 'dicom_files/a', content: a, line: { sha256: sha256(b) } },
      { name: 'dicom_files/b', content: b, line: { sha256: sha256(a) } },
    ])
    const { names, reasons } = await restored(t, truth)
    assert.deepEqual([...reasons.keys()], ['dicom_files/a', 'dicom_files/b'])
    assert.deepEqual(names, ['backup-manifest.ndjson'])
  })

  test('names one at least when it is their places', async (t) => {
    const swap = (entries: HandMade[]): HandMade[] => [
      entries[0]!,
      entries[3]!,
      entries[2]!,
      entries[1]!,
      ...entries.slice(4),
    ]
    const { reasons } = await restored(t, backupOf(files, { swap }))
    assert.deepEqual([...reasons.keys()].sort(), [files[1]!.name, files[3]!.name])
  })
})

describe('hostile paths', () => {
  const paths = [
    '../evil',
    'dicom_files/../../evil',
    '/evil',
    '//server/evil',
    'C:/evil',
    'dicom_files/./evil',
    'dicom_files//evil',
    '.dicom-backup-restore.json',
    'evil\0.dcm',
    '../evil/',
  ]
  test('are refused by name with a manifest and without, and the other files are restored', async (t) => {
    for (const name of paths) {
      const evil = name.endsWith('/') ? { name, method: 0 } : { name, content: Buffer.from('evil') }
      for (const archive of [
        backupOf(
          [files[0]!, evil, files[1]!],
          name.endsWith('/') ? { lie: (lines) => lines.filter(({ path: one }) => one !== name) } : {},
        ),
        zipOf([files[0]!, evil, files[1]!]),
      ]) {
        const { names, reasons } = await restored(t, archive)
        assert.ok(reasons.has(name), name)
        assert.deepEqual(
          names.filter((one) => one !== 'backup-manifest.ndjson'),
          [files[0]!.name, files[1]!.name],
        )
      }
    }
  })

  test('of one name twice: both are restored, the second under another name, and that is told', async (t) => {
    const twice = [
      { name: 'dicom_files/a', content: Buffer.from('first') },
      { name: 'dicom_files/b', content: Buffer.from('b') },
      { name: 'dicom_files/a', content: Buffer.from('second') },
    ]
    for (const archive of [backupOf(twice), zipOf(twice)]) {
      const { to, names, damaged, renamed } = await restored(t, archive)
      assert.deepEqual(damaged, [])
      const reason = 'an earlier entry has the same name on this system'
      assert.deepEqual(renamed, [{ path: 'dicom_files/a', to: 'dicom_files/%61', reason }])
      assert.deepEqual(
        names.filter((name) => name !== 'backup-manifest.ndjson'),
        ['dicom_files/%61', 'dicom_files/a', 'dicom_files/b'],
      )
      assert.equal(await readFile(path.join(to, 'dicom_files/a'), 'utf8'), 'first')
      assert.equal(await readFile(path.join(to, 'dicom_files/%61'), 'utf8'), 'second')
    }
  })

  test("of a file in the place of another's folder: one of them is told", async (t) => {
    const { names, reasons } = await restored(
      t,
      zipOf([
        { name: 'a', content: Buffer.from('file') },
        { name: 'a/b', content: Buffer.from('below') },
      ]),
    )
    assert.deepEqual([names.length, reasons.size], [1, 1])
  })

  test('that are too long for the file system are told', async (t) => {
    const { names, reasons } = await restored(
      t,
      zipOf([{ name: 'n'.repeat(256), content: Buffer.from('x') }, files[0]!]),
    )
    const system =
      process.platform === 'win32' ? 'Windows, or has characters that Windows does not take' : 'this file system'
    assert.deepEqual([...reasons.values()], [`its name is too long for ${system}`])
    assert.deepEqual(names, [files[0]!.name])
  })
})

describe('zip bombs', () => {
  test('that lie about their size write no more than that, and are not there', async (t) => {
    const zeros = Buffer.alloc(64 << 20)
    const evil = { name: 'dicom_files/bomb', data: deflateRawSync(zeros), content: Buffer.alloc(6 << 20), flags: 8 }
    const { names, reasons, bytes } = await restored(t, backupOf([files[0]!, evil]))
    assert.match(reasons.get('dicom_files/bomb') ?? '', /more content than its size/)
    assert.deepEqual(names, ['backup-manifest.ndjson', files[0]!.name])
    assert.ok(bytes < 10_000)
  })

  test('of overlapping entries are told, and hardly anything comes out of them', async (t) => {
    const kernel = Buffer.alloc(1_000_000)
    const data = deflateRawSync(kernel)
    const bombs = Array.from({ length: 30 }, (_, n) => ({
      name: String(n).padStart(3, '0'),
      content: kernel,
      data: n === 29 ? data : Buffer.alloc(0),
      told: { packed: data.length + (29 - n) * 33 },
    }))
    const { names, damagedFiles } = await restored(t, zipOf(bombs))
    assert.deepEqual(names, ['029'])
    assert.equal(damagedFiles, 29)
  })
})

describe('an archive of another program', () => {
  test(
    'as the old PHP script made them is restored, proved by its checksums',
    { skip: lacking('python3') },
    async (t) => {
      const { outer, to } = await target(t)
      const source = path.join(outer, 'source')
      await mkdir(path.join(source, 'dicom_files', '1'), { recursive: true })
      await writeFile(path.join(source, 'dicom_files', '1', 'a.dcm'), random.bytes(50_000))
      await writeFile(path.join(source, 'dicom_files', 'b ü.dcm'), Buffer.alloc(100_000, 'b'))
      await writeFile(path.join(source, 'database_backup.sql'), '-- dump')
      const archive = path.join(outer, 'dicom_backup.zip')
      await run('python3', ['-c', PHP_LIKE, archive, source])
      const { remote } = await storedFile(archive)
      const result = await restore(remote, to)
      assert.deepEqual([result.files, result.provedBy, result.damagedFiles], [3, 'crc32', 0])
      const [original, found] = [await filesBelow(source), await filesBelow(to)]
      assert.deepEqual(
        [...found].map(([name, { sha256: hash }]) => [name, hash]),
        [...original].map(([name, { sha256: hash }]) => [name, hash]),
      )
      const error = await restore(remote, `${to}2`, { selection: { studies: ['1'] } }).catch(
        (thrown: unknown) => thrown,
      )
      assert.ok(error instanceof BackupError && error.code === 'E_CONFIG' && /no manifest/.test(error.message))
      await assert.rejects(stat(`${to}2`), /ENOENT/)
    },
  )

  test('with backslashes between folders gives folders', async (t) => {
    const { names } = await restored(t, zipOf([{ name: 'dicom_files\\1\\a.dcm', content: Buffer.from('a') }]))
    assert.deepEqual(names, ['dicom_files/1/a.dcm'])
  })

  test('is gone on with by checksums', async (t) => {
    // More than what is read along with the archive's end.
    const large = Array.from({ length: 30 }, (_, n) => ({ name: `dicom_files/${n}`, content: random.bytes(10_000) }))
    const entries = [...large, { name: 'empty/', method: 0 }]
    const archive = zipOf(entries)
    const { to } = await target(t)
    const lost = new BackupError('E_DESTINATION', 'nas: gone.')
    const inner = fileOf(archive, 5000)
    let left = 40
    const remote = {
      ...inner,
      async *read(from: number, end: number, signal: AbortSignal) {
        for await (const chunk of inner.read(from, end, signal)) {
          left -= 1
          if (left < 0) throw lost
          yield chunk
        }
      },
    }
    await assert.rejects(restore(remote, to), lost)
    const { files: written, skipped } = await restore(archive, to)
    assert.equal(written + skipped, large.length)
    assert.ok(skipped > 0, `${skipped}`)
    assert.deepEqual(await namesBelow(to), large.map(({ name }) => name).sort())
    assert.ok((await stat(path.join(to, 'empty'))).isDirectory())
  })
})

/** PHP's ZipArchive writes local records whole, deflates everything and knows no extra fields, as Python does. */
const PHP_LIKE = `
import sys, os, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as z:
    for folder, _, files in os.walk(sys.argv[2]):
        for f in files:
            full = os.path.join(folder, f)
            z.write(full, os.path.relpath(full, sys.argv[2]))
`

test('times of a manifest are set to the ms', async (t) => {
  const { to } = await restored(t, backupOf(files))
  for (const { mtimeMs } of (await filesBelow(path.join(to, 'dicom_files'))).values()) {
    assert.equal(mtimeMs, Date.parse(MTIME))
  }
})
