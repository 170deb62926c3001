import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { ObjectDigests } from '../../pipeline/destination.ts'
import type { DestinationResult, VerifyCheck, Warning } from '../backup/results.ts'
import { isReadOnly, unusableState } from './state-error.ts'

/** How long another process that is writing its record is waited for. ms. */
const BUSY_MS = 5000

const FILE = 'state.sqlite'

/** What a run measured of its sources, to compare the next run with. */
export interface SourceMeasure {
  readonly files: number
  readonly bytes: number
  /** Null without a database. */
  readonly tables: number | null
  readonly dumpBytes: number | null
}

/** A finished run. Times are ISO 8601, sizes bytes. */
export interface RunRecord {
  readonly runId: string
  readonly status: 'completed' | 'partial' | 'failed' | 'interrupted'
  readonly startedAt: string
  readonly finishedAt: string
  readonly archive: string | null
  readonly bytes: number | null
  /** Of the archive; null or absent when it was not made to its end. */
  readonly digests?: ObjectDigests | null
  /** Null when the sources were not read to their end. */
  readonly source: SourceMeasure | null
  /** Whether the sources passed the sanity checks: only then do later runs compare themselves with this one. */
  readonly sane: boolean
  readonly warnings: readonly Warning[]
  readonly destinations: readonly DestinationResult[]
}

/** What was sent of an archive, and where it was stored. */
export interface SentArchive {
  readonly bytes: number
  /** Null in records of earlier versions, which did not keep them. */
  readonly digests: ObjectDigests | null
  /** Names of the destinations that stored it. */
  readonly destinations: readonly string[]
}

/** What came of looking at an archive again. */
export interface VerificationRecord {
  readonly archive: string
  /** ISO 8601. */
  readonly at: string
  readonly ok: boolean
  readonly method: VerifyCheck['method']
}

/** One file without a write-ahead log: reading such a store creates nothing beside it. */
const SCHEMA = `
  PRAGMA journal_mode = DELETE;
  CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    archive TEXT,
    bytes INTEGER,
    files INTEGER,
    file_bytes INTEGER,
    tables INTEGER,
    dump_bytes INTEGER,
    sane INTEGER NOT NULL,
    warnings TEXT NOT NULL,
    destinations TEXT NOT NULL,
    md5 TEXT,
    content_hash TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS verifications (
    archive TEXT NOT NULL,
    at TEXT NOT NULL,
    ok INTEGER NOT NULL,
    method TEXT NOT NULL,
    checks TEXT NOT NULL
  ) STRICT;
`

/** Columns that stores of earlier versions lack. */
const ADDED = { md5: 'TEXT', content_hash: 'TEXT' }

/** Each destination's result of each run. */
const RESULTS = 'FROM runs, json_each(runs.destinations) AS one'

/**
 * A run that began after now (?1) had a wrong clock. It is passed over: else it would hide for years that nothing is
 * backed up.
 */
const NOT_AHEAD = 'julianday(started_at) <= julianday(?1)'

/** What outlives a run: its record, in an SQLite file of the state folder. */
export class Store {
  readonly #folder: string
  readonly #database: DatabaseSync

  private constructor(folder: string, database: DatabaseSync) {
    this.#folder = folder
    this.#database = database
  }

