import assert from 'node:assert/strict'
import test from 'node:test'
import { runSummary } from '../../../src/cli/display/run-summary.ts'
import type { RunResult } from '../../../src/stages/backup/results.ts'
import { ascii, bare, colored, completed, failed, interrupted, middle, partial, text } from './samples.ts'

process.env.TZ = 'UTC'
const whole = { ...middle(), filesSkipped: 0 }

test('a completed run says what is stored, where, and that it was verified; 80 columns', () => {
  assert.equal(
    runSummary(completed(), whole, bare(80)),
    text(`
✔ Backup completed

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB, compressed 2.10:1
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Took      5 h 12 min, ended 2026-03-04 17:12:04

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared
  ✔ hospital-drive    DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: MD5 compared
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared

Next
  Nothing to do. Unpack it somewhere now and then, to see that it can be
  restored.
`),
  )
})

test('a completed run in 40 columns: below each other, paths whole', () => {
  assert.equal(
    runSummary(completed(), whole, bare(40)),
    text(`
✔ Backup completed

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB, compressed 2.10:1
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Took      5 h 12 min, ended
            2026-03-04 17:12:04

Stored and verified
  ✔ hospital-dropbox
    /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
    verified: content hash compared
  ✔ hospital-drive
    DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
    verified: MD5 compared
  ✔ nas
    /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
    verified: content hash compared

Next
  Nothing to do. Unpack it somewhere
  now and then, to see that it can be
  restored.
`),
  )
})

test('a completed run in 120 columns', () => {
  assert.equal(
    runSummary(completed(), whole, bare(120)),
    text(`
✔ Backup completed

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB, compressed 2.10:1
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Took      5 h 12 min, ended 2026-03-04 17:12:04

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared
  ✔ hospital-drive    DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: MD5 compared
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared

Next
  Nothing to do. Unpack it somewhere now and then, to see that it can be restored.
`),
  )
})

test('a completed run in colour, without counters', () => {
  assert.equal(
    runSummary(completed(), null, colored(80)),
    text(`
\u001b[32m✔\u001b[39m \u001b[1mBackup completed\u001b[22m

  \u001b[2mArchive\u001b[22m  dicom_backup_2026-03-04_12-00-00.zip
  \u001b[2mSize   \u001b[22m  590 GiB
  \u001b[2mFiles  \u001b[22m  1,003,211 files
  \u001b[2mTook   \u001b[22m  5 h 12 min, ended 2026-03-04 17:12:04

\u001b[1mStored and verified\u001b[22m
  \u001b[32m✔\u001b[39m hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared
  \u001b[32m✔\u001b[39m hospital-drive    DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: MD5 compared
  \u001b[32m✔\u001b[39m nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared

\u001b[1mNext\u001b[22m
  Nothing to do. Unpack it somewhere now and then, to see that it can be
  restored.
`),
  )
})

test('a partial run says what is missing where, why, and what to do; 80 columns', () => {
  assert.equal(
    runSummary(partial(), middle(), bare(80)),
    text(`
! Backup stored, but look at it

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Took      5 h 12 min, ended 2026-03-04 17:12:04
  Resumed   went on with an interrupted run

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB sent this time
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB sent this time

Not stored
  ✘ hospital-drive  The account hospital-drive is full. (E_QUOTA)

Left out: 3 files
  2  permission denied
  1  changed while it was read
  Their names are in the result that --json prints and in
  backup-manifest.ndjson inside the archive; they may hold patient ids, so they
  are not shown here.

Warnings
  ! The archive folder holds 41 % fewer files than at the last good backup.
    (source-shrunk)

Next
  When that is mended: "dicom-backup run --destination hospital-drive" stores a
  new backup there.
`),
  )
})

test('a partial run in 40 columns of ASCII', () => {
  assert.equal(
    runSummary(partial(), middle(), ascii(40)),
    text(`
[ !] Backup stored, but look at it

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Took      5 h 12 min, ended
            2026-03-04 17:12:04
  Resumed   went on with an interrupted
            run

Stored and verified
  [ok] hospital-dropbox
       /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
       verified: content hash compared;
       40.0 MiB sent this time
  [ok] nas
       /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
       verified: content hash compared;
       40.0 MiB sent this time

Not stored
  [!!] hospital-drive
       The account hospital-drive is
       full. (E_QUOTA)

Left out: 3 files
  2  permission denied
  1  changed while it was read
  Their names are in the result that
  --json prints and in
  backup-manifest.ndjson inside the
  archive; they may hold patient ids,
  so they are not shown here.

Warnings
  [ !] The archive folder holds 41 %
       fewer files than at the last
       good backup. (source-shrunk)

Next
  When that is mended: "dicom-backup
  run --destination hospital-drive"
  stores a new backup there.
`),
  )
})

