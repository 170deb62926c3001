import assert from 'node:assert/strict'
import test from 'node:test'
import { runSummary } from '../../../src/cli/display/run-summary.ts'
import type { RunResult } from '../../../src/stages/contract/results.ts'
import { bare, colored, completed, failed, GIB, interrupted, middle, partial, text } from './samples.ts'

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
  Took      5 h 12 min, finished 2026-03-04 17:12:04

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared
  ✔ hospital-drive    DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: MD5 compared
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared

Next
  "dicom-backup verify --restore-test" proves that the database can be restored
  from it.
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
  Took      5 h 12 min, finished
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
  "dicom-backup verify --restore-test"
  proves that the database can be
  restored from it.
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
  Took      5 h 12 min, finished 2026-03-04 17:12:04

Stored and verified
  ✔ hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared
  ✔ hospital-drive    DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: MD5 compared
  ✔ nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared

Next
  "dicom-backup verify --restore-test" proves that the database can be restored from it.
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
  \u001b[2mTook   \u001b[22m  5 h 12 min, finished 2026-03-04 17:12:04

\u001b[1mStored and verified\u001b[22m
  \u001b[32m✔\u001b[39m hospital-dropbox  /DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared
  \u001b[32m✔\u001b[39m hospital-drive    DICOM_Backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: MD5 compared
  \u001b[32m✔\u001b[39m nas               /mnt/nas/backups/dicom_backup_2026-03-04_12-00-00.zip
                      verified: content hash compared

\u001b[1mNext\u001b[22m
  "dicom-backup verify --deep" reads every entry back and proves that it can be
  restored.
`),
  )
})

test('a run that was resumed says in a line what it began with: nothing is counted that this process sent', () => {
  const said = (sent: readonly number[], change: Partial<RunResult> = {}): string | undefined => {
    const run = completed()
    const destinations = run.destinations.map((one, index) => ({ ...one, bytesSent: sent[index] ?? 0 }))
    const shown = runSummary({ ...run, destinations, resumed: true, ...change }, null, bare(200))
    return /Resumed .*/.exec(shown)?.[0]
  }
  const start = 'Resumed the run of 2026-03-04 12:00'
  assert.equal(said([90 * GIB, 90 * GIB, 90 * GIB]), `${start}; 500 GiB of 590 GiB were uploaded already.`)
  assert.equal(said([600 * GIB, 90 * GIB, 0]), `${start}; 0 B to 590 GiB of 590 GiB were uploaded already.`)
  assert.equal(said([], { destinations: [] }), `${start}.`)
  assert.equal(said([], { resumed: false }), undefined)
})

test('a destination that holds every byte of a partial run, but did not prove it, is told so', () => {
  const run = partial()
  const { destinations } = middle()
  Object.assign(destinations[1] ?? {}, { held: run.archive?.bytes })
  assert.match(runSummary(run, { ...middle(), destinations }, bare(80)), /590 GiB of 590 GiB uploaded, not verified\n/)
})

test('a partial run that failed at several destinations says that the next run completes it at each of them', () => {
  const run = partial()
  const destinations = run.destinations.map((one, index) => (index === 0 ? one : { ...one, ...run.destinations[1]! }))
  const shown = runSummary({ ...run, destinations }, null, bare(200))
  assert.match(shown, /completes this backup at each of them; it sends only what is missing/)
})

test('a run with nothing to do says why, and nothing else', () => {
  const skipped = { runId: null, status: 'skipped', reason: 'There is no interrupted run.' } as const
  assert.equal(
    runSummary({ ...completed(), ...skipped, archive: null, destinations: [] }, null, bare(80)),
    '✔ Nothing to do\n  There is no interrupted run.\n',
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
  assert.match(shown, /Next\n {2}Check the warnings above/)
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

test('a stored backup of a folder without one DICOM file says so, and stays what it is', () => {
  const result = { ...completed(), dicom: { files: 0, withoutStudy: 0 } }
  assert.match(
    runSummary(result, null, bare(100)),
    /^✔ Backup completed[^]*\n {2}DICOM +none of the 1,003,211 files is a DICOM file: check dicom\.root\n/,
  )
  for (const dicom of [{ files: 1, withoutStudy: 0 }, null]) {
    assert.doesNotMatch(runSummary({ ...result, dicom }, null, bare(100)), /\n {2}DICOM /)
  }
})