  /** Opens or creates the store; the folder is made when it is missing. Throws E_STATE when it cannot be used. */
  static open(folder: string): Store {
    let database: DatabaseSync | null = null
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      database = new DatabaseSync(path.join(folder, FILE), { timeout: BUSY_MS })
      database.exec(SCHEMA)
      addColumns(database)
      return new Store(folder, database)
    } catch (error) {
      database?.close()
      throw unusableState(folder, error)
    }
  }

  /**
   * Opens the store for reading only and creates nothing; null when no run has been recorded in this folder. Throws
   * E_STATE when it cannot be read.
   */
  static openToRead(folder: string): Store | null {
    const file = path.join(folder, FILE)
    if (!existsSync(file)) return null
    try {
      try {
        return Store.#readable(folder, new DatabaseSync(file, { timeout: BUSY_MS, readOnly: true }))
      } catch (error) {
        // A process that was killed while it wrote has left its record half written; SQLite takes it back first.
        if (!isReadOnly(error)) throw error
        return Store.#readable(folder, new DatabaseSync(file, { timeout: BUSY_MS }))
      }
    } catch (error) {
      throw unusableState(folder, error)
    }
  }

  /** Null when its table is not there: it was killed before its first record. */
  static #readable(folder: string, database: DatabaseSync): Store | null {
    try {
      const made = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'runs'").get() !== undefined
      if (made) return new Store(folder, database)
      database.close()
      return null
    } catch (error) {
      database.close()
      throw error
    }
  }

  /**
   * A run that is saved again takes the place of its earlier record, and is the newest; destinations that only the
   * earlier one names keep their results. Throws E_STATE when it cannot be written.
   */
  saveRun(run: RunRecord): void {
    const destinations = [...run.destinations, ...this.#othersOf(run)]
    this.#query('INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', (statement) =>
      statement.run(
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
      ),
    )
  }

  /** What an earlier record of this run has of destinations that took no part in it now. */
  #othersOf({ runId, destinations }: RunRecord): DestinationResult[] {
    const earlier = this.#text('SELECT destinations FROM runs WHERE run_id = ?', [runId])
    if (earlier === null) return []
    const named = new Set(destinations.map(({ name }) => name))
    return (JSON.parse(earlier) as DestinationResult[]).filter(({ name }) => !named.has(name))
  }

  /** Whether a run made an archive of this name. */
  hasArchive(name: string): boolean {
    return this.#query('SELECT 1 FROM runs WHERE archive = ?', (statement) => statement.get(name)) !== undefined
  }

  /**
   * The measure of the newest good run: stored somewhere, with sane sources. Null when there is none yet. Newest is
   * what was saved last: clocks are set right and local time repeats an hour a year. Throws E_STATE when it cannot be
   * read.
   */
  lastGood(): SourceMeasure | null {
    const row = this.#query(
      `SELECT files, file_bytes, tables, dump_bytes FROM runs
       WHERE status IN ('completed', 'partial') AND sane = 1 AND files IS NOT NULL
       ORDER BY rowid DESC LIMIT 1`,
      (statement) => statement.get(),
    )
    if (row === undefined) return null
    return {
      files: Number(row['files']),
      bytes: Number(row['file_bytes']),
      tables: row['tables'] === null ? null : Number(row['tables']),
      dumpBytes: row['dump_bytes'] === null ? null : Number(row['dump_bytes']),
    }
  }

  /** Copies that were stored and verified, over all runs and destinations. Throws E_STATE, as all that read do. */
  copies(): number {
    const row = this.#query(`SELECT count(*) AS copies ${RESULTS} WHERE one.value ->> 'status' = 'completed'`, (all) =>
      all.get(),
    )
    return Number(row?.['copies'] ?? 0)
  }

  /** When the first run and the last one began; null when there is none. See NOT_AHEAD. */
  runTimes(now: Date): { readonly first: string | null; readonly last: string | null } {
    const time = (order: 'ASC' | 'DESC'): string | null =>
      this.#text(
        `SELECT started_at FROM runs WHERE ${NOT_AHEAD} ORDER BY julianday(started_at) ${order}, rowid ${order} LIMIT 1`,
        [now.toISOString()],
      )
    return { first: time('ASC'), last: time('DESC') }
  }

  /**
   * When the newest run began that was stored and verified at this destination (null: at any); null when there is none.
   * See NOT_AHEAD.
   */
  lastStoredAt(now: Date, destination: string | null): string | null {
    return this.#text(
      `SELECT runs.started_at ${RESULTS}
       WHERE ${NOT_AHEAD} AND one.value ->> 'status' = 'completed' AND (?2 IS NULL OR one.value ->> 'name' = ?2)
       ORDER BY julianday(runs.started_at) DESC LIMIT 1`,
      [now.toISOString(), destination],
    )
  }

  /** How the run that was saved last of all that had this destination ended there; null when there is none. */
  lastResult(destination: string): DestinationResult | null {
    const result = this.#text(
      `SELECT one.value ${RESULTS} WHERE one.value ->> 'name' = ?1 ORDER BY runs.rowid DESC LIMIT 1`,
      [destination],
    )
    return result === null ? null : (JSON.parse(result) as DestinationResult)
  }

  /**
   * What was sent of the archive of this name and where it was stored; null when it was stored nowhere, or is not known
   * here. Throws E_STATE.
   */
  sentArchive(name: string): SentArchive | null {
    const digests = this.#has('runs', 'md5') ? 'md5, content_hash' : 'NULL AS md5, NULL AS content_hash'
    const row = this.#query(
      `SELECT bytes, ${digests}, destinations FROM runs
       WHERE archive = ? AND bytes IS NOT NULL ORDER BY rowid DESC LIMIT 1`,
      (statement) => statement.get(name),
    )
    if (row === undefined) return null
    const { bytes, md5, content_hash: contentHash } = row
    const all = JSON.parse(String(row['destinations'])) as DestinationResult[]
    const destinations = all.filter(({ status }) => status === 'completed').map((one) => one.name)
    if (destinations.length === 0) return null
    const known = typeof md5 === 'string' && typeof contentHash === 'string'
    return { bytes: Number(bytes), digests: known ? { md5, contentHash } : null, destinations }
  }

  /** Names of the archives that were stored somewhere. Throws E_STATE. */
  archives(): string[] {
    return this.#query(
      `SELECT DISTINCT runs.archive ${RESULTS}
       WHERE one.value ->> 'status' = 'completed' AND runs.archive IS NOT NULL`,
      (statement) => statement.all(),
    ).map(({ archive }) => String(archive))
  }

  /** Adds what came of looking at an archive again. Throws E_STATE when it cannot be written. */
  saveVerification({ archive, at, ok, method }: VerificationRecord, checks: readonly VerifyCheck[]): void {
    this.#query('INSERT INTO verifications VALUES (?, ?, ?, ?, ?)', (statement) =>
      statement.run(archive, at, ok ? 1 : 0, method, JSON.stringify(checks)),
    )
  }

  /** The verification that was saved last, of whichever archive; null when there is none. Throws E_STATE. */
  lastVerification(): VerificationRecord | null {
    if (!this.#has('verifications', 'archive')) return null
    const row = this.#query(
      'SELECT archive, at, ok, method FROM verifications ORDER BY rowid DESC LIMIT 1',
      (statement) => statement.get(),
    )
    if (row === undefined) return null
    return {
      archive: String(row['archive']),
      at: String(row['at']),
      ok: row['ok'] === 1,
      method: String(row['method']) as VerificationRecord['method'],
    }
  }

  /** One of an earlier version that is only read may lack it. */
  #has(table: string, column: string): boolean {
    return (
      this.#query('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', (statement) => statement.get(table, column)) !==
      undefined
    )
  }

  /** The first column of the first row; null when there is none. */
  #text(sql: string, values: readonly (string | null)[]): string | null {
    const [found] = Object.values(this.#query(sql, (statement) => statement.get(...values)) ?? {})
    return typeof found === 'string' ? found : null
  }

  #query<T>(sql: string, use: (statement: StatementSync) => T): T {
    try {
      return use(this.#database.prepare(sql))
    } catch (error) {
      throw unusableState(this.#folder, error)
    }
  }

  close(): void {
    this.#database.close()
  }
}

function addColumns(database: DatabaseSync): void {
  const there = database.prepare("SELECT name FROM pragma_table_info('runs')").all()
  for (const [column, type] of Object.entries(ADDED)) {
    if (there.some(({ name }) => name === column)) continue
    database.exec(`ALTER TABLE runs ADD COLUMN ${column} ${type}`)
  }
}
