import { isoLocal } from '../backup/archive-name.ts'
import { listOpenRuns } from '../backup/open-runs.ts'
import type { Config } from '../config/types.ts'
import type { State } from '../state/state.ts'
import { dueAfter, intervalMs, slotOf, type Interval } from './grid.ts'

/** What an hourly call has to do. */
export interface Due {
  /** `run`: a backup is due. `resume`: none is, but one that was begun is not everywhere yet. */
  readonly action: 'run' | 'resume' | 'nothing'
  /** Why there is nothing to do, in a sentence. */
  readonly reason: string
  /** The next slot that lacks its backup, which may have passed; ISO 8601, null when the schedule is off. */
  readonly nextDueAt: string | null
}

/**
 * When the next backup is due, given when the newest stored one began (null: there is none): after a run that stored
 * nothing, that is the slot it was to serve.
 */
export function nextDue(every: Interval, lastStoredAt: string | null, now: Date): Date {
  return lastStoredAt === null ? slotOf(every, now) : dueAfter(every, new Date(lastStoredAt))
}

/**
 * When the newest run began that was stored anywhere. One that is ahead of the clock by an interval at most counts: the
 * clock was set back a little, and its slot is served. One further ahead had a wrong clock. Null: no state, or none.
 */
export async function lastStored(every: Interval, state: State | null, now: Date): Promise<string | null> {
  return (await state?.lastStoredAt(new Date(now.getTime() + intervalMs(every)), null)) ?? null
}

/** What is to be done now. `state` is null when there is none yet. Writes nothing. Rejects with E_STATE. */
export async function whetherDue(config: Config, state: State | null, now: Date): Promise<Due> {
  const { enabled, every } = config.schedule
  if (!enabled) return { action: 'nothing', reason: 'The schedule is off.', nextDueAt: null }
  const stored = await lastStored(every, state, now)
  const next = nextDue(every, stored, now)
  const nextDueAt = isoLocal(next)
  if (slotOf(every, now) >= next) return { action: 'run', reason: '', nextDueAt }
  if ((await listOpenRuns(config.state.dir)).length > 0) return { action: 'resume', reason: '', nextDueAt }
  return {
    action: 'nothing',
    reason: `The next backup is due at ${nextDueAt.slice(0, 16).replace('T', ' ')}.`,
    nextDueAt,
  }
}
