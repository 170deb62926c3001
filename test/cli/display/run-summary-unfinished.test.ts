import assert from 'node:assert/strict'
import test from 'node:test'
import { runSummary } from '../../../src/cli/display/run-summary.ts'
import { bare, colored, failed, interrupted, middle, text } from './samples.ts'

process.env.TZ = 'UTC'

test('a failed run shows no archive and no advice that would not help', () => {
  assert.equal(
    runSummary(failed(), middle(), bare(80)),
    text(`
✘ Backup failed: nothing new was stored
  The database dump failed: mysqldump: Got error: 1045: Access denied for user
  backup

  Took  5 h 12 min, finished 2026-03-04 17:12:04

Not stored
  ✘ hospital-dropbox  The run was stopped. (E_ABORTED)
  ✘ hospital-drive    The run was stopped. (E_ABORTED)
  ✘ nas               The run was stopped. (E_ABORTED)

Next
  "dicom-backup doctor" checks everything a run needs and says how to fix it.
  Earlier backups are unchanged.
`),
  )
})

test('an interrupted run says how to go on', () => {
  assert.equal(
    runSummary(interrupted(), middle(), bare(80)),
    text(`
! Backup interrupted; it can be resumed
  Stopped by SIGINT.

  Took  5 h 12 min, finished 2026-03-04 17:12:04

Not stored yet
  ! hospital-dropbox  588 GiB uploaded, 100 GiB of it this time
  ! hospital-drive    571 GiB uploaded, 100 GiB of it this time
  ! nas               590 GiB uploaded, 100 GiB of it this time

Next
  The next "dicom-backup run" resumes it and sends only what is missing;
  "dicom-backup run --fresh" abandons it. Earlier backups are unchanged.
`),
  )
})

test('an interrupted run in colour', () => {
  assert.equal(
    runSummary(interrupted(), middle(), colored(80)),
    text(`
\u001b[33m!\u001b[39m \u001b[1mBackup interrupted; it can be resumed\u001b[22m
  Stopped by SIGINT.

  \u001b[2mTook\u001b[22m  5 h 12 min, finished 2026-03-04 17:12:04

\u001b[1mNot stored yet\u001b[22m
  \u001b[33m!\u001b[39m hospital-dropbox  588 GiB uploaded, 100 GiB of it this time
  \u001b[33m!\u001b[39m hospital-drive    571 GiB uploaded, 100 GiB of it this time
  \u001b[33m!\u001b[39m nas               590 GiB uploaded, 100 GiB of it this time

\u001b[1mNext\u001b[22m
  The next "dicom-backup run" resumes it and sends only what is missing;
  "dicom-backup run --fresh" abandons it. Earlier backups are unchanged.
`),
  )
})

test('a run that was resumed and interrupted again says what it began with and how to go on', () => {
  assert.equal(
    runSummary({ ...interrupted(), resumed: true }, middle(), bare(80)),
    text(`
! Backup interrupted; it can be resumed
  Stopped by SIGINT.
  Resumed the run of 2026-03-04 12:00; 471 GiB to 490 GiB were uploaded
  already.

  Finished  2026-03-04 17:12:04, 5 h 12 min after the run began

Not stored yet
  ! hospital-dropbox  588 GiB uploaded, 100 GiB of it this time
  ! hospital-drive    571 GiB uploaded, 100 GiB of it this time
  ! nas               590 GiB uploaded, 100 GiB of it this time

Next
  The next "dicom-backup run" resumes it and sends only what is missing;
  "dicom-backup run --fresh" abandons it. Earlier backups are unchanged.
`),
  )
})
