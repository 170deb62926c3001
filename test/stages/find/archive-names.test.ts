import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newestFirst, timeInName } from '../../../src/stages/find/archive-names.ts'

test('an archive is known by the prefix of the configuration, or by that of the PHP script', () => {
  assert.equal(timeInName('clinic_2026-11-23_12-00-01.zip', 'clinic'), '2026-11-23 12-00-01')
  assert.equal(timeInName('dicom_backup_2024-03-31_02-30-00.zip', 'clinic'), '2024-03-31 02-30-00')
  for (const name of [
    'other_2026-11-23_12-00-01.zip',
    'clinic_2026-11-23_12-00-01.zip.partial',
    'clinic_2026-11-23_12-00-01 (1).zip',
    'my_clinic_2026-11-23_12-00-01.zip',
    'clinic_2026-11-23.zip',
    'clinic.zip',
    '',
  ]) {
    assert.equal(timeInName(name, 'clinic'), null, name)
  }
})

test('a prefix with signs of a pattern in it means itself', () => {
  assert.equal(timeInName('a.b(c)+_2026-11-23_12-00-01.zip', 'a.b(c)+'), '2026-11-23 12-00-01')
  assert.equal(timeInName('axb(c)+_2026-11-23_12-00-01.zip', 'a.b(c)+'), null)
})

test('the newest is the one with the latest time in its name, whatever its prefix; each name once', () => {
  const names = [
    'clinic_2026-11-23_12-00-01.zip',
    'notes.txt',
    'dicom_backup_2026-11-23_12-00-02.zip',
    'clinic_2027-01-01_00-00-00.zip',
    'clinic_2026-11-23_12-00-01.zip',
  ]
  assert.deepEqual(newestFirst(names, 'clinic'), [
    'clinic_2027-01-01_00-00-00.zip',
    'dicom_backup_2026-11-23_12-00-02.zip',
    'clinic_2026-11-23_12-00-01.zip',
  ])
})
