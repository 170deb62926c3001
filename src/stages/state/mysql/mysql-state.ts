import { BackupError } from '../../../pipeline/contract/errors.ts'
import { NewerFormatError } from '../../../pipeline/files/format-version.ts'
import { isoLocal } from '../../contract/time.ts'
import type { DestinationResult, VerifyCheck } from '../../contract/results.ts'
import type { Config, DatabaseConfig, DestinationConfig } from '../../config/types.ts'
import { redact } from '../../text/redact.ts'
import { hoursOf } from '../../contract/grid.ts'
import { folderActiveRun } from '../folder-active-run.ts'
import { takeFolderLock } from '../folder-lock.ts'
import { makePrivateFolder } from '../../windows/private-path.ts'
import { unusableState } from '../state-error.ts'
import type { ActiveRun, InactiveAccount, Lock, Schedule, State } from '../state.ts'
import type {
  CopyCheck,
  PastRun,
  RunPeriod,
  RunRecord,
  SentArchive,
  SourceMeasure,
  VerificationRecord,
} from '../../contract/history.ts'
import { readAccounts, readDestinations, type AccountRow } from './accounts.ts'
import { StateConnection } from './connection.ts'
import { toDatetime } from './datetime.ts'
import { hasTheirArchive, theirArchives, theirHistory } from './earlier-program.ts'
import * as runs from './runs.ts'
import { nextBackup, saveRun } from './save-run.ts'
import { keptTime, readScheduleRow } from './schedule-row.ts'
import { serverActiveRun, takeServerLock } from './server-lock.ts'
import { createTables, presentTables, TABLE_NAMES, type TableName } from './tables.ts'
import { later, newestStored, runTime, type TimeOptions } from './times.ts'
import { badArchives, lastChecks, lastVerification, saveVerification } from './verifications.ts'

/** Of the configuration, what the state needs. */
export interface MysqlStateConfig extends Pick<Config, 'schedule' | 'destinations'> {
  readonly database: DatabaseConfig
  readonly state: Pick<Config['state'], 'dir'>
}

/**
 * The state in the viewer's own tables, and in some beside them for what those cannot hold. Of a state that is only read,
 * tables that are missing are as if they were empty.
 */
export class MysqlState implements State {
  readonly replaced: string[] = []
  readonly #connection: StateConnection
  readonly #config: MysqlStateConfig
  readonly #tables: ReadonlySet<TableName>

  private constructor(connection: StateConnection, config: MysqlStateConfig, tables: ReadonlySet<TableName>) {
    this.#connection = connection
    this.#config = config
    this.#tables = tables
  }

  /** Opens the state and makes the tables and the state folder where they are missing. Rejects with E_STATE. */
  static async open(config: MysqlStateConfig): Promise<MysqlState> {
    const connection = new StateConnection(config.database)
    try {
      const present = await presentTables(connection, config.database)
      await createTables(connection, present)
      makeFolder(config.state.dir)
      return new MysqlState(connection, config, new Set(TABLE_NAMES))
    } catch (error) {
      await connection.close()
      throw nothingBegun(error)
    }
  }

