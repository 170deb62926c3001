import assert from 'node:assert/strict'
import test from 'node:test'
import { statusSummary } from '../../../src/cli/display/status-summary.ts'
import { visibleWidth } from '../../../src/cli/display/width.ts'
import type { Status } from '../../../src/stages/status/status.ts'
import { ascii, bare, colored, GIB, stopped, text, upToDate } from './samples.ts'

process.env.TZ = 'UTC'
const NOW = new Date('2026-03-04T15:00:00Z')
const LATER = new Date('2026-03-06T17:30:00Z')

/** The status with these parts of its result in the place of the usual ones. */
const withResult = (status: Status, change: Partial<Status['result']>): Status => ({
  ...status,
  result: { ...status.result, ...change },
})

test('a status that is well says so, and asks for nothing; 80 columns', () => {
  assert.equal(
    statusSummary(upToDate(), NOW, bare(80)),
    text(`
✔ Backed up: the newest backup started 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 12:00
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies, counted over all runs and destinations

Accounts
                                     Last backup       Last run
  ✔  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  ✔  hospital-drive    google-drive  2026-03-04 12:00  completed
`),
  )
})

test('a killed run is shown with how far each destination is, and how to go on; 80 columns', () => {
  assert.equal(
    statusSummary(stopped(), NOW, bare(80)),
    text(`
! Backed up, but action is needed: the newest backup started 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 14:30
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies, counted over all runs and destinations

Accounts
                                     Last backup       Last run
  ✔  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  ✘  hospital-drive    google-drive  2026-03-03 18:00  failed
  ?  nas               local         never

To do
  ✘ hospital-drive  The last run failed here: The account is full. Make room
                    there. (E_QUOTA)
  ✘ nas             No backup here yet. Run "dicom-backup run" to make one now.

Interrupted run
  dicom_backup_2026-03-04_14-30-00.zip, started 2026-03-04 14:30
  ! hospital-dropbox  588 GiB uploaded of 590 GiB made so far
  ✘ hospital-drive    0 B uploaded of 590 GiB made so far
  ! nas               590 GiB uploaded of 590 GiB made so far

Next
  The next "dicom-backup run" resumes it; "dicom-backup run --fresh" abandons
  it.
  "dicom-backup doctor" tries everything a run needs and says how to fix it.
`),
  )
})

test('a killed run in 40 columns', () => {
  assert.equal(
    statusSummary(stopped(), NOW, bare(40)),
    text(`
! Backed up, but action is needed: the
  newest backup started 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 14:30
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies,
             counted over all runs and
             destinations

Accounts
                       Last backup
  ✔  hospital-dropbox  2026-03-04 12:00
  ✘  hospital-drive    2026-03-03 18:00
  ?  nas               never

To do
  ✘ hospital-drive
    The last run failed here: The
    account is full. Make room there.
    (E_QUOTA)
  ✘ nas
    No backup here yet. Run
    "dicom-backup run" to make one now.

Interrupted run
  dicom_backup_2026-03-04_14-30-00.zip,
  started 2026-03-04 14:30
  ! hospital-dropbox
    588 GiB uploaded of 590 GiB made so
    far
  ✘ hospital-drive
    0 B uploaded of 590 GiB made so far
  ! nas
    590 GiB uploaded of 590 GiB made so
    far

Next
  The next "dicom-backup run" resumes
  it; "dicom-backup run --fresh"
  abandons it.
  "dicom-backup doctor" tries
  everything a run needs and says how
  to fix it.
`),
  )
})

test('a killed run in 120 columns', () => {
  assert.equal(
    statusSummary(stopped(), NOW, bare(120)),
    text(`
! Backed up, but action is needed: the newest backup started 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 14:30
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies, counted over all runs and destinations

Accounts
                                     Last backup       Last run
  ✔  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  ✘  hospital-drive    google-drive  2026-03-03 18:00  failed
  ?  nas               local         never

To do
  ✘ hospital-drive  The last run failed here: The account is full. Make room there. (E_QUOTA)
  ✘ nas             No backup here yet. Run "dicom-backup run" to make one now.

Interrupted run
  dicom_backup_2026-03-04_14-30-00.zip, started 2026-03-04 14:30
  ! hospital-dropbox  588 GiB uploaded of 590 GiB made so far
  ✘ hospital-drive    0 B uploaded of 590 GiB made so far
  ! nas               590 GiB uploaded of 590 GiB made so far

Next
  The next "dicom-backup run" resumes it; "dicom-backup run --fresh" abandons it.
  "dicom-backup doctor" tries everything a run needs and says how to fix it.
`),
  )
})

