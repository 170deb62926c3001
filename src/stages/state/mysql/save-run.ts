/** What is written when a run has ended: our own tables, and what the viewer's pages show. */
import { dueAfter, EARLY_MS, nextSlot } from '../../contract/grid.ts'
import type { DestinationResult } from '../../contract/results.ts'
import type { RunRecord } from '../../contract/history.ts'
import type { Schedule } from '../state.ts'
import { readAccounts } from './accounts.ts'
import type { Session } from './connection.ts'
import { toDatetime } from './datetime.ts'
import { resultOf, startOf } from './runs.ts'
import { keptTime, readScheduleRow } from './schedule-row.ts'
import { newestStored, type TimeOptions } from './times.ts'

export interface SaveOptions extends TimeOptions {
  /** Names, in lower case, of the configuration file's destinations: rows of the same name are not theirs. */
  readonly fileNames: ReadonlySet<string>
}

interface Copy {
  readonly result: DestinationResult
  readonly historyId: number | null
}

/** Done again, it comes to the same. */
export async function saveRun(session: Session, run: RunRecord, options: SaveOptions): Promise<void> {
  const earlier = (await session.rows('SELECT * FROM dicom_backup_copies WHERE run_id = ? ORDER BY id', run.runId)).map(
    (row): Copy => ({
      result: resultOf(row),
      historyId: row['history_id'] === null ? null : Number(row['history_id']),
    }),
  )
  const copies: Copy[] = []
  for (const result of run.destinations) {
    const known = earlier.find((one) => one.result.name === result.name)?.historyId ?? null
    copies.push({ result, historyId: await saveHistory(session, run, result, known) })
  }
  // Destinations that only the earlier record names keep their results.
  copies.push(...earlier.filter(({ result }) => copies.every((one) => one.result.name !== result.name)))
  const [before] = await session.rows('SELECT status FROM dicom_backup_runs ORDER BY seq DESC LIMIT 1')
  await replaceRun(session, run)
  await remove(session, 'dicom_backup_copies', run.runId)
  for (const copy of copies) await insertCopy(session, run.runId, copy)
  await saveAccounts(session, run, options)
  await saveScheduleTimes(session, run, options, RETRIED.includes(String(before?.['status'])))
}

async function replaceRun(session: Session, run: RunRecord): Promise<void> {
  // With a number of its own: saved again, it is the newest.
  await remove(session, 'dicom_backup_runs', run.runId)
  await insert(session, 'dicom_backup_runs', {
    run_id: run.runId,
    triggered_by: run.trigger,
    status: run.status,
    started_at: run.startedAt,
    started_ms: Date.parse(run.startedAt),
    finished_at: run.finishedAt,
    planned_name: run.plannedName,
    archive: run.archive,
    bytes: run.bytes,
    md5: run.digests?.md5 ?? null,
    content_hash: run.digests?.contentHash ?? null,
    source_files: run.source?.files ?? null,
    source_bytes: run.source?.bytes ?? null,
    source_tables: run.source?.tables ?? null,
    source_dump_bytes: run.source?.dumpBytes ?? null,
    sane: run.sane ? 1 : 0,
    warnings: JSON.stringify(run.warnings),
  })
}

async function insertCopy(session: Session, runId: string, { result, historyId }: Copy): Promise<void> {
  await insert(session, 'dicom_backup_copies', {
    run_id: runId,
    destination: result.name,
    type: result.type,
    status: result.status,
    bytes_sent: result.bytesSent,
    remote_id: result.remoteId,
    remote_path: result.remotePath,
    error_code: result.error?.code ?? null,
    error_message: result.error?.message ?? null,
    history_id: historyId,
  })
}

/**
 * A row of backup_history for each copy that has ended, which stays its row when it comes to another end later. Resolves with
 * the row's id; null for one that has none yet.
 */
