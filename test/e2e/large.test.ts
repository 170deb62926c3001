/** ZIP64 for real, through the program: what no longer fits into 16 and 32 bits, opened by the programs people have. */
import assert from 'node:assert/strict'
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import {
  backedUp,
  GIB,
  hasRoom,
  list,
  MAX_32,
  run,
  sha256OfZeros,
  sparse,
  unzipTests,
} from '../support/large-archive.ts'
import { needProgram } from '../support/needed-programs.ts'
import { manyFiles, mustComeBack, nameOf } from '../support/many-files.ts'
import { makeRig, onlyNas } from '../support/rig.ts'
import { readEntry, readManifest } from '../support/zip-entries.ts'
import { READERS } from '../support/zip-readers.ts'

describe('ZIP64', () => {
  test('an entry of more than 4 GiB, and entries that begin beyond that', async (t) => {
    if (!(await hasRoom(t, 6 * GIB))) return
    const rig = await makeRig(t, { ...onlyNas, archive: { compression: 'store' } })
    const size = 4 * GIB + 5
    const small = Buffer.alloc(60_000, 'pixel')
    await rig.put('a.dcm', 'the first')
    await sparse(path.join(rig.root, 'big.dcm'), size)
    for (const name of ['m', 'n', 'o', 'z']) await rig.put(`${name}.dcm`, small)
    const { archive } = await backedUp(rig)

    const entries = await list(archive)
    const at = new Map(entries.map((entry) => [path.posix.basename(entry.name), entry]))
    for (const name of ['m', 'n', 'o', 'z']) assert.ok(at.get(`${name}.dcm`)!.offset > MAX_32)
    assert.deepEqual([at.get('big.dcm')!.size, at.get('big.dcm')!.packed], [size, size])
    const line = (await readManifest(archive)).find((one) => one['path'] === 'dicom_files/big.dcm')
    assert.deepEqual([line?.['size'], line?.['sha256']], [size, sha256OfZeros(size)])
    assert.match(
      (await run(needProgram('unzip'), ['-l', archive])).stdout,
      new RegExp(`${size} .*dicom_files/big\\.dcm`),
    )
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

  test('150,001 entries, all but one of them empty: opened by every program, read in full, restored', async (t) => {
    const rig = await makeRig(t, onlyNas)
    const empty = 150_000
    const count = empty + 1
    manyFiles(rig.root, empty, 0)
    await rig.put('zz.dcm', 'pixels')
    const { archive, result } = await backedUp(rig)
    assert.equal(result.archive!.files, count)
    const entries = await list(archive)
    assert.equal(entries.length, count + 1)
    assert.equal(new Set(entries.map(({ name }) => name)).size, count + 1)
    assert.equal(entries.at(-1)?.name, 'backup-manifest.ndjson')
    assert.equal((await readManifest(archive)).length, count + 1)
    for (const [reader, check] of Object.entries(READERS)) await assert.doesNotReject(check(archive), reader)
    assert.equal((await readEntry(archive, 'dicom_files/zz.dcm')).toString(), 'pixels')
    await mustComeBack(rig, count, (n) => (n === empty ? ['zz.dcm', 'pixels'] : [nameOf(n), '']))
  })
})
