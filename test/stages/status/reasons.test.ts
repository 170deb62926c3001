/** What `status` says is to be done, from what is known alone. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StatusResult } from '../../../src/stages/contract/results.ts'
import { reasonsOf, type ReasonFacts } from '../../../src/stages/status/reasons.ts'

process.env.TZ = 'UTC'
const NOW = new Date('2026-03-04T15:00:00Z')
const NOON = '2026-03-04T12:00:00+00:00'

type Result = ReasonFacts['result']
type Account = StatusResult['accounts'][number]

const nas: Account = {
  name: 'nas',
  type: 'local',
  active: true,
  lastBackupAt: NOON,
  lastStatus: 'completed',
  lastError: null,
  signIn: null,
}
const well: Result = {
  schedule: { enabled: true, every: '6h', lastRunAt: NOON, nextDueAt: '2026-03-04T18:00:00+00:00' },
  backedUp: 1,
  accounts: [nas],
  interruptedRun: null,
  lastVerified: null,
  running: null,
  copies: [],
}
const stored = { startedAt: NOON, status: 'completed', warnings: [] } as const

function linesOf(result: Partial<Result>, facts: Partial<Omit<ReasonFacts, 'result'>> = {}): string[] {
  const all = reasonsOf({ result: { ...well, ...result }, lastRun: stored, stateFault: null, now: NOW, ...facts })
  for (const { message } of all) assert.doesNotMatch(message, /\n/)
  return all.map(({ code, message }) => `${code} | ${message}`)
}

const accounts = (...changes: Partial<Account>[]): Account[] => changes.map((change) => ({ ...nas, ...change }))

describe('what is to be done', () => {
  test('is nothing when every destination has its backup', () => {
    assert.deepEqual(linesOf({}), [])
  })

  test('a destination is overdue on its own, though another has its backup', () => {
    const late = { name: 'drive', lastBackupAt: '2026-03-04T02:59:59+00:00' }
    assert.deepEqual(linesOf({ accounts: accounts({}, late) }), [
      'overdue | drive: no new backup here since 2026-03-04 02:59, though one is due every 6 h. ' +
        'Run "dicom-backup run", and check the hourly job with "dicom-backup schedule show".',
    ])
    assert.deepEqual(linesOf({ accounts: accounts({}, { ...late, lastBackupAt: '2026-03-04T03:00:00+00:00' }) }), [])
    assert.deepEqual(linesOf({ accounts: accounts({}, { ...late, active: false }) }), [], 'one that is switched off')
    const off = { ...well.schedule, enabled: false }
    assert.deepEqual(linesOf({ accounts: accounts({}, late), schedule: off }), [], 'without a schedule')
  })

  test('a destination without any backup, though one is scheduled', () => {
    const fresh = accounts({ lastBackupAt: null, lastStatus: null })
    assert.deepEqual(linesOf({ accounts: fresh }, { lastRun: null }), [
      'never-backed-up | nas: no backup here yet. Run "dicom-backup run" to make one now.',
    ])
    const schedule = { ...well.schedule, enabled: false }
    assert.deepEqual(linesOf({ accounts: fresh, schedule }, { lastRun: null }), [])
  })

  test('a destination that failed last, with its error; overdue as well it is one line', () => {
    const lastError = { code: 'E_QUOTA', message: 'nas: the folder /nas is full. Free space there.' } as const
    const failed = { lastStatus: 'failed', lastError } as const
    const lastRun = { ...stored, status: 'failed' } as const
    assert.deepEqual(linesOf({ accounts: accounts(failed) }, { lastRun }), [
      'destination-failed | nas: the last run failed here: the folder /nas is full. Free space there. (E_QUOTA)',
    ])
    assert.deepEqual(linesOf({ accounts: accounts({ ...failed, lastBackupAt: '2026-03-01T12:00:00+00:00' }) }), [
      'overdue | nas: no new backup here since 2026-03-01 12:00, though one is due every 6 h. ' +
        'Last error: the folder /nas is full. Free space there. (E_QUOTA)',
    ])
  })

  test('a last run that is not completed, for whatever its destinations do not say', () => {
    const warnings = [{ code: 'files-skipped', message: '3 files were left out.' }]
    assert.deepEqual(linesOf({}, { lastRun: { ...stored, status: 'partial', warnings } }), [
      'run-partial | The last run, of 2026-03-04 12:00, stored the backup with warnings: 3 files were left out. (files-skipped)',
    ])
    for (const status of ['partial', 'failed', 'interrupted'] as const) {
      const lines = linesOf({}, { lastRun: { ...stored, status } })
      assert.equal(lines.length, 1, status)
      assert.match(lines[0]!, /^run-\w+ \| The last run, of 2026-03-04 12:00, .*Run "dicom-backup run" to try again\.$/)
    }
  })

  test('a run that was killed, or that is not everywhere yet', () => {
    const interruptedRun = {
      runId: 'r',
      archive: 'x.zip',
      startedAt: NOON,
      archiveBytes: 1,
      whole: false,
      destinations: [],
    }
    assert.deepEqual(linesOf({ interruptedRun }), [
      'run-interrupted | The run of 2026-03-04 12:00 was interrupted. The next "dicom-backup run" resumes it.',
    ])
    assert.deepEqual(linesOf({ interruptedRun: { ...interruptedRun, whole: true } }), [
      'run-interrupted | The run of 2026-03-04 12:00 is not stored everywhere yet. The next "dicom-backup run" resumes it.',
    ])
  })

  test('a verification that did not find its archive intact', () => {
    const lastVerified = { archive: 'x.zip', at: NOON, ok: true, method: 'deep' } as const
    assert.deepEqual(linesOf({ lastVerified }), [])
    assert.match(
      linesOf({ lastVerified: { ...lastVerified, ok: false } }).join(),
      /^verification-failed .*"dicom-backup verify x\.zip"/,
    )
  })

  test('a state that cannot be written', () => {
    assert.deepEqual(linesOf({}, { stateFault: 'The disk of /state is full. Free space there.' }), [
      'state-unwritable | The disk of /state is full. Free space there.',
    ])
  })

  test('copies that are gone, and copies that could not be listed', () => {
    const at = { destination: 'nas', checkedAt: NOON, gone: [], error: null }
    assert.deepEqual(linesOf({ copies: [at] }), [])
    assert.match(
      linesOf({ copies: [{ ...at, gone: ['a.zip', 'b.zip', 'c.zip', 'd.zip'] }] }).join(),
      /^copies-gone \| nas: 4 backups are gone or have another size: a\.zip, b\.zip, c\.zip and 1 more\. .*--accept-gone/,
    )
    const error = { code: 'E_AUTH', message: 'nas: the folder may not be listed. Give the right.' } as const
    assert.deepEqual(linesOf({ copies: [{ ...at, error }] }), [
      'copies-unknown | nas: its backups could not be listed at 2026-03-04 12:00: the folder may not be listed. Give the right. (E_AUTH)',
    ])
  })

  test('a sign-in that lapses; one that was refused is in the error already', () => {
    const signIn = { state: 'lapsing', lapsesAt: '2026-03-05T12:00:00+00:00', advice: 'Connect it again.' } as const
    assert.deepEqual(linesOf({ accounts: accounts({ signIn }) }), [
      'sign-in | nas: the sign-in expires soon (2026-03-05 12:00). Connect it again.',
    ])
    const lastError = { code: 'E_AUTH', message: 'nas: refused. Connect it again.' } as const
    const refused = { signIn: { ...signIn, state: 'lapsed' }, lastStatus: 'failed', lastError } as const
    assert.equal(linesOf({ accounts: accounts(refused) }).length, 1)
  })

  test('a run in progress that has not moved for an hour, unless it hashes what it stored', () => {
    const running = {
      since: NOON,
      movedAt: '2026-03-04T14:00:00+00:00',
      runId: 'r',
      phase: 'dumping',
      files: null,
      filesDone: 0,
      bytes: null,
      bytesDone: 0,
      etaSeconds: null,
      destinations: [{ name: 'nas', held: 0, state: 'waiting' }],
    } as const
    assert.match(
      linesOf({ running }).join(),
      /^run-stuck \| The run in progress has not moved since 2026-03-04 14:00 \(dumping\)\. /,
    )
    assert.deepEqual(linesOf({ running: { ...running, movedAt: '2026-03-04T14:00:01+00:00' } }), [])
    const verifying = [{ name: 'nas', held: 9, state: 'verifying' }]
    assert.deepEqual(linesOf({ running: { ...running, destinations: verifying } }), [])
  })
})
