import { hoursOf, intervalMs, type Interval } from '../../contract/grid.ts'
import type { Schedule } from '../state.ts'
import type { Row, Session } from './connection.ts'
import { fromDatetime } from './datetime.ts'

const INTERVALS: readonly Interval[] = ['24h', '12h', '6h', '3h', '1h']

export interface ScheduleRow {
  readonly id: number
  readonly schedule: Schedule
  /** Null when nothing has run, or that is not known. */
  readonly lastRunAt: Date | null
  /** What the viewer's page shows, and its "Save Schedule" sets; null when there is none. */
  readonly nextBackupAt: Date | null
}

/** The row that the viewer's page shows; null when there is none. `fromFile` holds where it says nothing of use. */
export async function readScheduleRow(session: Session, fromFile: Schedule): Promise<ScheduleRow | null> {
  const [row] = await session.rows(
    'SELECT id, schedule_enabled + 0 AS enabled, interval_hours + 0 AS hours, last_run_time, next_backup_time FROM backup_schedule_config ORDER BY id LIMIT 1',
  )
  if (row === undefined) return null
  return {
    id: Number(row['id']),
    schedule: { ...fromFile, enabled: Number(row['enabled']) === 1, every: intervalOf(row) ?? fromFile.every },
    lastRunAt: fromDatetime(row['last_run_time']),
    nextBackupAt: fromDatetime(row['next_backup_time']),
  }
}

/**
 * The row's time of the next backup, which the schedule is to keep. Null when it has none, or one that was written with a
 * wrong clock: beyond a last run that lies more than an interval ahead of now. It would keep backups away for as long.
 */
export function keptTime({ nextBackupAt, lastRunAt, schedule }: ScheduleRow, now: Date): Date | null {
  if (nextBackupAt === null) return null
  const isLastAhead = lastRunAt !== null && lastRunAt.getTime() - now.getTime() > intervalMs(schedule.every)
  return isLastAhead && nextBackupAt >= lastRunAt ? null : nextBackupAt
}

/** Of an interval that is none of ours the next shorter one: too many backups are better than too few. */
function intervalOf({ hours }: Row): Interval | null {
  return INTERVALS.find((every) => hoursOf(every) <= Number(hours)) ?? null
}
