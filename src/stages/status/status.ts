import { isoLocal } from '../contract/time.ts'
import { listOpenRuns } from '../backup/open-runs.ts'
import type { InterruptedRun, RunningRun, StatusResult } from '../contract/results.ts'
import { readRunning } from '../backup/running-file.ts'
import { signInStatus } from '../accounts/sign-in-state.ts'
import { signInIn } from '../accounts/sign-ins.ts'
import type { Config, DestinationConfig } from '../config/types.ts'
import { nextDueAt } from '../schedule/due.ts'
import { intervalMs } from '../contract/grid.ts'
import type { ActiveRun, InactiveAccount, State } from '../state/state.ts'
import type { PastRun } from '../contract/history.ts'
import { whyNotWritable } from '../state/writable.ts'
import { lastCopies } from '../find/listed.ts'
import { isOverdue, reasonsOf } from './reasons.ts'

export interface Status {
  readonly result: StatusResult
  /**
   * The schedule is on, and the newest stored and verified backup began more than two intervals ago; without any, the
   * first run did.
   */
  readonly overdue: boolean
  /** When the newest stored and verified backup began, at whichever destination; ISO 8601, null when there is none. */
  readonly newestBackupAt: string | null
}

/**
 * Where the backups of this configuration stand, from the state alone (null: there is none yet); no destination is
 * asked. Times are those of a run's start, which its archive is named by. Leaves nothing behind; without a state
 * everything is zero or null. Rejects with E_STATE when it cannot be read.
 */
export async function readStatus(config: Config, state: State | null, now: Date): Promise<Status> {
  const active = (await state?.activeRun()) ?? null
  const open = active === null ? ((await listOpenRuns(config.state.dir))[0] ?? null) : null
  const newestBackupAt = (await state?.lastStoredAt(now, null)) ?? null
  const times = await runTimes(state, open, now)
  const { enabled, every } = config.schedule
  const inactive = (await state?.inactiveAccounts()) ?? []
  const accounts = await Promise.all([
    ...config.destinations.map((one) => account(one, config, state, now)),
    ...inactive.map((one) => inactiveAccount(one, state, now)),
  ])
  const result = {
    schedule: {
      enabled,
      every,
      lastRunAt: times.last,
      nextDueAt: enabled ? isoLocal(await nextDueAt(every, state, now)) : null,
    },
    backedUp: (await state?.copies()) ?? 0,
    accounts,
    interruptedRun: open,
    lastVerified: (await state?.lastVerification()) ?? null,
    running: active === null ? null : await runningNow(active, config),
    copies: await lastCopies(config),
  }
  const fault = await whyNotWritable(config.state.dir)
  const stateFault = fault === null ? null : `${fault.detail} ${fault.remedy}`
  const lastRun = await lastRunOf(state)
  return {
    result: { reasons: reasonsOf({ result, lastRun, stateFault, now }), ...result },
    overdue: enabled && isOverdue(newestBackupAt ?? times.first, every, now),
    newestBackupAt,
  }
}

async function runningNow({ since }: ActiveRun, config: Config): Promise<RunningRun> {
  const known = await readRunning(config.state.dir, since)
  if (known !== null) return { since, ...known }
  const nothing = { runId: null, phase: null, files: null, filesDone: 0, bytes: null, bytesDone: 0, etaSeconds: null }
  return { since, movedAt: null, ...nothing, destinations: [] }
}

/** The run of this program that was recorded last. */
async function lastRunOf(state: State | null): Promise<PastRun | null> {
  const runs = (await state?.history(RUNS)) ?? []
  return runs.find(({ runId }) => runId !== null) ?? null
}

/** A run that was killed has no record; what it left behind tells of it. */
async function runTimes(
  state: State | null,
  open: InterruptedRun | null,
  now: Date,
): Promise<{ readonly first: string | null; readonly last: string | null }> {
  const { first = null, last = null } = (await state?.runTimes(now)) ?? {}
  if (open === null || Date.parse(open.startedAt) > now.getTime()) return { first, last }
  return {
    first: first === null || isBefore(open.startedAt, first) ? open.startedAt : first,
    last: last === null || isBefore(last, open.startedAt) ? open.startedAt : last,
  }
}

type Account = StatusResult['accounts'][number]

async function account(
  destination: DestinationConfig,
  { state: { dir }, schedule }: Config,
  state: State | null,
  now: Date,
): Promise<Account> {
  const { name, type } = destination
  const past = await pastOf(name, state, now)
  const signIn = signInIn(destination, dir)
  // What was refused before it was connected again says nothing of the new sign-in.
  const isOld = signIn !== null && past.lastError !== null && (await endedBefore(signIn.connectedAt, name, state))
  const facts = { destination, signIn, lastError: isOld ? null : past.lastError, now }
  const status = signInStatus({ ...facts, intervalMs: intervalMs(schedule.every) })
  return { name, type, active: true, ...past, signIn: status }
}

/** How many runs are searched for the last one of a destination. */
const RUNS = 100

/**
 * Whether the last run that had this destination had ended before. A run that went on may have used either sign-in; one
 * that ended in the same second, which is as fine as these times are, counts as later.
 */
async function endedBefore(time: string, name: string, state: State | null): Promise<boolean> {
  const runs = (await state?.history(RUNS)) ?? []
  const last = runs.find(({ destinations }) => destinations.some((one) => one.name === name))
  return last !== undefined && isBefore(last.finishedAt ?? last.startedAt, time)
}

/** One that is switched off needs no sign-in. */
async function inactiveAccount({ name, type }: InactiveAccount, state: State | null, now: Date): Promise<Account> {
  return { name, type, active: false, ...(await pastOf(name, state, now)), signIn: null }
}

async function pastOf(
  name: string,
  state: State | null,
  now: Date,
): Promise<Pick<Account, 'lastBackupAt' | 'lastStatus' | 'lastError'>> {
  const last = (await state?.lastResult(name)) ?? null
  const lastBackupAt = (await state?.lastStoredAt(now, name)) ?? null
  return { lastBackupAt, lastStatus: last?.status ?? null, lastError: last?.error ?? null }
}

function isBefore(a: string, b: string): boolean {
  return Date.parse(a) < Date.parse(b)
}
