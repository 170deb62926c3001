import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { digestsIn } from '../../pipeline/contract/digests.ts'
import type { DestinationResult, VerifyCheck, Warning } from '../contract/results.ts'
import { folderActiveRun } from './folder-active-run.ts'
import { takeFolderLock } from './folder-lock.ts'
import { openFile, openFileToRead } from './sqlite-file.ts'
import { unusableState } from './state-error.ts'
import type { ActiveRun, Lock, Schedule, State } from './state.ts'
import type {
  CopyCheck,
  PastRun,
  RunPeriod,
  RunRecord,
  SentArchive,
  SourceMeasure,
  VerificationRecord,
} from '../contract/history.ts'

type Row = Record<string, SQLOutputValue>

/** Each destination's result of each run. */
const RESULTS = 'FROM runs, json_each(runs.destinations) AS one'

/** A run that began after now (?1) had a wrong clock. */
const NOT_AHEAD = 'julianday(started_at) <= julianday(?1)'

/** The state in a file of the state folder. The configuration file has the schedule and all destinations. */
export class SqliteState implements State {
  readonly #folder: string
  readonly #database: DatabaseSync
  readonly replaced: string[]

  private constructor(folder: string, database: DatabaseSync, replaced: string[] = []) {
    this.#folder = folder
    this.#database = database
    this.replaced = replaced
  }

  /** Opens or creates the state; the folder is made when it is missing. Throws E_STATE when it cannot be used. */
  static open(folder: string): SqliteState {
    const replaced: string[] = []
    const database = openFile(folder, (text) => replaced.push(text))
    return new SqliteState(folder, database, replaced)
  }

  /**
   * Opens the state for reading only and creates nothing; null when no run has been recorded in this folder. Throws
   * E_STATE when it cannot be read.
   */
  static openToRead(folder: string): SqliteState | null {
    const database = openFileToRead(folder)
    return database === null ? null : new SqliteState(folder, database)
  }