test('a killed run in colour', () => {
  assert.equal(
    statusSummary(stopped(), NOW, colored(80)),
    text(`
\u001b[33m!\u001b[39m \u001b[1mBacked up, but action is needed: the newest backup started 3 h ago\u001b[22m

  \u001b[2mSchedule \u001b[22m  every 6 h
  \u001b[2mLast run \u001b[22m  began 2026-03-04 14:30
  \u001b[2mNext due \u001b[22m  2026-03-04 18:00
  \u001b[2mBacked Up\u001b[22m  1,234 verified copies, counted over all runs and destinations

\u001b[1mAccounts\u001b[22m
                                     \u001b[2mLast backup\u001b[22m       \u001b[2mLast run\u001b[22m
  \u001b[32m✔\u001b[39m  hospital-dropbox  dropbox       2026-03-04 12:00  \u001b[32mcompleted\u001b[39m
  \u001b[31m✘\u001b[39m  hospital-drive    google-drive  2026-03-03 18:00  \u001b[31mfailed\u001b[39m
  \u001b[2m?\u001b[22m  nas               local         never

\u001b[1mTo do\u001b[22m
  \u001b[31m✘\u001b[39m hospital-drive  The last run failed here: The account is full. Make room
                    there. (E_QUOTA)
  \u001b[31m✘\u001b[39m nas             No backup here yet. Run "dicom-backup run" to make one now.

\u001b[1mInterrupted run\u001b[22m
  dicom_backup_2026-03-04_14-30-00.zip, started 2026-03-04 14:30
  \u001b[33m!\u001b[39m hospital-dropbox  588 GiB uploaded of 590 GiB made so far
  \u001b[31m✘\u001b[39m hospital-drive    0 B uploaded of 590 GiB made so far
  \u001b[33m!\u001b[39m nas               590 GiB uploaded of 590 GiB made so far

\u001b[1mNext\u001b[22m
  The next "dicom-backup run" resumes it; "dicom-backup run --fresh" abandons
  it.
  "dicom-backup doctor" tries everything a run needs and says how to fix it.
`),
  )
})

test('an archive that is whole but lacks somewhere is told as that', () => {
  const reasons = [{ code: 'run-interrupted', destination: null, message: 'The run is not stored everywhere yet.' }]
  const { interruptedRun } = stopped().result
  const [dropbox, drive] = interruptedRun!.destinations
  const run = {
    ...interruptedRun!,
    whole: true,
    destinations: [
      { ...dropbox!, status: 'completed', heldBytes: 590 * GIB },
      { ...drive!, heldBytes: 571 * GIB },
    ],
  } as const
  assert.equal(
    statusSummary(withResult(upToDate(), { interruptedRun: run, reasons }), NOW, bare(80)),
    text(`
! Backed up, but action is needed: the newest backup started 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 12:00
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies, counted over all runs and destinations

Accounts
                                     Last backup       Last run
  ✔  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  ✔  hospital-drive    google-drive  2026-03-04 12:00  completed

Not stored everywhere yet
  dicom_backup_2026-03-04_14-30-00.zip, started 2026-03-04 14:30
  ✔ hospital-dropbox  stored and verified
  ✘ hospital-drive    571 GiB uploaded of 590 GiB

Next
  The next "dicom-backup run" sends only what is missing; "dicom-backup run
  --fresh" abandons it.
`),
  )
})

test('an overdue status says since when, and what to do; ASCII', () => {
  assert.equal(
    statusSummary({ ...upToDate(), overdue: true }, LATER, ascii(80)),
    text(`
[!!] Overdue: the newest backup started 2 d 5 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 12:00
  Next due   since 2026-03-04 18:00
  Backed Up  1,234 verified copies, counted over all runs and destinations

Accounts
                                        Last backup       Last run
  [ok]  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  [ok]  hospital-drive    google-drive  2026-03-04 12:00  completed

Next
  "dicom-backup doctor" tries everything a run needs and says how to fix it.
`),
  )
})