  /** Opens the state and makes nothing; null when none of its tables is there. Rejects with E_STATE. */
  static async openToRead(config: MysqlStateConfig): Promise<MysqlState | null> {
    const connection = new StateConnection(config.database)
    try {
      const present = await presentTables(connection, config.database)
      if (present.size > 0) return new MysqlState(connection, config, present)
      await connection.close()
      return null
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async saveRun(run: RunRecord): Promise<void> {
    const fileNames = new Set(this.#config.destinations.map(({ name }) => name.toLowerCase()))
    const options = { ...this.#times(new Date()), fileNames }
    await this.#connection.transaction((session) => saveRun(session, run, options))
  }

  async hasArchive(name: string): Promise<boolean> {
    if (this.#has('dicom_backup_runs') && (await runs.hasOwnArchive(this.#connection, name))) return true
    return this.#has('backup_history') && (await hasTheirArchive(this.#connection, name))
  }

  async lastGood(): Promise<SourceMeasure | null> {
    return this.#has('dicom_backup_runs') ? await runs.lastGood(this.#connection) : null
  }

  async copies(): Promise<number> {
    if (!this.#has('backup_history')) return 0
    const sql = "SELECT COUNT(*) AS copies FROM backup_history WHERE status = 'completed'"
    const [row] = await this.#connection.rows(sql)
    return Number(row?.['copies'] ?? 0)
  }

  async runTimes(now: Date): Promise<{ readonly first: string | null; readonly last: string | null }> {
    const options = this.#times(now)
    const first = await runTime(this.#connection, 'first', options)
    const last = await runTime(this.#connection, 'last', options)
    return { first: first?.text ?? null, last: last?.text ?? null }
  }

  async lastStoredAt(now: Date, destination: string | null): Promise<string | null> {
    if (destination === null) return (await newestStored(this.#connection, this.#times(now)))?.text ?? null
    const own = this.#hasOwn() ? await runs.lastStored(this.#connection, now, destination) : null
    const account = await this.#account(destination)
    const told = account?.lastStatus === 'success' ? account.lastBackupAt : null
    return later(own, told !== null && told <= now ? told : null)?.text ?? null
  }

  /** Of an account that no run of ours had, as another program has left its row. */
  async lastResult(destination: string): Promise<DestinationResult | null> {
    const own = this.#hasOwn() ? await runs.lastResult(this.#connection, destination) : null
    if (own !== null) return own
    const account = await this.#account(destination)
    if (account?.lastStatus == null) return null
    const stored = account.lastStatus === 'success'
    return {
      name: destination,
      type: account.type,
      status: stored ? 'completed' : 'failed',
      bytesSent: 0,
      remoteId: null,
      remotePath: null,
      error: stored ? null : { code: 'E_DESTINATION', message: redact(account.lastStatus) },
    }
  }

  async history(limit: number): Promise<PastRun[]> {
    const own = this.#hasOwn() ? await runs.ownHistory(this.#connection, limit) : []
    const theirs = this.#has('backup_history')
      ? await theirHistory(this.#connection, this.#has('dicom_backup_runs'), limit)
      : []
    return merged(own, theirs).slice(0, limit)
  }

  async sentArchive(name: string): Promise<SentArchive | null> {
    return this.#hasOwn() ? await runs.sentArchive(this.#connection, name) : null
  }

  async archives(): Promise<string[]> {
    const own = this.#hasOwn() ? await runs.ownArchives(this.#connection) : []
    const theirs = this.#has('backup_history')
      ? await theirArchives(this.#connection, this.#has('dicom_backup_runs'))
      : []
    return [...new Set([...own, ...theirs])]
  }

  async periods(): Promise<RunPeriod[]> {
    return this.#has('dicom_backup_runs') ? await runs.periods(this.#connection) : []
  }

  async lastChecks(): Promise<CopyCheck[]> {
    return this.#has('dicom_backup_verifications') ? await lastChecks(this.#connection) : []
  }

  async saveVerification(record: VerificationRecord, checks: readonly VerifyCheck[]): Promise<void> {
    await saveVerification(this.#connection, record, checks)
  }

  async lastVerification(): Promise<VerificationRecord | null> {
    return this.#has('dicom_backup_verifications') ? await lastVerification(this.#connection) : null
  }

  async badArchives(destination: string): Promise<string[]> {
    return this.#has('dicom_backup_verifications') ? await badArchives(this.#connection, destination) : []
  }

  async schedule(fromFile: Schedule): Promise<Schedule> {
    if (!this.#has('backup_schedule_config')) return fromFile
    return (await readScheduleRow(this.#connection, fromFile))?.schedule ?? fromFile
  }

  async keptDueAt(now: Date): Promise<string | null> {
    if (!this.#has('backup_schedule_config')) return null
    const row = await readScheduleRow(this.#connection, this.#config.schedule)
    const kept = row === null ? null : keptTime(row, now)
    return kept === null ? null : isoLocal(kept)
  }

  async saveSchedule(schedule: Schedule): Promise<boolean> {
    const options = this.#times(new Date())
    await this.#connection.transaction(async (session) => {
      const row = await readScheduleRow(session, schedule)
      const next = schedule.enabled ? toDatetime(await nextBackup(session, schedule, options)) : null
      const values = [schedule.enabled ? 1 : 0, hoursOf(schedule.every), next]
      if (row === null) {
        const sql =
          'INSERT INTO backup_schedule_config (schedule_enabled, interval_hours, next_backup_time) VALUES (?, ?, ?)'
        await session.write(sql, ...values)
      } else {
        const sql =
          'UPDATE backup_schedule_config SET schedule_enabled = ?, interval_hours = ?, next_backup_time = ? WHERE id = ?'
        await session.write(sql, ...values, row.id)
      }
    })
    return true
  }

  async accounts(): Promise<DestinationConfig[]> {
    return this.#has('backup_accounts') ? await readDestinations(this.#connection) : []
  }

  async inactiveAccounts(): Promise<InactiveAccount[]> {
    if (!this.#has('backup_accounts')) return []
    const accounts = await readAccounts(this.#connection)
    return accounts.filter(({ isActive }) => !isActive).map(({ name, type }) => ({ name, type }))
  }

  async lock(): Promise<Lock> {
    const folder = await takeFolderLock(this.#config.state.dir, (text) => this.replaced.push(text))
    try {
      const server = await takeServerLock(this.#config.database)
      return {
        lost: server.lost,
        release: async () => {
          await server.release()
          await folder.release()
        },
      }
    } catch (error) {
      await folder.release()
      throw error
    }
  }

  async activeRun(): Promise<ActiveRun | null> {
    const here = await folderActiveRun(this.#config.state.dir)
    return here ?? (await serverActiveRun(this.#connection, this.#has('dicom_backup_lock')))
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #has(table: TableName): boolean {
    return this.#tables.has(table)
  }

  #hasOwn(): boolean {
    return this.#has('dicom_backup_runs') && this.#has('dicom_backup_copies')
  }

  #times(now: Date): TimeOptions {
    return { tables: this.#tables, schedule: this.#config.schedule, now }
  }

  /** The row of this name, unless the name is one of the configuration file's. */
  async #account(destination: string): Promise<AccountRow | null> {
    if (!this.#has('backup_accounts') || this.#config.destinations.some(({ name }) => name === destination)) return null
    return (await readAccounts(this.#connection)).find(({ name }) => name === destination) ?? null
  }
}

function makeFolder(folder: string): void {
  try {
    makePrivateFolder(folder)
  } catch (error) {
    throw unusableState(folder, error)
  }
}

function nothingBegun(error: unknown): unknown {
  // That one says so itself.
  if (!(error instanceof BackupError) || error instanceof NewerFormatError) return error
  const { code, message, advice } = error
  const end = /[.!?]$/.test(message) ? '' : '.'
  const safe = `${message}${end} Nothing was started; earlier backups are unchanged.`
  return new BackupError(code, safe, { advice, cause: error.cause })
}

/** Both in their own order, the later one first where they meet. */
function merged(own: readonly PastRun[], theirs: readonly PastRun[]): PastRun[] {
  const all: PastRun[] = []
  const rest = [...theirs]
  for (const run of own) {
    while (rest[0] !== undefined && Date.parse(rest[0].startedAt) > Date.parse(run.startedAt)) {
      all.push(rest[0])
      rest.shift()
    }
    all.push(run)
  }
  return [...all, ...rest]
}
