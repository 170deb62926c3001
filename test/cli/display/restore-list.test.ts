import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restoreList } from '../../../src/cli/display/restore-list.ts'
import { visibleWidth } from '../../../src/cli/display/width.ts'
import { bare } from './samples.ts'

const UID = `1.2.${'3'.repeat(60)}`
const ID = 'P'.repeat(64)
const study = { series: 1, files: 120, bytes: 60 * 1024 * 1024, date: '2026-03-01' }
const others = { files: 3, bytes: 1000, instances: 0 }
const list = {
  archive: 'dicom_backup_2026-03-04_12-00-00.zip',
  from: 'nas',
  head: {
    tool: 'dicom-backup' as const,
    version: '1',
    runId: 'r',
    startedAt: '2026-03-04T12:00:00.000Z',
    writtenAt: '2026-03-04T12:00:00.000Z',
    database: null,
    counts: { files: 123, bytes: 1, skipped: 0, deadBytes: 0 },
  },
  studies: [
    { ...study, patientId: 'PID-1', studyUid: UID, description: 'Head', modalities: ['CT', 'SR'] },
    { ...study, patientId: ID, studyUid: '1.2.4', description: 'Thorax nativ '.repeat(8).trim(), modalities: ['CT'] },
    { ...study, patientId: ID, studyUid: '1.2.5', description: null, modalities: ['MR'] },
    { ...study, patientId: null, studyUid: '1.2.6', date: null, description: null, modalities: [] },
  ],
  others,
  leftOut: 0,
  mismatches: 0,
}

test('without a terminal each study is one line, and nothing of it is cut', () => {
  const shown = restoreList(list, bare(80), false)
  assert.match(shown, / PID-1 +2026-03-01 {2}Head +CT, SR +1 +120 {2}60\.0 MiB {2}1\.2\.3{60}\n/)
  assert.match(shown, / P{64} {2}2026-03-01 {2}(Thorax nativ ?){8} +CT +1 +120 {2}60\.0 MiB {2}1\.2\.4\n/)
  assert.match(shown, /\n {2}'' +1 +120 {2}60\.0 MiB {2}1\.2\.6\n/)
  assert.match(shown, /\n {2}Others {4}3 files of no study, 1000 B\n/)
})

test('on a terminal every line fits 80 columns, and ids are whole', () => {
  const shown = restoreList(list, bare(80), true)
  for (const line of shown.split('\n')) assert.ok(visibleWidth(line) < 80, line)
  assert.match(shown, /\nPatient PID-1\n {2}2026-03-01 {2}Head +CT, SR +1 +120 {2}60\.0 MiB\n {4}1\.2\.3{60}\n/)
  assert.equal(shown.split(`\nPatient ${ID}\n`).length, 2, 'a patient is named once')
  assert.match(shown, /\nPatient ''\n/)
})

test('an archive without one DICOM file is named as that, and DICOM files without a study are counted', () => {
  const shown = (instances: number, studies: typeof list.studies): string =>
    restoreList({ ...list, studies, others: { ...others, instances } }, bare(200), false)
  assert.match(shown(0, []), /Note +not one file is a DICOM file; check that dicom\.root is the right folder\n/)
  assert.match(shown(2, list.studies), /Note +2 files of them are DICOM without a study's UID/)
  assert.doesNotMatch(shown(0, list.studies), /Note/)
})
