import { asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { inspectDatabase, type DatabaseInspection } from '../database/inspect.ts'
import { identifyClient } from '../dump/client.ts'
import { findDumpProgram } from '../dump/find-program.ts'
import { canDump, tryDump } from '../dump/try-dump.ts'
import { formatBytes } from '../text/bytes.ts'
import type { Finding } from './finding.ts'

/** What a run meets in the database: `find` asks the server, `tryDump` then the dump program. */
export class DatabaseCheck {
  readonly #database: DatabaseConfig
  readonly #signal: AbortSignal
  #found: DatabaseInspection | null = null

  constructor(database: DatabaseConfig, signal: AbortSignal) {
    this.#database = database
    this.#signal = signal
  }

  /** What the dump will take, about; 0 until the database was inspected. */
  get estimatedBytes(): number {
    return this.#found?.estimatedBytes ?? 0
  }

  /** Signs in and looks for whatever would be missing from a dump. */
  async find(): Promise<Finding> {
    const found = await this.#inspected()
    this.#found = found
    const { version, tables, estimatedBytes } = found
    const detail = `${this.#database.name}: ${version}, ${tables} tables, ${formatBytes(estimatedBytes)}`
    const faults = [this.#missingPrivileges(found), brokenViews(found), notTransactional(found)].filter(
      (fault) => fault !== null,
    )
    if (faults.length === 0) return { ok: true, detail }
    return {
      ok: false,
      detail: [detail, ...faults.map((fault) => fault.detail)].join('; '),
      remedy: faults.map((fault) => fault.remedy).join(' '),
    }
  }

  /** Finds the dump program and, when the server answered, has it dump the structure of the database. */
  async tryDump(): Promise<Finding> {
    const client = await identifyClient(await findDumpProgram(this.#database.dumpCommand), this.#signal)
    const detail = `${client.name} (${client.program})`
    const found = this.#found
    // Why the server cannot be used was reported already.
    if (found === null) return { ok: true, detail }
    const broken = found.schema.brokenViews.map(({ name }) => name)
    await tryDump(this.#database, broken, this.#signal)
    if (found.versioned.length === 0 || client.options.has('dump-history')) return { ok: true, detail }
    return {
      ok: false,
      detail: `${detail} cannot dump the earlier rows of system-versioned tables: ${found.versioned.join(', ')}`,
      remedy: 'Set database.dumpCommand to a mariadb-dump of 10.11 or later.',
    }
  }

  async #inspected(): Promise<DatabaseInspection> {
    try {
      return await inspectDatabase(this.#database, this.#signal)
    } catch (thrown) {
      const error = asBackupError(thrown, this.#signal)
      if (this.#signal.aborted || !(await canDump(this.#database, this.#signal))) throw error
      const { code, message, advice, cause } = error
      const end = /[.!?]$/.test(message) ? '' : '.'
      throw new BackupError(
        code,
        `${message}${end} The dump program can sign in, so backups are made, but each ends with a warning (exit 3): what its dump is missing is unknown`,
        { advice, cause },
      )
    }
  }

  #missingPrivileges({ missingPrivileges: missing }: DatabaseInspection): Fault | null {
    if (missing.length === 0) return null
    const list = missing.map(({ privilege, effect }) => `${privilege} (${effect})`).join(', ')
    return {
      detail: `the user ${this.#database.user} is missing ${list}`,
      remedy: `As an administrator of the database: ${missing.map(({ grant }) => grant).join(' ')}`,
    }
  }
}

interface Fault {
  readonly detail: string
  readonly remedy: string
}

function brokenViews({ schema: { brokenViews: views } }: DatabaseInspection): Fault | null {
  if (views.length === 0) return null
  const list = views.map(({ name, reason }) => `${name} (${reason})`).join(', ')
  const [these, them] = views.length === 1 ? ['this view', 'it'] : ['these views', 'them']
  return {
    detail: `${these} cannot be dumped, so each backup leaves ${them} out and ends with a warning: ${list}`,
    remedy: 'Repair or drop each of them: create what is missing (table, column, function, account), or DROP VIEW.',
  }
}

function notTransactional({ nonTransactional: loose }: DatabaseInspection): Fault | null {
  if (loose.length === 0) return null
  return {
    detail: `not transactional, so changes during the dump may be only partly in it: ${loose.join(', ')}`,
    remedy: 'Convert them: ALTER TABLE … ENGINE = InnoDB;',
  }
}
