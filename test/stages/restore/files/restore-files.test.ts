/** Restoring files from archives as backups make them. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../../../src/pipeline/contract/errors.ts'
import type { RestoreProgress } from '../../../../src/stages/restore/files/restore-files.ts'
import { nameHere } from '../../../support/on-windows.ts'
import { seeded } from '../../../support/seed.ts'
import { tempFolder } from '../../../support/temp-folder.ts'
import { countBytes, fileOf } from '../../archive/stored-archive.ts'
import { syntheticInstance } from '../../../../src/stages/demo/synthetic-dicom.ts'
import { dataSet, explicitLittle, part10 } from '../../dicom/dicom-bytes.ts'
import { make, place, sha256, type Place } from '../../zip/archive-maker.ts'
import { filesBelow, namesBelow, restore } from '../restoring.ts'

const random = seeded('restore-files')
const MARKER = '.dicom-backup-restore.json'
const EXPLICIT = '1.2.840.10008.1.2.1'

/** Five patients with two studies each, of two series, of three instances; a dump; odd names; a large file. */
async function backup(t: TestContext): Promise<{ readonly at: Place; readonly archive: Buffer; readonly to: string }> {
  const at = await place(t)
  for (let patient = 0; patient < 5; patient += 1) {
    for (let n = 0; n < 12; n += 1) {
      const [study, series, instance] = [n % 2, (n >> 1) % 2, n]
      const bytes = syntheticInstance({
        ...{ patient, study, series, instance, modality: 'CT', pixels: n % 3 === 0 ? 'compressed' : 'raw' },
        ...{ rows: 32, columns: 32 },
      })
      await at.put(`p${patient}/s${study}/${n}.dcm`, bytes, new Date(1_600_000_000_000 + n * 1001))
    }
  }
  const names = [
    'it\'s "quoted".txt',
    'heart 🫀 心.txt',
    `${'ä'.repeat(125)}.dcm`,
    'new\nline',
    '50%E4.txt',
    'back\\slash',
  ].map(nameHere)
  for (const name of names) await at.put(`odd/${name}`, Buffer.from(name), new Date(1_500_000_000_123))
  await at.put('large.bin', random.bytes(6 << 20), new Date(1_400_000_000_999))
  await at.put('empty.bin', Buffer.alloc(0), new Date(1_400_000_000_000))
  await make(at, { dump: Buffer.from('-- dump\n'.repeat(100_000)) })
  return { at, archive: await readFile(at.archive), to: path.join(at.folder, 'restored') }
}

async function rejectsWith(code: string, message: RegExp, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof BackupError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    return true
  })
}

