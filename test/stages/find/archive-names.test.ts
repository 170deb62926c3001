import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timeInName } from '../../../src/stages/find/archive-names.ts'

test('an archive is known by the prefix of the configuration, or by that of the PHP script', () => {
  assert.deepEqual(timeInName('clinic_2026-11-23_12-00-01.zip', 'clinic'), new Date(2026, 10, 23, 12, 0, 1))
  assert.deepEqual(timeInName('dicom_backup_2024-03-30_02-30-00.zip', 'clinic'), new Date(2024, 2, 30, 2, 30))
  for (const name of [
    'other_2026-11-23_12-00-01.zip',
    'clinic_2026-11-23_12-00-01.zip.partial',
    'clinic_2026-11-23_12-00-01 (1).zip',
    'my_clinic_2026-11-23_12-00-01.zip',
    'clinic_2026-11-23.zip',
    'clinic_2026-13-23_12-00-01.zip',
    'clinic_2026-11-23_24-00-01.zip',
    'clinic.zip',
    '',
  ]) {
    assert.equal(timeInName(name, 'clinic'), null, name)
  }
})

test('a prefix with signs of a pattern in it means itself', () => {
  assert.deepEqual(timeInName('a.b(c)+_2026-11-23_12-00-01.zip', 'a.b(c)+'), new Date(2026, 10, 23, 12, 0, 1))
  assert.equal(timeInName('axb(c)+_2026-11-23_12-00-01.zip', 'a.b(c)+'), null)
})