test('a partial run in 120 columns', () => {
  assert.equal(
    runSummary(partial(), middle(), bare(120)),
    text(`
! Backup stored, but look at it

  Archive   dicom_backup_2026-03-04_12-00-00.zip
  Size      590 GiB
  Files     1,003,211 files
  Database  1.20 GiB of SQL
  Took      5 h 12 min, ended 2026-03-04 17:12:04
  Resumed   went on with an interrupted run

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB sent this time
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared; 40.0 MiB sent this time

Not stored
  ✘ hospital-drive  The account hospital-drive is full. (E_QUOTA)

Left out: 3 files
  2  permission denied
  1  changed while it was read
  Their names are in the result that --json prints and in backup-manifest.ndjson inside the archive; they may hold
  patient ids, so they are not shown here.

Warnings
  ! The archive folder holds 41 % fewer files than at the last good backup. (source-shrunk)

Next
  When that is mended: "dicom-backup run --destination hospital-drive" stores a new backup there.
`),
  )
})

test('a failed run shows no archive and no advice that would not help', () => {
  assert.equal(
    runSummary(failed(), middle(), bare(80)),
    text(`
✘ Backup failed: nothing new was stored
  The database dump failed: mysqldump: Got error: 1045: Access denied for user
  backup

  Took  5 h 12 min, ended 2026-03-04 17:12:04

Not stored
  ✘ hospital-dropbox  The run was stopped. (E_ABORTED)
  ✘ hospital-drive    The run was stopped. (E_ABORTED)
  ✘ nas               The run was stopped. (E_ABORTED)

Next
  Earlier backups are as they were.
  "dicom-backup doctor" tries everything a run needs and says what to mend.
`),
  )
})

test('an interrupted run says how to go on', () => {
  assert.equal(
    runSummary(interrupted(), middle(), bare(80)),
    text(`
! Backup interrupted
  Stopped by SIGINT.

  Took  5 h 12 min, ended 2026-03-04 17:12:04

Not stored yet
  ! hospital-dropbox  interrupted; 100 GiB sent this time
  ! hospital-drive    interrupted; 100 GiB sent this time
  ! nas               interrupted; 100 GiB sent this time

Next
  What was sent shows nowhere as a backup; earlier backups are as they were.
  The next "dicom-backup run" makes a new one from the start.
`),
  )
})

test('an interrupted run in colour', () => {
  assert.equal(
    runSummary(interrupted(), middle(), colored(80)),
    text(`
\u001b[33m!\u001b[39m \u001b[1mBackup interrupted\u001b[22m
  Stopped by SIGINT.

  \u001b[2mTook\u001b[22m  5 h 12 min, ended 2026-03-04 17:12:04

\u001b[1mNot stored yet\u001b[22m
  \u001b[33m!\u001b[39m hospital-dropbox  interrupted; 100 GiB sent this time
  \u001b[33m!\u001b[39m hospital-drive    interrupted; 100 GiB sent this time
  \u001b[33m!\u001b[39m nas               interrupted; 100 GiB sent this time

\u001b[1mNext\u001b[22m
  What was sent shows nowhere as a backup; earlier backups are as they were.
  The next "dicom-backup run" makes a new one from the start.
`),
  )
})

test('no path of a file that was left out is shown', () => {
  for (const result of [partial(), { ...failed(), skippedFiles: partial().skippedFiles }]) {
    const shown = runSummary(result, null, bare(80))
    assert.doesNotMatch(shown, /MUELLER|4711|\.dcm/)
    assert.match(shown, /2 {2}permission denied/)
    assert.equal(shown.includes('backup-manifest.ndjson'), result.status === 'partial')
  }
})

test('the most frequent reasons are told one by one, the others together', () => {
  const skippedFiles = Array.from({ length: 10 }, (_, kind) =>
    Array.from({ length: kind + 1 }, () => ({ path: 'x', reason: `reason ${kind}` })),
  ).flat()
  const shown = runSummary({ ...partial(), skippedFiles }, null, bare(80))
  assert.match(shown, /Left out: 55 files\n {2}10 {2}reason 9\n {3}9 {2}reason 8\n/)
  assert.match(shown, / 3 {2}reason 2\n {3}3 {2}other reasons\n/)
})

test('files that were left out make the ratio unknown', () => {
  assert.match(runSummary(completed(), whole, bare(80)), /590 GiB, compressed 2\.10:1\n/)
  assert.match(runSummary(completed(), middle(), bare(80)), /590 GiB\n/)
})

test('a run that left files out but stored everywhere asks to look, not to run again', () => {
  const { destinations } = completed()
  const shown = runSummary({ ...partial(), destinations }, middle(), bare(80))
  assert.match(shown, /Next\n {2}The archive is whole; see whether/)
  assert.doesNotMatch(shown, /Not stored|dicom-backup run/)
})

test('a copy that was finished before an interruption is shown as stored', () => {
  const first = completed().destinations[0]
  const result: RunResult = { ...interrupted(), destinations: [first!, ...interrupted().destinations.slice(1)] }
  const shown = runSummary(result, null, bare(80))
  assert.match(shown, /Stored and verified\n {2}✔ hospital-dropbox/)
  assert.match(shown, /Not stored yet\n {2}! hospital-drive/)
})

test('what a server answered cannot steer the terminal', () => {
  const { destinations } = partial()
  const destination = {
    ...destinations[1]!,
    error: { code: 'E_DESTINATION' as const, message: 'HTTP 500\u001b[2J\u0007\nnginx' },
  }
  const shown = runSummary({ ...partial(), destinations: [destination] }, null, bare(80))
  assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f]/)
  assert.match(shown, /HTTP 500\n\s+nginx \(E_DESTINATION\)/)
})