test('before the first run there is nothing to tell but the schedule', () => {
  const { accounts } = upToDate().result
  const status = withResult(upToDate(), {
    schedule: { enabled: false, every: '24h', lastRunAt: null, nextDueAt: null },
    backedUp: 0,
    accounts: accounts.map((one) => ({ ...one, lastBackupAt: null, lastStatus: null })),
  })
  assert.equal(
    statusSummary({ ...status, newestBackupAt: null }, NOW, bare(80)),
    text(`
! No backup yet

  Schedule   off
  Last run   none yet
  Backed Up  0 verified copies, counted over all runs and destinations

Accounts
                                     Last backup  Last run
  ?  hospital-dropbox  dropbox       never
  ?  hospital-drive    google-drive  never
`),
  )
})

test('a run in progress says how far it is, and since when it has not moved', () => {
  const running = {
    since: '2026-03-04T14:00:00+00:00',
    movedAt: '2026-03-04T14:58:00+00:00',
    runId: 'r3',
    phase: 'archiving',
    files: 10,
    filesDone: 5,
    bytes: 1000,
    bytesDone: 423,
    etaSeconds: 9,
    destinations: [],
  } as const
  const shown = (change: Partial<NonNullable<Status['result']['running']>>): string =>
    statusSummary(withResult(upToDate(), { running: { ...running, ...change } }), NOW, bare(120))
  assert.match(
    shown({}),
    /\n {2}Running {4}a run is active since 2026-03-04 14:00 \(archiving, 42\.3 % of the files read\)\n/,
  )
  assert.match(
    shown({ movedAt: '2026-03-04T14:31:00+00:00' }),
    /files read\); has not moved since\s+2026-03-04 14:31\n/,
  )
  assert.match(shown({ since: null, movedAt: null, phase: null, bytes: null }), /a run is active\n/)
})

test('what several destinations have in common is shown once, and what is about none of them first', () => {
  const shown = (...destinations: (string | null)[]): string => {
    const reasons = destinations.map((destination) => ({
      code: 'destination-failed',
      destination,
      message: `${destination === null ? '' : `${destination}: `}the database dump failed. (E_DUMP)`,
    }))
    return statusSummary(withResult(upToDate(), { reasons }), NOW, bare(80))
  }
  const both = shown('hospital-dropbox', 'hospital-drive')
  assert.match(both, /! Backed up, but action is needed: the newest backup started 3 h ago\n/)
  assert.match(both, /To do\n {2}✘ every destination {2}The database dump failed\. \(E_DUMP\)\n\nNext\n.*doctor/)
  assert.match(shown('nas'), /To do\n {2}✘ nas {2}The database dump failed/)
  assert.match(shown(null), /To do\n {2}✘ The database dump failed/)
})

test('when the destinations were listed last is shown, and whether all was there', () => {
  const at = { destination: 'nas', checkedAt: '2026-03-04T12:05:00+00:00', gone: [], error: null }
  const shown = (copies: Status['result']['copies']): string =>
    statusSummary(withResult(upToDate(), { copies }), NOW, bare(80))
  assert.match(shown([at]), /\n {2}Listed +2026-03-04 12:05, all stored backups are there\n/)
  assert.match(shown([{ ...at, gone: ['x.zip'] }]), /\n {2}Listed +2026-03-04 12:05, see below\n/)
})

test('no line is as wide as the terminal, from 36 columns on, but for the archive’s name', () => {
  for (let width = 36; width <= 130; width++) {
    for (const line of statusSummary(stopped(), NOW, colored(width)).split('\n')) {
      if (!line.includes('.zip')) assert.ok(visibleWidth(line) < width, `${width}: ${line}`)
    }
  }
})

test('what a server answered cannot steer the terminal', () => {
  const [first] = stopped().result.accounts
  const lastError = { code: 'E_DESTINATION', message: 'HTTP 500\u001b[2J\u0007\nnginx' } as const
  const accounts = [{ ...first!, lastStatus: 'failed' as const, lastError }]
  const shown = statusSummary(withResult(upToDate(), { accounts }), NOW, bare(80))
  assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f]/)
})
