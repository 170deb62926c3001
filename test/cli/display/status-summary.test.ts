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
✔ Backed up: the newest backup began 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 12:00
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies

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
! Backed up, but look at it: the newest backup began 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 14:30
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies

Accounts
                                     Last backup       Last run
  ✔  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  ✘  hospital-drive    google-drive  2026-03-03 18:00  failed
  ?  nas               local         never

Last errors
  ✘ hospital-drive  The account is full. Make room there. (E_QUOTA)

Interrupted run
  dicom_backup_2026-03-04_14-30-00.zip, begun 2026-03-04 14:30
  ! hospital-dropbox  holds 588 GiB of 590 GiB made so far
  ✘ hospital-drive    holds 0 B of 590 GiB made so far
  ! nas               holds 590 GiB of 590 GiB made so far

Next
  The next "dicom-backup run" goes on there; "dicom-backup run --fresh"
  abandons it.
  "dicom-backup doctor" tries everything a run needs and says what to mend.
`),
  )
})

test('a killed run in 40 columns', () => {
  assert.equal(
    statusSummary(stopped(), NOW, bare(40)),
    text(`
! Backed up, but look at it: the newest
  backup began 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 14:30
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies

Accounts
                       Last backup
  ✔  hospital-dropbox  2026-03-04 12:00
  ✘  hospital-drive    2026-03-03 18:00
  ?  nas               never

Last errors
  ✘ hospital-drive
    The account is full. Make room
    there. (E_QUOTA)

Interrupted run
  dicom_backup_2026-03-04_14-30-00.zip,
  begun 2026-03-04 14:30
  ! hospital-dropbox
    holds 588 GiB of 590 GiB made so
    far
  ✘ hospital-drive
    holds 0 B of 590 GiB made so far
  ! nas
    holds 590 GiB of 590 GiB made so
    far

Next
  The next "dicom-backup run" goes on
  there; "dicom-backup run --fresh"
  abandons it.
  "dicom-backup doctor" tries
  everything a run needs and says what
  to mend.
`),
  )
})

test('a killed run in 120 columns', () => {
  assert.equal(
    statusSummary(stopped(), NOW, bare(120)),
    text(`
! Backed up, but look at it: the newest backup began 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 14:30
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies

Accounts
                                     Last backup       Last run
  ✔  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  ✘  hospital-drive    google-drive  2026-03-03 18:00  failed
  ?  nas               local         never

Last errors
  ✘ hospital-drive  The account is full. Make room there. (E_QUOTA)

Interrupted run
  dicom_backup_2026-03-04_14-30-00.zip, begun 2026-03-04 14:30
  ! hospital-dropbox  holds 588 GiB of 590 GiB made so far
  ✘ hospital-drive    holds 0 B of 590 GiB made so far
  ! nas               holds 590 GiB of 590 GiB made so far

Next
  The next "dicom-backup run" goes on there; "dicom-backup run --fresh" abandons it.
  "dicom-backup doctor" tries everything a run needs and says what to mend.
`),
  )
})

test('a killed run in colour', () => {
  assert.equal(
    statusSummary(stopped(), NOW, colored(80)),
    text(`
