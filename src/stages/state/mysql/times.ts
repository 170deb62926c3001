/** When something ran or was stored, by our record and by another program's. */
import { isoLocal } from '../../contract/time.ts'
import type { Session } from './connection.ts'
import { theirTime } from './earlier-program.ts'
import { hasRuns, lastStored, startOf, type OwnTime } from './runs.ts'
import { readScheduleRow } from './schedule-row.ts'
import type { TableName } from './tables.ts'
import type { Schedule } from '../state.ts'

export interface TimeOptions {
  /** The tables that are there. */
  readonly tables: ReadonlySet<TableName>
  readonly schedule: Schedule
  readonly now: Date
}

/** When the newest run began that was stored anywhere. */
export async function newestStored(session: Session, options: TimeOptions): Promise<OwnTime | null> {
  const { tables, now } = options
  const isOurs = tables.has('dicom_backup_runs')
  const own = isOurs ? await lastStored(session, now, null) : null
  const theirs = tables.has('backup_history')
    ? await theirTime(session, isOurs, { which: 'last', stored: true, now })
    : null
  return later(later(own, theirs), await importedRun(session, options))
}

/** When the first or the last run began, whatever became of it. */
export async function runTime(
  session: Session,
  which: 'first' | 'last',
  options: TimeOptions,
): Promise<OwnTime | null> {
  const { tables, now } = options
  const isOurs = tables.has('dicom_backup_runs')
  const own = isOurs ? await startOf(session, which, now) : null
  const theirs = tables.has('backup_history') ? await theirTime(session, isOurs, { which, stored: false, now }) : null
  const imported = await importedRun(session, options)
  return which === 'last' ? later(later(own, theirs), imported) : (earlier(own, theirs) ?? later(null, imported))
}

/** The last run that the schedule's row tells of, which counts as stored as long as there is none of ours. */
async function importedRun(session: Session, { tables, schedule, now }: TimeOptions): Promise<Date | null> {
  if (!tables.has('backup_schedule_config')) return null
  if (tables.has('dicom_backup_runs') && (await hasRuns(session))) return null
  const last = (await readScheduleRow(session, schedule))?.lastRunAt ?? null
  return last !== null && last <= now ? last : null
}

/** Ours, when both are the same moment. */
export function later(own: OwnTime | null, theirs: Date | null): OwnTime | null {
  return theirs === null || (own !== null && own.ms >= theirs.getTime()) ? own : ownTime(theirs)
}

function earlier(own: OwnTime | null, theirs: Date | null): OwnTime | null {
  return theirs === null || (own !== null && own.ms <= theirs.getTime()) ? own : ownTime(theirs)
}

function ownTime(at: Date): OwnTime {
  return { text: isoLocal(at), ms: at.getTime() }
}
