import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { systemCode } from '../../pipeline/contract/errors.ts'
import { stateFileError } from '../../pipeline/files/state-file.ts'
import { isoLocal } from '../contract/time.ts'
import type { Config } from '../config/types.ts'
import type { State } from '../state/state.ts'
import { dueAfter, EARLY_MS, intervalMs, slotOf, type Interval } from '../contract/grid.ts'

/** How many past runs are examined. If none of them stored anything, the last that did is long past. */
const LOOKED_AT = 200

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
 * When the newest run began that was stored anywhere; null when there is none. One that is ahead of the clock by an
 * interval at most counts: the clock was set back a little, and its slot is served. One further ahead had a wrong clock,
 * or now has one: neither it nor what was saved before it tells when the next is due. Else, after a clock was set back
 * by weeks, the runs of those weeks would hide for weeks that nothing is backed up.
 */
export async function lastStored(every: Interval, state: State | null, now: Date): Promise<string | null> {
  let newest: string | null = null
  for (const { startedAt, destinations } of (await state?.history(LOOKED_AT)) ?? []) {
    if (!destinations.some(({ status }) => status === 'completed')) continue
    if (Date.parse(startedAt) - now.getTime() > intervalMs(every)) break
    if (newest === null || Date.parse(startedAt) > Date.parse(newest)) newest = startedAt
  }
  return newest
}

/**
 * When the next backup of the schedule is due: at the time that the state keeps, else by the grid, as `nextDue` says; it may
 * have passed.
 */
export async function nextDueAt(every: Interval, state: State | null, now: Date): Promise<Date> {
  const kept = (await state?.keptDueAt(now)) ?? null
  return kept === null ? nextDue(every, await lastStored(every, state, now), now) : new Date(kept)
}

/** What is to be done now. `state` is null when there is none yet. Writes nothing. Rejects with E_STATE. */
export async function whetherDue(config: Config, state: State | null, now: Date): Promise<Due> {
  const { enabled, every } = config.schedule
  if (!enabled) return { action: 'nothing', reason: 'The schedule is off.', nextDueAt: null }
  const next = await nextDueAt(every, state, now)
  const shown = isoLocal(next)
  if (next.getTime() <= now.getTime() + EARLY_MS) return { action: 'run', reason: '', nextDueAt: shown }
  if (await hasOpenRun(config.state.dir)) return { action: 'resume', reason: '', nextDueAt: shown }
  return {
    action: 'nothing',
    reason: `The next backup is due at ${shown.slice(0, 16).replace('T', ' ')}.`,
    nextDueAt: shown,
  }
}

/** Whether a run's folder is there. Does without the engine: at most calls nothing is due. */
async function hasOpenRun(stateFolder: string): Promise<boolean> {
  const folder = path.join(stateFolder, 'runs')
  try {
    return (await readdir(folder)).length > 0
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw stateFileError(error, folder)
  }
}
