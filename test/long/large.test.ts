/** ZIP64 at its edges, beside what test/e2e/large.test.ts tries. */
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
import { makeRig, onlyNas } from '../support/rig.ts'
import { readEntry, readManifest } from '../support/zip-entries.ts'
import { READERS } from '../support/zip-readers.ts'

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
    assert.match(
      (await run(needProgram('unzip'), ['-l', archive])).stdout,
      new RegExp(`${size} .*dicom_files/big\\.dcm`),
    )
    assert.equal((await readEntry(archive, 'dicom_files/z.dcm')).toString(), 'the last')
    await rm(rig.nas, { recursive: true })
  })

  test('entries that begin right before and beyond 4 GiB, stored', async (t) => {
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
})
