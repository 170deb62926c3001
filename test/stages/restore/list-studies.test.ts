import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../../src/pipeline/errors.ts'
import { ArchiveReader } from '../../../src/stages/archive/archive-reader.ts'
import { syntheticInstance } from '../../../src/stages/demo/synthetic-dicom.ts'
import { listStudies } from '../../../src/stages/restore/list-studies.ts'
import { counted, fileOf, never, openBytes } from '../archive/stored-archive.ts'
import { make, place } from '../zip/archive-maker.ts'
import { zipOf } from '../archive/zip-bytes.ts'

async function archiveOf(t: TestContext, studies: number): Promise<Buffer> {
  const at = await place(t)
  for (let study = 0; study < studies; study += 1) {
    for (let n = 0; n < 4; n += 1) {
      const options = { patient: study % 3, study, series: n % 2, instance: n, rows: 200, columns: 200 } as const
      const modality = n === 3 ? 'MR' : 'CT'
      await at.put(`${study}/${n}.dcm`, syntheticInstance({ ...options, modality, pixels: 'raw' }))
    }
  }
  await at.put('notes.txt', Buffer.from('no DICOM'))
  await make(at, { dump: Buffer.from('-- dump') })
  return await readFile(at.archive)
}

describe('the studies of an archive', () => {
  test('are listed with patient, date, modalities, series, files and bytes', async (t) => {
    const reader = await openBytes(await archiveOf(t, 4))
    const { studies, others, leftOut, misfits, head } = await listStudies({ reader, signal: never })
    const bytes = syntheticInstance({
      ...{ patient: 0, study: 0, series: 0, instance: 0, modality: 'CT', pixels: 'raw', rows: 200, columns: 200 },
    }).length
    assert.deepEqual(
      studies,
      [0, 1, 2, 3].map((study) => ({
        studyUid: `2.25.160815.${study % 3}.${study}`,
        patientId: `SYN-0000${study % 3}`,
        modalities: ['CT', 'MR'],
        series: 2,
        files: 4,
        bytes: 4 * bytes,
        date: '2026-01-01',
        description: null,
      })),
    )
    assert.deepEqual([others, leftOut, misfits], [{ files: 1, bytes: 8 }, 0, 0])
    assert.equal(head.counts.files, 17)
  })

  test('cost the manifest, the directory and 64 KiB for each header, of so many studies as are asked for', async (t) => {
    const archive = await archiveOf(t, 10)
    const { remote, fetched } = counted(fileOf(archive))
    const reader = await ArchiveReader.open(remote, never)
    const { studies } = await listStudies({ reader, limit: 3, signal: never })
    assert.deepEqual(
      studies.map(({ date }) => date),
      [...Array<string>(3).fill('2026-01-01'), ...Array<null>(7).fill(null)],
    )
    assert.ok(fetched.bytes < 100_000 + 3 * 67_000, `${fetched.bytes}`)
    assert.ok(archive.length > 1_000_000)
  })

  test('whose first instance is damaged are listed without its date', async (t) => {
    const archive = await archiveOf(t, 2)
    archive.fill(0xff, 0, 30)
    archive.fill(0xff, archive.indexOf('dicom_files/0/0.dcm') - 30, archive.indexOf('dicom_files/0/0.dcm'))
    const { studies } = await listStudies({ reader: await openBytes(archive), signal: never })
    assert.deepEqual(
      studies.map(({ date }) => date),
      [null, '2026-01-01'],
    )
  })

  test('cannot be listed without a manifest', async () => {
    const reader = await openBytes(zipOf([{ name: 'a', content: Buffer.from('a') }]))
    await assert.rejects(
      listStudies({ reader, signal: never }),
      (error: unknown) => error instanceof BackupError && error.code === 'E_CONFIG',
    )
  })
})
