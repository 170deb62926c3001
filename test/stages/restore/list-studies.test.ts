import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test, type TestContext } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { ArchiveReader } from '../../../src/stages/archive/archive-reader.ts'
import { syntheticInstance } from '../../../src/stages/demo/synthetic-dicom.ts'
import { listStudies } from '../../../src/stages/restore/list-studies.ts'
import { countBytes, fileOf, never, openBytes } from '../archive/stored-archive.ts'
import { backupOf } from '../archive/hand-made-backup.ts'
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
    const { studies, others, leftOut, mismatches, head } = await listStudies({ reader, signal: never })
    const bytes = syntheticInstance({
      ...{ patient: 0, study: 0, series: 0, instance: 0, modality: 'CT', pixels: 'raw', rows: 200, columns: 200 },
    }).length
    assert.deepEqual(
      studies,
      // By patient: the fourth study is of the first.
      [0, 3, 1, 2].map((study) => ({
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
    assert.deepEqual([others, leftOut, mismatches], [{ files: 1, bytes: 8, instances: 0 }, 0, 0])
    assert.equal(head.counts.files, 17)
  })

  test('cost the manifest and the directory', async (t) => {
    const archive = await archiveOf(t, 10)
    const { remote, fetched } = countBytes(fileOf(archive))
    const { studies } = await listStudies({ reader: await ArchiveReader.open(remote, never), signal: never })
    assert.ok(studies.length === 10 && studies.every(({ date }) => date === '2026-01-01'))
    assert.ok(fetched.bytes < 100_000, `${fetched.bytes}`)
    assert.ok(archive.length > 1_000_000)
  })

  /** As earlier versions have written it: the manifest has the ids alone. */
  const earlier = (studies: number): Buffer =>
    backupOf(
      Array.from({ length: studies }, (_, study) => {
        const options = { patient: study % 3, study, series: 0, instance: 0, rows: 200, columns: 200 } as const
        const content = syntheticInstance({ ...options, modality: 'CT', pixels: 'raw' })
        const ids = { patientId: `SYN-0000${study % 3}`, studyUid: `2.25.160815.${study % 3}.${study}` }
        return { name: `dicom_files/${study}.dcm`, content, line: { ...ids, transferSyntax: '1.2.840.10008.1.2.1' } }
      }),
    )

  test('of an archive of an earlier version cost 16 KiB more for each, and every one has its date', async () => {
    const { remote, fetched } = countBytes(fileOf(earlier(600)))
    const { studies } = await listStudies({ reader: await ArchiveReader.open(remote, never), signal: never })
    assert.ok(studies.length === 600 && studies.every(({ date }) => date === '2026-01-01'))
    assert.ok(fetched.bytes < 600 * 18_000 + 1_000_000, `${fetched.bytes}`)
  })

  test('under two patients are two studies; patients and dates are in order, those without them last', async () => {
    const line = (patientId: string | null, studyUid: string, studyDate?: string): Record<string, unknown> => ({
      transferSyntax: '1.2.840.10008.1.2.1',
      ...(patientId === null ? {} : { patientId }),
      ...(studyDate === undefined ? {} : { studyDate, studyDescription: `of ${studyDate}` }),
      studyUid,
    })
    const lines = [
      line(null, '1.5', '2020-01-01'),
      line('B', '1.2', '2026-01-01'),
      line('B', '1.2'),
      line('B', '1.3', '2025-01-01'),
      line('B', '1.4'),
      line('A', '1.2', '2026-01-01'),
      { transferSyntax: '1.2.840.10008.1.2.1' },
      {},
    ]
    const archive = backupOf(lines.map((one, n) => ({ name: `dicom_files/${n}`, line: one })))
    const { studies, others } = await listStudies({ reader: await openBytes(archive), signal: never })
    assert.deepEqual(
      studies.map(({ patientId, studyUid, date, description, files }) => [
        patientId,
        studyUid,
        date,
        description,
        files,
      ]),
      [
        ['A', '1.2', '2026-01-01', 'of 2026-01-01', 1],
        ['B', '1.3', '2025-01-01', 'of 2025-01-01', 1],
        ['B', '1.2', '2026-01-01', 'of 2026-01-01', 2],
        ['B', '1.4', null, null, 1],
        [null, '1.5', '2020-01-01', 'of 2020-01-01', 1],
      ],
    )
    assert.deepEqual(others, { files: 2, bytes: 0, instances: 1 })
  })

  test('whose first instance is damaged are listed without its date', async () => {
    const archive = earlier(2)
    archive.fill(0xff, archive.indexOf('dicom_files/0.dcm') - 30, archive.indexOf('dicom_files/0.dcm'))
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
