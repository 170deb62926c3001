/** ZIP64 for real, through the program: what no longer fits into 16 and 32 bits, opened by the programs people have. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { open, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { tmpdir } from 'node:os'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import type { RunResult } from '../../src/stages/backup/results.ts'
import { makeRig, onlyNas, type Rig } from '../support/rig.ts'
import { READERS, readEntry, readManifest } from '../support/zip-readers.ts'

const run = promisify(execFile)
const GIB = 1024 ** 3
const MAX_32 = 0xffffffff

/** A file of zeros that takes no room. */
async function sparse(file: string, size: number): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await handle.truncate(size)
  } finally {
    await handle.close()
  }
}

function sha256OfZeros(size: number): string {
  const digest = createHash('sha256')
  const piece = Buffer.alloc(16 * 1024 * 1024)
  for (let left = size; left > 0; left -= piece.length) digest.update(piece.subarray(0, Math.min(left, piece.length)))
  return digest.digest('hex')
}

interface Listed {
  readonly name: string
  readonly size: number
  readonly packed: number
  readonly offset: number
}

/** The directory as Python's zipfile reads it, without reading the entries. */
async function list(archive: string): Promise<Listed[]> {
  const script = `
import sys, json, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    print(json.dumps([{'name': i.filename, 'size': i.file_size, 'packed': i.compress_size, 'offset': i.header_offset} for i in z.infolist()]))`
  const { stdout } = await run('python3', ['-c', script, archive], { maxBuffer: 256 << 20 })
  return JSON.parse(stdout) as Listed[]
}

/** unzip takes its time over 4 GiB of one entry: it tests these alone, which it finds through the whole directory. */
async function unzipTests(archive: string, names: readonly string[]): Promise<void> {
  await assert.doesNotReject(run('unzip', ['-tqq', archive, ...names]), 'unzip')
}

/** Runs the backup and gives the archive, which is all there is in the folder. */
async function backedUp(rig: Rig): Promise<{ readonly archive: string; readonly result: RunResult }> {
  const { code, result } = await rig.run()
  assert.equal(code, 0, JSON.stringify(result))
  const archive = path.join(rig.nas, result.archive!.name)
  assert.equal((await stat(archive)).size, result.archive!.bytes)
  return { archive, result }
}

async function hasRoom(t: TestContext, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(tmpdir())
  if (bavail * bsize >= bytes) return true
  t.skip(`needs ${Math.ceil(bytes / GIB)} GiB of free space in ${tmpdir()}`)
  return false
}

describe('ZIP64', () => {
  test('an entry of more than 4 GiB, packed', async (t) => {
    const rig = await makeRig(t, { ...onlyNas, archive: { compression: 'fast' } })
    const size = 4 * GIB + 5
    await rig.put('a.dcm', 'the first')
    await sparse(path.join(rig.root, 'big.dcm'), size)
    await rig.put('z.dcm', 'the last')
    const { archive, result } = await backedUp(rig)
    assert.equal(result.archive!.files, 3)
    assert.ok(result.archive!.bytes < GIB / 10, 'zeros pack well')

    const entries = await list(archive)
    assert.deepEqual(entries.map((entry) => [entry.name, entry.size]).slice(0, 3), [
      ['dicom_files/a.dcm', 9],
      ['dicom_files/big.dcm', size],
      ['dicom_files/z.dcm', 8],
    ])
    const line = (await readManifest(archive)).find((one) => one['path'] === 'dicom_files/big.dcm')
    assert.deepEqual([line?.['size'], line?.['sha256']], [size, sha256OfZeros(size)])
    for (const reader of ['7z', 'bsdtar'] as const) await assert.doesNotReject(READERS[reader]!(archive), reader)
    await unzipTests(archive, ['dicom_files/a.dcm', 'dicom_files/z.dcm', 'backup-manifest.ndjson'])
    assert.match((await run('unzip', ['-l', archive])).stdout, new RegExp(`${size} .*dicom_files/big\\.dcm`))
    assert.equal((await readEntry(archive, 'dicom_files/z.dcm')).toString(), 'the last')
    await rm(rig.nas, { recursive: true })
  })

  test('entries that begin beyond 4 GiB, stored', async (t) => {
    if (!(await hasRoom(t, 6 * GIB))) return
    const rig = await makeRig(t, { ...onlyNas, archive: { compression: 'store' } })
    const before = MAX_32 - 100_000
    const small = Buffer.alloc(60_000, 'pixel')
    await rig.put('a.dcm', 'the first')
    await sparse(path.join(rig.root, 'big.dcm'), before)
    for (const name of ['m', 'n', 'o', 'z']) await rig.put(`${name}.dcm`, small)
    const { archive } = await backedUp(rig)

    const entries = await list(archive)
    const at = new Map(entries.map((entry) => [path.posix.basename(entry.name), entry]))
    assert.ok(at.get('m.dcm')!.offset < MAX_32 && at.get('n.dcm')!.offset < MAX_32, 'before the edge')
    assert.ok(at.get('o.dcm')!.offset > MAX_32 && at.get('z.dcm')!.offset > MAX_32, 'and after it')
    assert.deepEqual([at.get('big.dcm')!.size, at.get('big.dcm')!.packed], [before, before])
    const handle = await open(archive)
    try {
      for (const { name, offset } of entries) {
        const { buffer } = await handle.read(Buffer.alloc(30 + Buffer.byteLength(name)), 0, null, offset)
        assert.equal(buffer.readUInt32LE(0), 0x04034b50, `a local record at ${offset}`)
        assert.equal(buffer.toString('utf8', 30), name)
      }
    } finally {
      await handle.close()
    }
    for (const reader of ['7z', 'bsdtar'] as const) await assert.doesNotReject(READERS[reader]!(archive), reader)
    await unzipTests(archive, ['dicom_files/a.dcm', 'dicom_files/n.dcm', 'dicom_files/o.dcm', 'backup-manifest.ndjson'])
    for (const name of ['m', 'o', 'z']) assert.ok((await readEntry(archive, `dicom_files/${name}.dcm`)).equals(small))
    assert.equal((await readEntry(archive, 'dicom_files/a.dcm')).toString(), 'the first')
    await rm(rig.nas, { recursive: true })
  })

  test('more than 65,535 entries', async (t) => {
    const rig = await makeRig(t, onlyNas)
    const count = 70_000
    for (let n = 0; n < count; n += 1) {
      const folder = path.join(rig.root, `study-${Math.floor(n / 1000)}`)
      if (n % 1000 === 0) mkdirSync(folder)
      writeFileSync(path.join(folder, `${n}.dcm`), String(n))
    }
    const { archive, result } = await backedUp(rig)
    assert.equal(result.archive!.files, count)
    const entries = await list(archive)
    assert.equal(entries.length, count + 1)
    assert.equal(new Set(entries.map(({ name }) => name)).size, count + 1)
    assert.equal(entries.at(-1)?.name, 'backup-manifest.ndjson')
    assert.equal((await readManifest(archive)).length, count + 1)
    for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(archive), reader)
    for (const n of [0, 65_534, 65_535, 65_536, count - 1]) {
      const name = `dicom_files/study-${Math.floor(n / 1000)}/${n}.dcm`
      assert.equal((await readEntry(archive, name)).toString(), String(n))
    }
    await rm(rig.root, { recursive: true })
  })
})
