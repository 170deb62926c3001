/** What is asked of our own runs. Times are compared in ms, since their texts have offsets. */
import { digestsIn } from '../../../pipeline/contract/digests.ts'
import type { ErrorCode } from '../../../pipeline/contract/errors.ts'
import type { DestinationResult, Warning } from '../../contract/results.ts'
import type { PastRun, RunPeriod, RunRecord, SentArchive, SourceMeasure } from '../../contract/history.ts'
import type { Row, Session, Value } from './connection.ts'

export interface OwnTime {
  readonly text: string
  readonly ms: number
}

export function resultOf(row: Row): DestinationResult {
  const { destination, type, status, bytes_sent: sent, remote_id: id, remote_path: path, error_code: code } = row
  return {
    name: String(destination),
    type: String(type),
    status: String(status) as DestinationResult['status'],
    bytesSent: Number(sent),
    remoteId: textOf(id),
    remotePath: textOf(path),
    error: typeof code === 'string' ? { code: code as ErrorCode, message: textOf(row['error_message']) ?? '' } : null,
  }
}

export async function copiesOf(session: Session, runIds: readonly string[]): Promise<Map<string, DestinationResult[]>> {
  const found = new Map<string, DestinationResult[]>(runIds.map((id) => [id, []]))
  if (runIds.length === 0) return found
  const marks = runIds.map(() => '?').join(', ')
  const rows = await session.rows(`SELECT * FROM dicom_backup_copies WHERE run_id IN (${marks}) ORDER BY id`, ...runIds)
  for (const row of rows) found.get(String(row['run_id']))?.push(resultOf(row))
  return found
}

export async function hasOwnArchive(session: Session, name: string): Promise<boolean> {
  return (await session.rows('SELECT 1 FROM dicom_backup_runs WHERE archive = ? LIMIT 1', name)).length > 0
}

export async function lastGood(session: Session): Promise<SourceMeasure | null> {
  const [row] = await session.rows(
    `SELECT source_files, source_bytes, source_tables, source_dump_bytes FROM dicom_backup_runs
     WHERE status IN ('completed', 'partial') AND sane = 1 AND source_files IS NOT NULL
     ORDER BY seq DESC LIMIT 1`,
  )
  if (row === undefined) return null
  return {
    files: Number(row['source_files']),
    bytes: Number(row['source_bytes']),
    tables: numberOf(row['source_tables']),
    dumpBytes: numberOf(row['source_dump_bytes']),
  }
}

/** The first or the last start of a run up to `now`. */
export async function startOf(session: Session, which: 'first' | 'last', now: Date): Promise<OwnTime | null> {
  const order = which === 'first' ? 'ASC' : 'DESC'
  return await time(
    session,
    `SELECT started_at, started_ms FROM dicom_backup_runs WHERE started_ms <= ?
     ORDER BY started_ms ${order}, seq ${order} LIMIT 1`,
    now.getTime(),
  )
}

export async function lastStored(session: Session, now: Date, destination: string | null): Promise<OwnTime | null> {
  const there = destination === null ? '' : 'AND c.destination = ?'
  return await time(
    session,
    `SELECT r.started_at, r.started_ms FROM dicom_backup_runs r JOIN dicom_backup_copies c ON c.run_id = r.run_id
     WHERE r.started_ms <= ? AND c.status = 'completed' ${there} ORDER BY r.started_ms DESC, r.seq DESC LIMIT 1`,
    now.getTime(),
    ...(destination === null ? [] : [destination]),
  )
}

export async function lastResult(session: Session, destination: string): Promise<DestinationResult | null> {
  const [row] = await session.rows(
    `SELECT c.* FROM dicom_backup_copies c JOIN dicom_backup_runs r ON r.run_id = c.run_id
     WHERE c.destination = ? ORDER BY r.seq DESC LIMIT 1`,
    destination,
  )
  return row === undefined ? null : resultOf(row)
}

export async function hasRuns(session: Session): Promise<boolean> {
  return (await session.rows('SELECT 1 FROM dicom_backup_runs LIMIT 1')).length > 0
}

export async function ownHistory(session: Session, limit: number): Promise<PastRun[]> {
  const rows = await session.rows(
    `SELECT run_id, triggered_by, status, started_at, finished_at, archive, bytes, warnings
     FROM dicom_backup_runs ORDER BY seq DESC LIMIT ${Math.max(0, Math.trunc(limit))}`,
  )
  const copies = await copiesOf(
    session,
    rows.map((row) => String(row['run_id'])),
  )
  return rows.map((row) => ({
    runId: String(row['run_id']),
    trigger: row['triggered_by'] === 'scheduled' ? 'scheduled' : 'manual',
    status: String(row['status']) as RunRecord['status'],
    startedAt: String(row['started_at']),
    finishedAt: String(row['finished_at']),
    archive: textOf(row['archive']),
    bytes: numberOf(row['bytes']),
    warnings: JSON.parse(String(row['warnings'])) as Warning[],
    destinations: copies.get(String(row['run_id'])) ?? [],
  }))
}

export async function sentArchive(session: Session, name: string): Promise<SentArchive | null> {
  const [row] = await session.rows(
    `SELECT run_id, bytes, md5, content_hash, sane + 0 AS sane FROM dicom_backup_runs
     WHERE archive = ? AND bytes IS NOT NULL ORDER BY seq DESC LIMIT 1`,
    name,
  )
  if (row === undefined) return null
  const { run_id: runId, bytes, md5, content_hash: contentHash } = row
  const copies = (await copiesOf(session, [String(runId)])).get(String(runId)) ?? []
  const destinations = copies.filter(({ status }) => status === 'completed').map((one) => one.name)
  if (destinations.length === 0) return null
  return {
    bytes: Number(bytes),
    digests: digestsIn({ md5, contentHash }),
    destinations,
    sane: Number(row['sane']) === 1,
  }
}

export async function ownArchives(session: Session): Promise<string[]> {
  const rows = await session.rows(
    `SELECT DISTINCT r.archive FROM dicom_backup_runs r JOIN dicom_backup_copies c ON c.run_id = r.run_id
     WHERE c.status = 'completed' AND r.archive IS NOT NULL`,
  )
  return rows.map(({ archive }) => String(archive))
}

/** In the order in which they were saved. */
export async function periods(session: Session): Promise<RunPeriod[]> {
  const rows = await session.rows('SELECT archive, started_at, finished_at FROM dicom_backup_runs ORDER BY seq')
  return rows.map((row) => ({
    archive: textOf(row['archive']),
    startedAt: String(row['started_at']),
    finishedAt: String(row['finished_at']),
  }))
}

async function time(session: Session, sql: string, ...values: readonly Value[]): Promise<OwnTime | null> {
  const [row] = await session.rows(sql, ...values)
  return row === undefined ? null : { text: String(row['started_at']), ms: Number(row['started_ms']) }
}

const numberOf = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value))
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)