async function saveHistory(
  session: Session,
  { plannedName, startedAt, bytes, trigger }: RunRecord,
  { status, remoteId, error }: DestinationResult,
  known: number | null,
): Promise<number | null> {
  if (status === 'interrupted') return known
  const row = {
    backup_filename: plannedName,
    gdrive_file_id: remoteId,
    backup_size_bytes: status === 'completed' ? bytes : null,
    backup_date: toDatetime(new Date(startedAt)),
    backup_type: trigger,
    status,
    error_message: error?.message ?? null,
  }
  if (known !== null) {
    const set = Object.keys(row).map((column) => `${column} = ?`)
    const sql = `UPDATE backup_history SET ${set.join(', ')} WHERE id = ? AND backup_filename = ?`
    const { affectedRows } = await session.write(sql, ...Object.values(row), known, plannedName)
    // Who tidies the viewer's page up may have deleted it.
    if (affectedRows > 0) return known
  }
  return (await insert(session, 'backup_history', row)).insertId
}

async function saveAccounts(session: Session, run: RunRecord, { fileNames, now }: SaveOptions): Promise<void> {
  const started = toDatetime(new Date(run.startedAt))
  for (const { id, name, isActive } of await readAccounts(session)) {
    if (!isActive || fileNames.has(name.toLowerCase())) continue
    const result = run.destinations.find((one) => one.name === name)
    if (result === undefined || result.status === 'interrupted') continue
    if (result.status === 'failed') {
      const sql = 'UPDATE backup_accounts SET last_backup_status = ? WHERE id = ?'
      await session.write(sql, result.error?.message ?? 'failed', id)
      continue
    }
    await session.write(
      `UPDATE backup_accounts SET last_backup_status = 'success', last_backup_date =
         CASE WHEN last_backup_date > ? AND last_backup_date <= ? THEN last_backup_date ELSE ? END
       WHERE id = ?`,
      started,
      toDatetime(now),
      started,
      id,
    )
  }
}

/** How a run ends that is tried again at the next full hour. */
const RETRIED = ['failed', 'interrupted']

/**
 * `next_backup_time`: the next slot; once that has passed the next full hour, when it is tried again. A time ahead that this
 * run does not serve stays as it is, since the viewer's page may have set it; unless it was the time of a retry.
 */
async function saveScheduleTimes(
  session: Session,
  run: RunRecord,
  options: SaveOptions,
  wasRetried: boolean,
): Promise<void> {
  const { schedule, now } = options
  const row = await readScheduleRow(session, schedule)
  if (row === null) return
  const last = (await startOf(session, 'last', now))?.ms ?? Date.parse(run.startedAt)
  const kept = keptTime(row, now)
  const isServed = kept === null || kept <= now || kept.getTime() <= Date.parse(run.startedAt) + EARLY_MS
  const isRetry = wasRetried && kept?.getTime() === nextSlot('1h', now).getTime()
  const at = isServed || isRetry ? await nextBackup(session, row.schedule, options) : kept
  const next = row.schedule.enabled ? toDatetime(at) : null
  const sql = 'UPDATE backup_schedule_config SET last_run_time = ?, next_backup_time = ? WHERE id = ?'
  await session.write(sql, toDatetime(new Date(last)), next, row.id)
}

export async function nextBackup(session: Session, { every }: Schedule, options: TimeOptions): Promise<Date> {
  const stored = await newestStored(session, options)
  const due = stored === null ? null : dueAfter(every, new Date(stored.ms))
  return due !== null && due > options.now ? due : nextSlot('1h', options.now)
}

/** A DELETE that finds nothing would lock the gap, and two that add to one gap then end each other as a deadlock. */
async function remove(session: Session, table: string, runId: string): Promise<void> {
  const rows = await session.rows(`SELECT 1 FROM ${table} WHERE run_id = ? LIMIT 1`, runId)
  if (rows.length > 0) await session.write(`DELETE FROM ${table} WHERE run_id = ?`, runId)
}

async function insert(
  session: Session,
  table: string,
  row: Readonly<Record<string, string | number | null>>,
): Promise<{ readonly insertId: number }> {
  const columns = Object.keys(row)
  const marks = columns.map(() => '?').join(', ')
  return await session.write(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`, ...Object.values(row))
}