describe('a restore', () => {
  test('brings every file back with its bytes, its name and its time, and the dump and the manifest', async (t) => {
    const { at, archive, to } = await backup(t)
    let progress: RestoreProgress | null = null
    const result = await restore(archive, to, {
      onProgress: (counters) => {
        progress = counters
      },
    })
    const original = await filesBelow(at.root)
    assert.deepEqual(await filesBelow(path.join(to, 'dicom_files')), original)
    assert.deepEqual(
      (await namesBelow(to)).filter((name) => !name.startsWith('dicom_files/')),
      ['backup-manifest.ndjson', 'database/viewer.sql'],
    )
    assert.equal(await readFile(path.join(to, 'database/viewer.sql'), 'utf8'), '-- dump\n'.repeat(100_000))
    const { files, bytes, skipped, leftOut, provedBy, damaged, damagedFiles, renamed } = result
    assert.deepEqual(
      { files, skipped, leftOut, provedBy, damaged, damagedFiles, renamed },
      {
        ...{ files: original.size + 2, skipped: 0, leftOut: 0, provedBy: 'sha256' },
        ...{ damaged: [], damagedFiles: 0, renamed: [] },
      },
    )
    const { phase, filesTotal, bytesTotal, filesDone, bytesDone } = progress!
    assert.deepEqual([phase, filesTotal, bytesTotal, filesDone, bytesDone], ['restoring', files, bytes, files, bytes])
  })

  test('of studies, series and patients brings just those, and says what is nowhere', async (t) => {
    const { archive, to } = await backup(t)
    const uid = (patient: number, study: number): string => `2.25.160815.${patient}.${study}`
    const selection = { patients: ['SYN-00003', 'NOBODY'], studies: [uid(0, 1)], series: [`${uid(1, 0)}.1`, '1.2.3'] }
    const result = await restore(archive, to, { selection })
    const expected = [
      ...[1, 3, 5, 7, 9, 11].map((n) => `dicom_files/p0/s1/${n}.dcm`),
      ...[2, 6, 10].map((n) => `dicom_files/p1/s0/${n}.dcm`),
      ...Array.from({ length: 12 }, (_, n) => `dicom_files/p3/s${n % 2}/${n}.dcm`),
    ]
    assert.deepEqual(await namesBelow(to), [MARKER, ...expected.sort()])
    assert.deepEqual(result.notFound, { patients: ['NOBODY'], studies: [], series: ['1.2.3'] })
    assert.equal(result.files, expected.length)
  })

  test('of a second part into the same folder adds to it; of another archive it is refused', async (t) => {
    const { archive, to } = await backup(t)
    await restore(archive, to, { selection: { patients: ['SYN-00003'] } })
    const first = await filesBelow(to)
    const { files, skipped } = await restore(archive, to, { selection: { patients: ['SYN-00003', ' SYN-00004\0'] } })
    assert.deepEqual([files, skipped], [12, 12])
    const both = await filesBelow(to)
    for (const [name, file] of first) if (name !== MARKER) assert.deepEqual(both.get(name), file)
    assert.equal(both.size, 25)

    const other = (await backup(t)).archive
    const again = restore(other, to, { selection: { patients: ['SYN-00002'] } })
    await rejectsWith('E_CONFIG', /contains files of another archive/, again)
    assert.deepEqual(await filesBelow(to), both)
    await restore(archive, to)
    assert.ok(!(await namesBelow(to)).includes(MARKER), 'with everything there the folder is like any other')
  })

  test('of nothing that is there leaves no folder, and one that was there as it was', async (t) => {
    const { archive, to } = await backup(t)
    const selection = { patients: ['NOBODY'] }
    const result = await restore(archive, path.join(to, 'new', 'deep'), { selection })
    assert.equal(result.files, 0)
    assert.ok(!existsSync(to))
    await mkdir(to)
    await writeFile(path.join(to, 'own.txt'), 'own')
    await restore(archive, to, { selection, overwrite: true })
    assert.deepEqual(await namesBelow(to), ['own.txt'])
  })

  test('of the patients without an id brings DICOM files, and nothing else', async (t) => {
    const at = await place(t)
    const none = { modality: 'CT', pixels: 'raw', rows: 8, columns: 8, patient: 0, study: 0, series: 0 } as const
    await at.put('named.dcm', syntheticInstance({ ...none, instance: 0 }))
    await at.put('unnamed.dcm', part10(EXPLICIT, dataSet(explicitLittle, { patientId: '    ' })))
    await at.put('notes.txt', Buffer.from('text'))
    await make(at)
    const to = path.join(at.folder, 'restored')
    const result = await restore(await readFile(at.archive), to, { selection: { patients: [''] } })
    assert.deepEqual(await namesBelow(to), [MARKER, 'dicom_files/unnamed.dcm'])
    assert.deepEqual(result.notFound.patients, [])
  })

  test('goes into a folder that is empty, and refuses one that is not, or is none, without a change', async (t) => {
    const { archive, to } = await backup(t)
    await mkdir(to)
    await restore(archive, to)
    const before = await filesBelow(to)
    await rejectsWith('E_CONFIG', /is not empty/, restore(archive, to))
    assert.deepEqual(await filesBelow(to), before)
    const file = `${to}-file`
    await writeFile(file, 'x')
    await rejectsWith('E_CONFIG', /is not a folder/, restore(archive, file))
    await rejectsWith('E_CONFIG', /is not a folder/, restore(archive, path.join(file, 'below')))
  })

  test('brings times back from before 1970 and after 2038, and leaves them when it finds them', async (t) => {
    const at = await place(t)
    const times = [
      '1969-12-31T23:59:59.123Z',
      '1950-01-02T03:04:05.678Z',
      '1899-06-07T08:09:10.011Z',
      '2040-02-03T04:05:06.789Z',
    ]
    const expected = new Map<string, number>()
    for (const time of times) {
      const date = new Date(time)
      const name = `${date.getUTCFullYear()}`
      const { mtimeMs } = await stat(await at.put(`${name}.small`, Buffer.from(name), date))
      if (Math.floor(mtimeMs) !== date.getTime()) {
        t.diagnostic(`this file system does not hold times of ${name}`)
        await rm(path.join(at.root, `${name}.small`))
        continue
      }
      await at.put(`${name}.large`, random.bytes(5 << 20), date)
      for (const kind of ['small', 'large']) expected.set(`dicom_files/${name}.${kind}`, date.getTime())
    }
    assert.ok(expected.size >= 6)
    await make(at)
    const [archive, to] = [await readFile(at.archive), path.join(at.folder, 'restored')]
    for (const [overwrite, skipped] of [
      [false, 0],
      [true, expected.size + 1],
    ] as const) {
      assert.equal((await restore(archive, to, { overwrite })).skipped, skipped)
      const found = [...(await filesBelow(to))].filter(([name]) => expected.has(name))
      assert.deepEqual(new Map(found.map(([name, { mtimeMs }]) => [name, mtimeMs])), expected)
    }
    const manifest = await readFile(path.join(to, 'backup-manifest.ndjson'), 'utf8')
    for (const time of times.slice(0, 2)) assert.ok(manifest.includes(`"mtime":"${time}"`), time)
  })

  test('with overwrite replaces what is wrong, skips what is right and leaves all else alone', async (t) => {
    const { at, archive, to } = await backup(t)
    await restore(archive, to)
    await writeFile(path.join(to, 'own.txt'), 'own')
    await writeFile(path.join(to, 'dicom_files/large.bin'), 'changed')
    const same = path.join(to, 'dicom_files/p1/s0/0.dcm')
    await writeFile(same, Buffer.alloc((await readFile(same)).length, 7))
    await utimes(path.join(to, 'dicom_files/empty.bin'), 1, 1)
    const { remote, fetched } = countBytes(fileOf(archive))
    const result = await restore(remote, to, { overwrite: true })
    assert.equal(result.files, 2)
    assert.equal(result.skipped, (await filesBelow(at.root)).size)
    assert.deepEqual(await filesBelow(path.join(to, 'dicom_files')), await filesBelow(at.root))
    assert.equal(await readFile(path.join(to, 'own.txt'), 'utf8'), 'own')
    assert.ok(fetched.bytes < 6.5 * (1 << 20), `${fetched.bytes}`)
  })

  test('that was stopped goes on in the same folder, and fetches nothing that is right already', async (t) => {
    const { at, archive, to } = await backup(t)
    const stop = new AbortController()
    const inner = fileOf(archive)
    let given = 0
    const stopping = {
      ...inner,
      async *read(from: number, end: number, signal: AbortSignal) {
        for await (const chunk of inner.read(from, end, signal)) {
          given += chunk.length
          if (given > archive.length / 2) stop.abort()
          if (signal.aborted) throw signal.reason
          yield chunk
        }
      },
    }
    await rejectsWith('E_ABORTED', /./, restore(stopping, to, { signal: stop.signal }))
    const there = await namesBelow(to)
    assert.ok(there.includes('.dicom-backup-restore.json'))
    assert.ok(there.length > 2)
    await rejectsWith('E_CONFIG', /unfinished restore of another archive/, restore((await backup(t)).archive, to))
    const left = path.join(to, 'dicom_files', 'p0', '.0123456789abcdef.dicom-backup-part')
    await mkdir(path.dirname(left), { recursive: true })
    await writeFile(left, 'half')
    const { remote, fetched } = countBytes(fileOf(archive))
    const result = await restore(remote, to)
    assert.deepEqual(await filesBelow(path.join(to, 'dicom_files')), await filesBelow(at.root))
    assert.ok(result.skipped > 0 && result.files > 0, JSON.stringify(result))
    assert.equal(result.skipped + result.files, (await filesBelow(at.root)).size + 2)
    assert.ok(fetched.bytes < archive.length, `${fetched.bytes} of ${archive.length}`)
    assert.ok(!(await namesBelow(to)).some((name) => name.includes('.dicom-backup')), 'marker and leftovers are gone')
  })

  test('with damaged entries can be finished with a copy of the archive that is sound', async (t) => {
    const { at, archive, to } = await backup(t)
    const broken = Buffer.from(archive)
    const where = broken.indexOf('dicom_files/p2/s0/4.dcm')
    broken[where + 400]! ^= 1
    const first = await restore(broken, to)
    assert.equal(first.damagedFiles, 1)
    assert.deepEqual(
      first.damaged.map((one) => one.path),
      ['dicom_files/p2/s0/4.dcm'],
    )
    assert.ok(!(await namesBelow(to)).includes('dicom_files/p2/s0/4.dcm'))
    const second = await restore(archive, to)
    assert.deepEqual([second.files, second.damagedFiles], [1, 0])
    assert.deepEqual(await filesBelow(path.join(to, 'dicom_files')), await filesBelow(at.root))
  })

  test('never goes through a link that is in the folder, and replaces one that is in the place of a file', async (t) => {
    const { archive, to } = await backup(t)
    const outside = await tempFolder(t)
    await writeFile(path.join(outside, 'victim'), 'untouched')
    await mkdir(path.join(to, 'dicom_files', 'odd'), { recursive: true })
    await symlink(outside, path.join(to, 'dicom_files', 'p0'))
    await symlink(path.join(outside, 'victim'), path.join(to, 'dicom_files', 'large.bin'))
    const result = await restore(archive, to, { overwrite: true })
    assert.equal(result.damagedFiles, 12)
    for (const { path: name, reason } of result.damaged) {
      assert.match(name, /^dicom_files\/p0\//)
      assert.equal(reason, 'a link is in the place of its folder')
    }
    assert.deepEqual(await filesBelow(outside), new Map([['victim', (await filesBelow(outside)).get('victim')!]]))
    assert.equal(await readFile(path.join(outside, 'victim'), 'utf8'), 'untouched')
    assert.equal((await readFile(path.join(to, 'dicom_files', 'large.bin'))).length, 6 << 20)
  })

  test('tells files whose place is taken, and restores the others', async (t) => {
    const { archive, to } = await backup(t)
    await mkdir(path.join(to, 'dicom_files', 'large.bin', 'sub'), { recursive: true })
    await writeFile(path.join(to, 'dicom_files', 'p1'), 'a file')
    const result = await restore(archive, to, { overwrite: true })
    assert.deepEqual(
      new Set(result.damaged.map(({ reason }) => reason)),
      new Set(['a folder is in its place', 'a file is in the place of its folder']),
    )
    assert.equal(result.damagedFiles, 13)
    assert.ok(!(await namesBelow(to)).some((name) => name.includes('.dicom-backup-part')))
  })

  test('of an archive that the disk has no room for is refused before anything is written', async (t) => {
    const { to } = await backup(t)
    const { hugeBackup } = await import('../hostile-archives.ts')
    await rejectsWith('E_QUOTA', /bytes free on the disk/, restore(hugeBackup(), to))
    await assert.rejects(readFile(to), /ENOENT/)
    await mkdir(to)
    await rejectsWith('E_QUOTA', /bytes free on the disk/, restore(hugeBackup(), to))
    assert.deepEqual(await namesBelow(to), [])
  })

  test('whose archive is cut short while it is read tells the error and can be gone on with', async (t) => {
    const { at, archive, to } = await backup(t)
    const lost = new BackupError('E_DESTINATION', 'nas: gone.')
    const inner = fileOf(archive)
    let isWhole = false
    for (let chunks = 1; !isWhole; chunks += 9) {
      let left = chunks
      const remote = {
        ...inner,
        async *read(from: number, end: number, signal: AbortSignal) {
          for await (const chunk of inner.read(from, end, signal)) {
            if (left === 0) throw lost
            left -= 1
            yield chunk
          }
        },
      }
      try {
        await restore(remote, to)
        isWhole = true
      } catch (error) {
        assert.equal(error, lost)
      }
      const original = await filesBelow(at.root)
      const there = await filesBelow(to).catch(() => new Map<string, unknown>())
      for (const [name, found] of there) {
        assert.ok(!name.includes('.dicom-backup-part'), name)
        if (name.startsWith('dicom_files/')) assert.deepEqual(found, original.get(name.slice(12)), name)
      }
    }
    assert.deepEqual(await filesBelow(path.join(to, 'dicom_files')), await filesBelow(at.root))
  })
})

test('one study of 5,000 files costs little more than its bytes, the directory and the manifest', async (t) => {
  const at = await place(t)
  const noise = random.bytes(20_000)
  for (let n = 0; n < 5000; n += 1) {
    const header = syntheticInstance({
      ...{ patient: 1, study: n % 50, series: 1, instance: n, modality: 'CT', pixels: 'raw', rows: 2, columns: 2 },
    })
    noise.writeUInt32LE(n, 0)
    await at.put(`study${String(n % 50).padStart(2, '0')}/${n}.dcm`, Buffer.concat([header, noise]))
  }
  await make(at)
  const archive = await readFile(at.archive)
  const { remote, fetched } = countBytes(fileOf(archive))
  const to = path.join(at.folder, 'restored')
  const result = await restore(remote, to, { selection: { studies: ['2.25.160815.1.17'] } })
  assert.equal(result.files, 100)
  const directoryAt = archive.readUInt32LE(archive.length - 22 + 16)
  const manifestAt = archive.lastIndexOf('backup-manifest.ndjson', directoryAt - 1) - 30
  const manifestAndDirectory = archive.length - manifestAt
  const study = result.bytes
  assert.ok(fetched.bytes <= study + manifestAndDirectory + (1 << 20), `${fetched.bytes} for ${study}`)
  assert.ok(fetched.ranges.length < 20, `${fetched.ranges.length}`)
  assert.equal(
    sha256(await readFile(path.join(to, 'dicom_files/study17/17.dcm'))),
    sha256(await readFile(path.join(at.root, 'study17/17.dcm'))),
  )
  await rm(to, { recursive: true })
})