\u001b[33m!\u001b[39m \u001b[1mBacked up, but look at it: the newest backup began 3 h ago\u001b[22m

  \u001b[2mSchedule \u001b[22m  every 6 h
  \u001b[2mLast run \u001b[22m  began 2026-03-04 14:30
  \u001b[2mNext due \u001b[22m  2026-03-04 18:00
  \u001b[2mBacked Up\u001b[22m  1,234 verified copies

\u001b[1mAccounts\u001b[22m
                                     \u001b[2mLast backup\u001b[22m       \u001b[2mLast run\u001b[22m
  \u001b[32m✔\u001b[39m  hospital-dropbox  dropbox       2026-03-04 12:00  \u001b[32mcompleted\u001b[39m
  \u001b[31m✘\u001b[39m  hospital-drive    google-drive  2026-03-03 18:00  \u001b[31mfailed\u001b[39m
  \u001b[2m?\u001b[22m  nas               local         never

\u001b[1mLast errors\u001b[22m
  \u001b[31m✘\u001b[39m hospital-drive  The account is full. Make room there. (E_QUOTA)

\u001b[1mInterrupted run\u001b[22m
  dicom_backup_2026-03-04_14-30-00.zip, begun 2026-03-04 14:30
  \u001b[33m!\u001b[39m hospital-dropbox  holds 588 GiB of 590 GiB made so far
  \u001b[31m✘\u001b[39m hospital-drive    holds 0 B of 590 GiB made so far
  \u001b[33m!\u001b[39m nas               holds 590 GiB of 590 GiB made so far

\u001b[1mNext\u001b[22m
  The next "dicom-backup run" goes on there; "dicom-backup run --fresh"
  abandons it.
  "dicom-backup doctor" tries everything a run needs and says what to mend.
`),
  )
})

test('an archive that is whole but lacks somewhere is told as that', () => {
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
    statusSummary(withResult(upToDate(), { interruptedRun: run }), NOW, bare(80)),
    text(`
! Backed up, but look at it: the newest backup began 3 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 12:00
  Next due   2026-03-04 18:00
  Backed Up  1,234 verified copies

Accounts
                                     Last backup       Last run
  ✔  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  ✔  hospital-drive    google-drive  2026-03-04 12:00  completed

Not stored everywhere yet
  dicom_backup_2026-03-04_14-30-00.zip, begun 2026-03-04 14:30
  ✔ hospital-dropbox  stored and verified
  ✘ hospital-drive    holds 571 GiB of 590 GiB

Next
  The next "dicom-backup run" sends only what is lacking; "dicom-backup run
  --fresh" abandons it.
`),
  )
})

test('an overdue status says since when, and what to do; ASCII', () => {
  assert.equal(
    statusSummary({ ...upToDate(), overdue: true }, LATER, ascii(80)),
    text(`
[!!] Overdue: the newest backup began 2 d 5 h ago

  Schedule   every 6 h
  Last run   began 2026-03-04 12:00
  Next due   since 2026-03-04 18:00
  Backed Up  1,234 verified copies

Accounts
                                        Last backup       Last run
  [ok]  hospital-dropbox  dropbox       2026-03-04 12:00  completed
  [ok]  hospital-drive    google-drive  2026-03-04 12:00  completed

Next
  "dicom-backup run" makes a backup now.
  "dicom-backup doctor" tries everything a run needs and says what to mend.
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
  Backed Up  0 verified copies

Accounts
                                     Last backup  Last run
  ?  hospital-dropbox  dropbox       never
  ?  hospital-drive    google-drive  never

Next
  "dicom-backup run" makes a backup now.
`),
  )
})

test('a run that is active is told, and nobody is asked to start another', () => {
  const active = { since: '2026-03-04T14:59:00+00:00' }
  const shown = statusSummary({ ...upToDate(), active, overdue: true }, LATER, bare(80))
  assert.match(shown, /\n {2}Running {4}a run is active since 2026-03-04 14:59\n/)
  assert.doesNotMatch(shown, /dicom-backup run/)
  assert.match(statusSummary({ ...upToDate(), active: { since: null } }, NOW, bare(80)), /a run is active\n/)
})

test('an error that several had is told once, and what a person stopped is none', () => {
  const error = { code: 'E_DUMP', message: 'The database dump failed.' } as const
  const { accounts } = upToDate().result
  const failed = accounts.map((one) => ({ ...one, lastStatus: 'failed' as const, lastError: error }))
  const shown = (all: typeof failed | Status['result']['accounts']): string =>
    statusSummary(withResult(upToDate(), { accounts: all }), NOW, bare(80))
  assert.match(shown(failed), /Last errors\n {2}✘ every destination {2}The database dump failed\. \(E_DUMP\)\n\n/)
  const other = { ...accounts[0]!, name: 'nas' }
  assert.match(shown([...failed, other]), /✘ hospital-dropbox, hospital-drive\n {4}The database dump failed/)
  const aborted = { code: 'E_ABORTED', message: 'The run was stopped by SIGINT.' } as const
  const interrupted = accounts.map((one) => ({ ...one, lastStatus: 'interrupted' as const, lastError: aborted }))
  assert.doesNotMatch(shown(interrupted), /Last errors|SIGINT|doctor/)
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
