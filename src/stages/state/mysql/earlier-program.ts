/**
 * What another program, the viewer's old PHP scheduler, has recorded: the rows of backup_history whose archives are not of
 * our runs. They go on counting.
 */
import { isoLocal } from '../../contract/time.ts'
import type { DestinationResult } from '../../contract/results.ts'
import { redact } from '../../text/redact.ts'
import type { PastRun } from '../../contract/history.ts'
import type { Row, Session } from './connection.ts'
import { fromDatetime, toDatetime } from './datetime.ts'

/** backup_history does not say where a copy went. */
const NOT_RECORDED = 'unknown'
/** Of one archive. */
const MOST_COPIES = 20

/** Rows `h` of other programs; `isOurs`: whether our own table is there. */
function theirs(isOurs: boolean): string {
  if (!isOurs) return 'FROM backup_history h WHERE TRUE'
  return `FROM backup_history h
    LEFT JOIN dicom_backup_runs r ON r.planned_name = CONVERT(h.backup_filename USING utf8mb4) COLLATE utf8mb4_bin
    WHERE r.seq IS NULL`
}

export async function hasTheirArchive(session: Session, name: string): Promise<boolean> {
  const sql = "SELECT 1 FROM backup_history WHERE status = 'completed' AND backup_filename = ? LIMIT 1"
  return (await session.rows(sql, name)).length > 0
}

export async function theirArchives(session: Session, isOurs: boolean): Promise<string[]> {
  const rows = await session.rows(
    `SELECT DISTINCT h.backup_filename AS name ${theirs(isOurs)} AND h.status = 'completed' AND h.backup_filename <> ''`,
  )
  return rows.map(({ name }) => String(name))
}

/** The first or last time up to `now`; `stored`: of those that were stored. */
export async function theirTime(
  session: Session,
  isOurs: boolean,
  { which, stored, now }: { readonly which: 'first' | 'last'; readonly stored: boolean; readonly now: Date },
): Promise<Date | null> {
  const [row] = await session.rows(
    `SELECT h.backup_date AS at ${theirs(isOurs)} AND h.backup_date <= ? ${stored ? "AND h.status = 'completed'" : ''}
       AND h.backup_date > '1970-01-02' ORDER BY h.backup_date ${which === 'first' ? 'ASC' : 'DESC'} LIMIT 1`,
    toDatetime(now),
  )
  return fromDatetime(row?.['at'])
}

/** The newest first, rows of one archive together. */
export async function theirHistory(session: Session, isOurs: boolean, limit: number): Promise<PastRun[]> {
  const rows = await session.rows(
    `SELECT h.backup_filename, h.gdrive_file_id, h.backup_size_bytes, h.backup_date, h.backup_type, h.status, h.error_message
     ${theirs(isOurs)} ORDER BY h.backup_date DESC, h.id DESC LIMIT ${Math.max(0, Math.trunc(limit)) * MOST_COPIES}`,
  )
  const runs = new Map<unknown, Row[]>()
  for (const row of rows) {
    const name = row['backup_filename'] || row
    const copies = runs.get(name)
    if (copies === undefined) runs.set(name, [row])
    else copies.push(row)
  }
  return [...runs]
    .slice(0, limit)
    .map(([name, copies]) => pastRun(typeof name === 'string' ? name : null, copies.reverse()))
}

function pastRun(name: string | null, rows: readonly Row[]): PastRun {
  const destinations = rows.map(copyOf)
  const stored = destinations.filter(({ status }) => status === 'completed').length
  const times = rows.map((row) => fromDatetime(row['backup_date'])?.getTime() ?? null).filter((at) => at !== null)
  const bytes = rows.reduce((most, row) => Math.max(most, Number(row['backup_size_bytes'] ?? 0)), 0)
  return {
    runId: null,
    trigger: rows.some((row) => row['backup_type'] === 'scheduled') ? 'scheduled' : 'manual',
    status: stored === 0 ? 'failed' : stored === rows.length ? 'completed' : 'partial',
    startedAt: isoLocal(new Date(times.length === 0 ? 0 : times.reduce((first, at) => Math.min(first, at)))),
    finishedAt: null,
    archive: stored === 0 ? null : name,
    bytes: bytes || null,
    warnings: [],
    destinations,
  }
}

function copyOf(row: Row): DestinationResult {
  const completed = row['status'] === 'completed'
  const { gdrive_file_id: id, error_message: words } = row
  const message = typeof words === 'string' && words !== '' ? redact(words) : 'The reason was not recorded.'
  return {
    name: NOT_RECORDED,
    type: NOT_RECORDED,
    status: completed ? 'completed' : 'failed',
    bytesSent: 0,
    remoteId: typeof id === 'string' ? id : null,
    remotePath: null,
    error: completed ? null : { code: 'E_DESTINATION', message },
  }
}
