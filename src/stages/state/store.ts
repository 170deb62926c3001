import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { DestinationResult, Warning } from '../backup/results.ts'
import { unusableState } from './state-error.ts'

/** How long another process that is writing its record is waited for. ms. */
const BUSY_MS = 5000

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
  /** Null when the sources were not read to their end. */
  readonly source: SourceMeasure | null
  /** Whether the sources passed the sanity checks: only then do later runs compare themselves with this one. */
  readonly sane: boolean
  readonly warnings: readonly Warning[]
  readonly destinations: readonly DestinationResult[]
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
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
    destinations TEXT NOT NULL
  ) STRICT;
`

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
      database = new DatabaseSync(path.join(folder, 'state.sqlite'), { timeout: BUSY_MS })
      database.exec(SCHEMA)
      return new Store(folder, database)
    } catch (error) {
      database?.close()
      throw unusableState(folder, error)
    }
  }

  /** Throws E_STATE when it cannot be written. */
  saveRun(run: RunRecord): void {
    this.#query('INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', (statement) =>
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
        JSON.stringify(run.destinations),
      ),
    )
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
