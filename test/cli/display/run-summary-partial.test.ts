import assert from 'node:assert/strict'
import test from 'node:test'
import { runSummary } from '../../../src/cli/display/run-summary.ts'
import { ascii, bare, middle, partial, text } from './samples.ts'

process.env.TZ = 'UTC'

test('a partial run says what is missing where, why, and what to do; 80 columns', () => {
  assert.equal(
    runSummary(partial(), middle(), bare(80)),
    text(`
! Backup stored with warnings
  Resumed the run of 2026-03-04 12:00; 559 GiB to 590 GiB of 590 GiB were
  uploaded already.

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Finished  2026-03-04 17:12:04, 5 h 12 min after the run began

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB uploaded this
                      time
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB uploaded this
                      time

Not stored
  ✘ hospital-drive  The account hospital-drive is full. (E_QUOTA)
                    571 GiB of 590 GiB uploaded, 19.0 GiB missing

Left out: 3 files
  2  permission denied
  1  changed while it was read
  Their names are in the output of --json and in backup-manifest.ndjson inside
  the archive. They may contain patient ids, so they are not shown here.

Warnings
  ! The archive folder holds 41 % fewer files than at the last good backup.
    (source-shrunk)

Next
  Fix the problems above. The next "dicom-backup run" completes this backup
  there; it sends only what is missing.
`),
  )
})

test('a partial run in 40 columns of ASCII', () => {
  assert.equal(
    runSummary(partial(), middle(), ascii(40)),
    text(`
[ !] Backup stored with warnings
  Resumed the run of 2026-03-04 12:00;
  559 GiB to 590 GiB of 590 GiB were
  uploaded already.

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Finished  2026-03-04 17:12:04, 5 h 12
            min after the run began

Stored and verified
  [ok] hospital-dropbox
       /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
       verified: content hash compared;
       40.0 MiB uploaded this time
  [ok] nas
       /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
       verified: content hash compared;
       40.0 MiB uploaded this time

Not stored
  [!!] hospital-drive
       The account hospital-drive is
       full. (E_QUOTA)
       571 GiB of 590 GiB uploaded,
       19.0 GiB missing

Left out: 3 files
  2  permission denied
  1  changed while it was read
  Their names are in the output of
  --json and in backup-manifest.ndjson
  inside the archive. They may contain
  patient ids, so they are not shown
  here.

Warnings
  [ !] The archive folder holds 41 %
       fewer files than at the last
       good backup. (source-shrunk)

Next
  Fix the problems above. The next
  "dicom-backup run" completes this
  backup there; it sends only what is
  missing.
`),
  )
})

test('a partial run in 120 columns', () => {
  assert.equal(
    runSummary(partial(), middle(), bare(120)),
    text(`
! Backup stored with warnings
  Resumed the run of 2026-03-04 12:00; 559 GiB to 590 GiB of 590 GiB were uploaded already.

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Finished  2026-03-04 17:12:04, 5 h 12 min after the run began

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB uploaded this time
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB uploaded this time

Not stored
  ✘ hospital-drive  The account hospital-drive is full. (E_QUOTA)
                    571 GiB of 590 GiB uploaded, 19.0 GiB missing

Left out: 3 files
  2  permission denied
  1  changed while it was read
  Their names are in the output of --json and in backup-manifest.ndjson inside the archive. They may contain patient
  ids, so they are not shown here.

Warnings
  ! The archive folder holds 41 % fewer files than at the last good backup. (source-shrunk)

Next
  Fix the problems above. The next "dicom-backup run" completes this backup there; it sends only what is missing.
`),
  )
})
