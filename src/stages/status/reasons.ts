/** What is to be done about the backups: from what is known alone, no I/O. */
import { isoLocal } from '../contract/time.ts'
import type { StatusReason, StatusResult } from '../contract/results.ts'
import { intervalMs, type Interval } from '../contract/grid.ts'
import type { PastRun } from '../contract/history.ts'

/** How many intervals may pass without a backup. */
const OVERDUE_INTERVALS = 2
/** A run that has not moved for so long is reported. Hashing a large copy takes long and does not count. ms. */
const STUCK_MS = 3600_000

export interface ReasonFacts {
  readonly result: Omit<StatusResult, 'reasons'>
  /** The run that was recorded last; null when there is none. */
  readonly lastRun: Pick<PastRun, 'startedAt' | 'status' | 'warnings'> | null
  /** Why the state cannot be written, and what to do, in a line; null: it can. */
  readonly stateFault: string | null
  readonly now: Date
}

type Account = StatusResult['accounts'][number]

/** Each in one plain line with what to do; empty when nothing is to be done. */
export function reasonsOf({ result, lastRun, stateFault, now }: ReasonFacts): StatusReason[] {
  const active = result.accounts.filter((account) => account.active)
  const accounts = active.flatMap((account) => ofAccount(account, result, now))
  return [
    ...(stateFault === null ? [] : [reason('state-unwritable', null, stateFault)]),
    ...ofRunning(result.running, now),
    ...accounts,
    ...ofLastRun(lastRun, result, accounts),
    ...active.flatMap(ofSignIn),
    ...ofCopies(result.copies),
    ...ofVerification(result.lastVerified),
  ]
}

/** Whether so much time has passed since `at` that a backup is overdue. */
export function isOverdue(at: string | null, every: Interval, now: Date): boolean {
  return at !== null && now.getTime() - Date.parse(at) > OVERDUE_INTERVALS * intervalMs(every)
}

/** One line at most: what keeps the backup from this destination. */
function ofAccount(
  { name, lastBackupAt, lastStatus, lastError }: Account,
  { schedule, running }: Pick<StatusResult, 'schedule' | 'running'>,
  now: Date,
): StatusReason[] {
  const { enabled, every } = schedule
  const why = lastStatus === 'failed' && lastError !== null ? withoutName(name, lastError.message) : null
  const code = lastError === null ? '' : ` (${lastError.code})`
  if (enabled && isOverdue(lastBackupAt, every as Interval, now)) {
    const since = `no new backup here since ${minute(lastBackupAt ?? '')}, though one is due every ${every.replace('h', ' h')}`
    const what =
      why === null
        ? `Run "dicom-backup run", and check the hourly job with "dicom-backup schedule show".`
        : `Last error: ${why}${code}`
    return [reason('overdue', name, `${since}. ${what}`)]
  }
  if (why !== null) return [reason('destination-failed', name, `the last run failed here: ${why}${code}`)]
  if (!enabled || lastBackupAt !== null) return []
  const what = running === null ? 'Run "dicom-backup run" to make one now.' : 'A run is in progress.'
  return [reason('never-backed-up', name, `no backup here yet. ${what}`)]
}

/** What the destinations' own lines do not say. */
function ofLastRun(
  run: ReasonFacts['lastRun'],
  { interruptedRun, running }: Pick<StatusResult, 'interruptedRun' | 'running'>,
  told: readonly StatusReason[],
): StatusReason[] {
  const isTold = told.some(({ code }) => code === 'destination-failed' || code === 'overdue')
  if (interruptedRun !== null && !(interruptedRun.whole && isTold)) {
    const began = minute(interruptedRun.startedAt)
    const what = interruptedRun.whole ? 'is not stored everywhere yet' : 'was interrupted'
    return [reason('run-interrupted', null, `The run of ${began} ${what}. The next "dicom-backup run" resumes it.`)]
  }
  if (run === null || run.status === 'completed') return []
  const began = minute(run.startedAt)
  if (run.warnings.length > 0) {
    const what = run.status === 'partial' ? 'stored the backup with warnings' : 'failed'
    return run.warnings.map(({ code, message }) =>
      reason(`run-${run.status}`, null, `The last run, of ${began}, ${what}: ${message} (${code})`),
    )
  }
  if (isTold || (run.status === 'interrupted' && running !== null)) return []
  const words = { partial: 'did not store the backup everywhere', failed: 'failed', interrupted: 'was interrupted' }
  const what = `The last run, of ${began}, ${words[run.status]}. Run "dicom-backup run" to try again.`
  return [reason(`run-${run.status}`, null, what)]
}

const SIGN_INS = {
  lapsing: 'the sign-in expires soon',
  lapsed: 'the sign-in has expired or was refused',
  none: 'not signed in yet',
} as const

function ofSignIn({ name, signIn, lastError, lastStatus }: Account): StatusReason[] {
  if (signIn === null || signIn.state === 'ok') return []
  // The refusal and what to do about it are reported as the last error.
  if (signIn.state === 'lapsed' && lastStatus === 'failed' && lastError?.code === 'E_AUTH') return []
  const at = signIn.lapsesAt === null ? '' : ` (${minute(signIn.lapsesAt)})`
  return [reason('sign-in', name, `${SIGN_INS[signIn.state]}${at}. ${signIn.advice}`)]
}

/** Names that are reported for each destination. */
const MOST_NAMES = 3

function ofCopies(copies: StatusResult['copies']): StatusReason[] {
  return copies.flatMap(({ destination, checkedAt, gone, error }): StatusReason[] => {
    if (error !== null) {
      const why = withoutName(destination, error.message)
      return [
        reason(
          'copies-unknown',
          destination,
          `its backups could not be listed at ${minute(checkedAt)}: ${why} (${error.code})`,
        ),
      ]
    }
    if (gone.length === 0) return []
    const names =
      gone.slice(0, MOST_NAMES).join(', ') + (gone.length > MOST_NAMES ? ` and ${gone.length - MOST_NAMES} more` : '')
    const what =
      gone.length === 1
        ? '1 backup is gone or has another size'
        : `${gone.length} backups are gone or have another size`
    return [
      reason(
        'copies-gone',
        destination,
        `${what}: ${names}. Find out who changed them; if that was intended, run "dicom-backup status --check --accept-gone".`,
      ),
    ]
  })
}

function ofVerification(last: StatusResult['lastVerified']): StatusReason[] {
  if (last === null || last.ok) return []
  const what = `The last verification, at ${minute(last.at)}, did not find ${last.archive} intact everywhere.`
  return [
    reason(
      'verification-failed',
      null,
      `${what} Run "dicom-backup verify ${last.archive}" to see where, and "dicom-backup run" for a new backup.`,
    ),
  ]
}

function ofRunning(running: StatusResult['running'], now: Date): StatusReason[] {
  const movedAt = running?.movedAt ?? null
  if (running === null || movedAt === null || now.getTime() - Date.parse(movedAt) < STUCK_MS) return []
  if (running.destinations.some(({ state }) => state === 'verifying')) return []
  const what = `The run in progress has not moved since ${minute(movedAt)} (${running.phase ?? 'preparing'}).`
  return [
    reason('run-stuck', null, `${what} See the log; stop it with Ctrl-C or a signal, and the next run resumes it.`),
  ]
}

function reason(code: string, destination: string | null, message: string): StatusReason {
  return { code, destination, message: destination === null ? message : `${destination}: ${message}` }
}

function withoutName(name: string, message: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message
}

/** '2026-03-04 12:00', local time. */
function minute(time: string): string {
  return isoLocal(new Date(time)).slice(0, 16).replace('T', ' ')
}
