import { isoLocal } from '../backup/archive-name.ts'
import { listOpenRuns } from '../backup/open-runs.ts'
import type { InterruptedRun, StatusResult } from '../backup/results.ts'
import type { Config } from '../config/types.ts'
import { dueAfter, intervalMs, nextSlot } from '../schedule/grid.ts'
import type { ActiveRun, State } from '../state/state.ts'

/** How many intervals may pass without a backup. */
const OVERDUE_INTERVALS = 2

export interface Status {
  readonly result: StatusResult
  /**
   * The schedule is on, and the newest stored and verified backup began more than two intervals ago; without any, the
   * first run did. With no run at all nothing is overdue: since when one was wanted is not known.
   */
  readonly overdue: boolean
  /** When the newest stored and verified backup began, at whichever destination; ISO 8601, null when there is none. */
  readonly newestBackupAt: string | null
  /** The run that goes on right now. What it works at does not count as interrupted. */
  readonly active: ActiveRun | null
}

/**
 * Where the backups of this configuration stand, from the state alone (null: there is none yet); no destination is
 * asked. Times are those of a run's start, which its archive is named by. Writes nothing; without a state everything is
 * zero or null. Rejects with E_STATE when it cannot be read.
 */
export async function readStatus(config: Config, state: State | null, now: Date): Promise<Status> {
  const active = (await state?.activeRun()) ?? null
  const open = active === null ? ((await listOpenRuns(config.state.dir))[0] ?? null) : null
  const newestBackupAt = (await state?.lastStoredAt(now, null)) ?? null
  const times = await runTimes(state, open, now)
  const overdueSince = newestBackupAt ?? times.first
  const { enabled, every } = config.schedule
  const inactive = (await state?.inactiveAccounts()) ?? []
  return {
    result: {
      schedule: { enabled, every, lastRunAt: times.last, nextDueAt: nextDueAt(config.schedule, times.last, now) },
      backedUp: (await state?.copies()) ?? 0,
      accounts: await Promise.all([
        ...config.destinations.map(({ name, type }) => account({ name, type, active: true }, state, now)),
        ...inactive.map(({ name, type }) => account({ name, type, active: false }, state, now)),
      ]),
      interruptedRun: open,
      lastVerified: (await state?.lastVerification()) ?? null,
    },
    overdue:
      enabled &&
      overdueSince !== null &&
      now.getTime() - Date.parse(overdueSince) > OVERDUE_INTERVALS * intervalMs(every),
    newestBackupAt,
    active,
  }
}

/** A run that was killed has no record; what it left behind tells of it. */
async function runTimes(
  state: State | null,
  open: InterruptedRun | null,
  now: Date,
): Promise<{ readonly first: string | null; readonly last: string | null }> {
  const { first = null, last = null } = (await state?.runTimes(now)) ?? {}
  if (open === null || Date.parse(open.startedAt) > now.getTime()) return { first, last }
  const before = (a: string, b: string): boolean => Date.parse(a) < Date.parse(b)
  return {
    first: first === null || before(open.startedAt, first) ? open.startedAt : first,
    last: last === null || before(last, open.startedAt) ? open.startedAt : last,
  }
}

/** The first slot after the last run's start, which may have passed; without any run, the next one to come. */
function nextDueAt({ enabled, every }: Config['schedule'], lastRunAt: string | null, now: Date): string | null {
  return enabled ? isoLocal(lastRunAt === null ? nextSlot(every, now) : dueAfter(every, new Date(lastRunAt))) : null
}

type Account = StatusResult['accounts'][number]

async function account(
  which: Pick<Account, 'name' | 'type' | 'active'>,
  state: State | null,
  now: Date,
): Promise<Account> {
  const { name } = which
  const last = (await state?.lastResult(name)) ?? null
  return {
    ...which,
    lastBackupAt: (await state?.lastStoredAt(now, name)) ?? null,
    lastStatus: last?.status ?? null,
    lastError: last?.error ?? null,
  }
}