  async saveRun(run: RunRecord): Promise<void> {
    const destinations = [...run.destinations, ...(await this.#othersOf(run))]
    await this.#all(
      `INSERT OR REPLACE INTO runs (run_id, status, started_at, finished_at, archive, bytes, files, file_bytes, tables,
         dump_bytes, sane, warnings, destinations, md5, content_hash, triggered_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      run.runId,
      run.status,
      run.startedAt,
      run.finishedAt,
      run.archive,
      run.bytes,
      run.source?.files ?? null,
      run.source?.bytes ?? null,
      run.source?.tables ?? null,
      run.source?.dumpBytes ?? null,
      run.sane ? 1 : 0,
      JSON.stringify(run.warnings),
      JSON.stringify(destinations),
      run.digests?.md5 ?? null,
      run.digests?.contentHash ?? null,
      run.trigger,
    )
  }

  /** What an earlier record of this run has of destinations that took no part in it now. */
  async #othersOf({ runId, destinations }: RunRecord): Promise<DestinationResult[]> {
    const earlier = await this.#text('SELECT destinations FROM runs WHERE run_id = ?', runId)
    if (earlier === null) return []
    const named = new Set(destinations.map(({ name }) => name))
    return (JSON.parse(earlier) as DestinationResult[]).filter(({ name }) => !named.has(name))
  }

  async hasArchive(name: string): Promise<boolean> {
    return (await this.#all('SELECT 1 FROM runs WHERE archive = ?', name)).length > 0
  }

  async lastGood(): Promise<SourceMeasure | null> {
    const [row] = await this.#all(
      `SELECT files, file_bytes, tables, dump_bytes FROM runs
       WHERE status IN ('completed', 'partial') AND sane = 1 AND files IS NOT NULL
       ORDER BY rowid DESC LIMIT 1`,
    )
    if (row === undefined) return null
    return {
      files: Number(row['files']),
      bytes: Number(row['file_bytes']),
      tables: row['tables'] === null ? null : Number(row['tables']),
      dumpBytes: row['dump_bytes'] === null ? null : Number(row['dump_bytes']),
    }
  }

  async copies(): Promise<number> {
    const [row] = await this.#all(`SELECT count(*) AS copies ${RESULTS} WHERE one.value ->> 'status' = 'completed'`)
    return Number(row?.['copies'] ?? 0)
  }

  async runTimes(now: Date): Promise<{ readonly first: string | null; readonly last: string | null }> {
    const time = (order: 'ASC' | 'DESC'): Promise<string | null> =>
      this.#text(
        `SELECT started_at FROM runs WHERE ${NOT_AHEAD} ORDER BY julianday(started_at) ${order}, rowid ${order} LIMIT 1`,
        now.toISOString(),
      )
    return { first: await time('ASC'), last: await time('DESC') }
  }

  lastStoredAt(now: Date, destination: string | null): Promise<string | null> {
    return this.#text(
      `SELECT runs.started_at ${RESULTS}
       WHERE ${NOT_AHEAD} AND one.value ->> 'status' = 'completed' AND (?2 IS NULL OR one.value ->> 'name' = ?2)
       ORDER BY julianday(runs.started_at) DESC LIMIT 1`,
      now.toISOString(),
      destination,
    )
  }

  async lastResult(destination: string): Promise<DestinationResult | null> {
    const result = await this.#text(
      `SELECT one.value ${RESULTS} WHERE one.value ->> 'name' = ?1 ORDER BY runs.rowid DESC LIMIT 1`,
      destination,
    )
    return result === null ? null : (JSON.parse(result) as DestinationResult)
  }

  async history(limit: number): Promise<PastRun[]> {
    const trigger = (await this.#has('runs', 'triggered_by')) ? 'triggered_by' : "'manual' AS triggered_by"
    const rows = await this.#all(
      `SELECT run_id, status, started_at, finished_at, archive, bytes, warnings, destinations, ${trigger}
       FROM runs ORDER BY rowid DESC LIMIT ?`,
      limit,
    )
    return rows.map((row) => ({
      runId: String(row['run_id']),
      trigger: row['triggered_by'] === 'scheduled' ? 'scheduled' : 'manual',
      status: String(row['status']) as RunRecord['status'],
      startedAt: String(row['started_at']),
      finishedAt: String(row['finished_at']),
      archive: row['archive'] === null ? null : String(row['archive']),
      bytes: row['bytes'] === null ? null : Number(row['bytes']),
      warnings: JSON.parse(String(row['warnings'])) as Warning[],
      destinations: JSON.parse(String(row['destinations'])) as DestinationResult[],
    }))
  }

  async sentArchive(name: string): Promise<SentArchive | null> {
    const digests = (await this.#has('runs', 'md5')) ? 'md5, content_hash' : 'NULL AS md5, NULL AS content_hash'
    const [row] = await this.#all(
      `SELECT bytes, ${digests}, destinations, sane FROM runs
       WHERE archive = ? AND bytes IS NOT NULL ORDER BY rowid DESC LIMIT 1`,
      name,
    )
    if (row === undefined) return null
    const { bytes, md5, content_hash: contentHash } = row
    const all = JSON.parse(String(row['destinations'])) as DestinationResult[]
    const destinations = all.filter(({ status }) => status === 'completed').map((one) => one.name)
    if (destinations.length === 0) return null
    return {
      bytes: Number(bytes),
      digests: digestsIn({ md5, contentHash }),
      destinations,
      sane: row['sane'] === 1,
    }
  }

  async archives(): Promise<string[]> {
    const rows = await this.#all(
      `SELECT DISTINCT runs.archive ${RESULTS}
       WHERE one.value ->> 'status' = 'completed' AND runs.archive IS NOT NULL`,
    )
    return rows.map(({ archive }) => String(archive))
  }

  async periods(): Promise<RunPeriod[]> {
    const rows = await this.#all('SELECT archive, started_at, finished_at FROM runs ORDER BY rowid')
    return rows.map(({ archive, started_at: startedAt, finished_at: finishedAt }) => ({
      archive: archive === null ? null : String(archive),
      startedAt: String(startedAt),
      finishedAt: String(finishedAt),
    }))
  }

  async lastChecks(): Promise<CopyCheck[]> {
    if (!(await this.#has('verifications', 'archive'))) return []
    const rows = await this.#all(
      `SELECT archive, at, one.value ->> 'destination' AS destination, min(one.value ->> 'ok') AS ok
       FROM verifications, json_each(verifications.checks) AS one
       WHERE one.value ->> 'checked' = 1
       GROUP BY verifications.rowid, destination ORDER BY verifications.rowid`,
    )
    const last = new Map<string, CopyCheck>()
    for (const { archive, at, destination, ok } of rows) {
      const check = { archive: String(archive), destination: String(destination), at: String(at), ok: ok === 1 }
      last.set(`${check.archive}\n${check.destination}`, check)
    }
    return [...last.values()]
  }

  async saveVerification(
    { archive, at, ok, method }: VerificationRecord,
    checks: readonly VerifyCheck[],
  ): Promise<void> {
    const sql = 'INSERT INTO verifications VALUES (?, ?, ?, ?, ?)'
    await this.#all(sql, archive, at, ok ? 1 : 0, method, JSON.stringify(checks))
  }

  async lastVerification(): Promise<VerificationRecord | null> {
    if (!(await this.#has('verifications', 'archive'))) return null
    const sql = 'SELECT archive, at, ok, method FROM verifications ORDER BY rowid DESC LIMIT 1'
    const [row] = await this.#all(sql)
    if (row === undefined) return null
    return {
      archive: String(row['archive']),
      at: String(row['at']),
      ok: row['ok'] === 1,
      method: String(row['method']) as VerificationRecord['method'],
    }
  }

  async badArchives(destination: string): Promise<string[]> {
    const checks = await this.lastChecks()
    return checks.filter((one) => one.destination === destination && !one.ok).map(({ archive }) => archive)
  }

  schedule(fromFile: Schedule): Promise<Schedule> {
    return Promise.resolve(fromFile)
  }

  keptDueAt(): Promise<string | null> {
    return Promise.resolve(null)
  }

  saveSchedule(): Promise<false> {
    return Promise.resolve(false)
  }

  accounts(): Promise<[]> {
    return Promise.resolve([])
  }

  inactiveAccounts(): Promise<[]> {
    return Promise.resolve([])
  }

  lock(): Promise<Lock> {
    return takeFolderLock(this.#folder, (text) => this.replaced.push(text))
  }

  activeRun(): Promise<ActiveRun | null> {
    return folderActiveRun(this.#folder)
  }

  /** A state of an earlier version that is only read may lack it. */
  async #has(table: string, column: string): Promise<boolean> {
    return (await this.#all('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', table, column)).length > 0
  }

  /** The first column of the first row; null when there is none. */
  async #text(sql: string, ...values: readonly SQLInputValue[]): Promise<string | null> {
    const [row] = await this.#all(sql, ...values)
    const [found] = Object.values(row ?? {})
    return typeof found === 'string' ? found : null
  }

  #all(sql: string, ...values: readonly SQLInputValue[]): Promise<Row[]> {
    try {
      return Promise.resolve(this.#database.prepare(sql).all(...values))
    } catch (error) {
      return Promise.reject(unusableState(this.#folder, error))
    }
  }

  close(): Promise<void> {
    this.#database.close()
    return Promise.resolve()
  }
}
