import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { asBackupError, BackupError, systemCode } from '../../../pipeline/errors.ts'
import type { Warning } from '../../backup/results.ts'
import type { Config, DatabaseConfig } from '../../config/types.ts'
import type { ManifestHead } from '../../zip/manifest.ts'
import { findClientProgram } from './client-program.ts'
import { dumpStatements, type DumpStatements } from './statements.ts'
import { missingAccounts, warningsOf } from './warnings.ts'
import {
  alterDatabase,
  countRows,
  createDatabase,
  databaseState,
  dropDatabase,
  loadDatabase,
  serverFacts,
  type Defaults,
  type RowCounts,
  type ServerFacts,
  type SqlServer,
} from './server.ts'

/** A dump, wherever it lies. */
export interface StoredDump {
  /** Whether it ends with the line that dump programs write last, when it is whole. */
  readonly hasLastLine: boolean
  /** What the manifest tells of the database; null when the archive has no manifest. */
  readonly about: ManifestHead['database']
  /**
   * Its bytes from the first on; a piece is valid until the next is asked for. Throws a BackupError when they are not what
   * was stored, at the latest behind the last.
   */
  content(signal: AbortSignal): AsyncIterable<Uint8Array>
}

export interface DatabaseRestoreOptions {
  readonly server: SqlServer
  /** The database to load into: `mustBeDatabaseName`. */
  readonly name: string
  /** Drop a database that holds something, when the dump has been found whole. */
  readonly overwrite: boolean
  /** Nothing of it may have an effect outside of the database: a test. */
  readonly isolated: boolean
  /** Hears what is being done now. */
  readonly onStep: (step: DatabaseStep) => void
  /** Hears of bytes of the dump that were read, of the step at hand. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

export interface LoadedDatabase extends RowCounts {
  readonly renamed: readonly string[]
  readonly warnings: readonly Warning[]
}

/** `checking`: the dump is read through; `loading`; `counting` rows. */
export type DatabaseStep = 'checking' | 'loading' | 'counting'

/** The server that dumps are loaded into. Throws E_CONFIG. */
export function mustHaveServer({ database, file }: Pick<Config, 'database' | 'file'>): DatabaseConfig {
  if (database !== null) return database
  throw new BackupError('E_CONFIG', `There is no "database" in ${file}, so there is no server to load a dump into.`, {
    advice: 'Add the section "database", with host, user, password and name.',
  })
}

/** Opens a server for `use` and removes what that needed. Rejects with E_DUMP when there is no client program. */
export async function withServer<T>(config: DatabaseConfig, use: (server: SqlServer) => Promise<T>): Promise<T> {
  const program = await findClientProgram(config.dumpCommand)
  const folder = await privateFolder()
  try {
    return await use({ config, program, folder })
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

async function privateFolder(): Promise<string> {
  try {
    return await mkdtemp(path.join(tmpdir(), 'dicom-backup-'))
  } catch (error) {
    throw new BackupError('E_STATE', `The folder ${tmpdir()} cannot be written to (${systemCode(error)}).`, {
      advice: 'Check the rights on it and the space on its disk, or name another in TMPDIR.',
      cause: error,
    })
  }
}

/** Rejects with E_CONFIG when the database holds something that is not to be overwritten, else as the server does. */
export async function mustBeFree({
  server,
  name,
  overwrite,
  signal,
}: Pick<DatabaseRestoreOptions, 'server' | 'name' | 'overwrite' | 'signal'>): Promise<void> {
  if (overwrite || (await databaseState(server, name, signal)) !== 'filled') return
  const live = name === server.config.name ? ', the one that is backed up,' : ''
  throw new BackupError('E_CONFIG', `--database: the database ${name}${live} is not empty.`, {
    advice:
      'Name one that does not exist yet, as in --database viewer_restored, or have everything in it replaced with --overwrite.',
  })
}

/**
 * Loads a dump into a database that does not exist, is empty, or is to be overwritten: then the dump is read through first,
 * and only when it is whole the database is dropped. Rejects with E_CONFIG when it is not free, with E_AUTH or E_DUMP in the
 * client's own words, with what `content` throws. When it had begun to load, the message says that the database is incomplete.
 */
export async function restoreDatabase(dump: StoredDump, options: DatabaseRestoreOptions): Promise<LoadedDatabase> {
  const { server, name, onStep, signal } = options
  await mustBeFree(options)
  const state = await databaseState(server, name, signal)
  const facts = await serverFacts(server, signal)
  const defaults = defaultsOf(dump)
  if (state === 'filled') {
    onStep('checking')
    await readThrough(dump, facts, options)
    await dropDatabase(server, name, signal)
  }
  if (state === 'empty') await alterDatabase(server, name, defaults, signal)
  else await createDatabase(server, name, defaults, signal)
  onStep('loading')
  const statements = statementsOf(dump, facts, options)
  try {
    await loadDatabase(server, name, statements, signal)
    if (dump.hasLastLine && !statements.findings.complete) throw cut()
    const { guessedCollation } = statements.findings
    if (defaults.charset === null && guessedCollation !== null)
      await alterDatabase(server, name, guessedCollation, signal)
  } catch (error) {
    const missing = await missingAccounts(statements.findings, options).catch(() => '')
    throw incomplete(name, asBackupError(error, signal), missing)
  }
  onStep('counting')
  const counts = await countRows(server, name, signal)
  const { findings } = statements
  return { ...counts, renamed: findings.renamed, warnings: await warningsOf(dump, findings, options) }
}

function defaultsOf({ about }: StoredDump): Defaults {
  return { charset: about?.charset ?? null, collation: about?.collation ?? null }
}

function statementsOf(
  dump: StoredDump,
  { longestStatement, ignoreCase }: ServerFacts,
  { name, isolated, onBytes, signal }: DatabaseRestoreOptions,
): DumpStatements {
  return dumpStatements(counted(dump.content(signal), onBytes), {
    names: { source: dump.about?.name ?? null, target: name, also: [], ignoreCase },
    isolated,
    guessCollation: defaultsOf(dump).charset === null,
    longestStatement,
  })
}

async function readThrough(dump: StoredDump, facts: ServerFacts, options: DatabaseRestoreOptions): Promise<void> {
  const statements = statementsOf(dump, facts, options)
  for await (const bytes of statements) if (bytes.length > 0) options.signal.throwIfAborted()
  if (dump.hasLastLine && !statements.findings.complete) throw cut()
}

async function* counted(
  content: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    onBytes(piece.length)
    yield piece
  }
}

function cut(): BackupError {
  return new BackupError(
    'E_DUMP',
    'The dump in the archive is not whole: its last line, "-- Dump completed", is missing.',
    {
      advice: 'Take an older archive; or extract the dump with --to and load it by hand, as far as it goes.',
    },
  )
}

function incomplete(name: string, error: BackupError, missing: string): BackupError {
  const { code, message, advice } = error
  return new BackupError(code, `${message} The database ${name} is incomplete: do not use it.`, {
    advice: [missing, advice, 'When the cause is removed, restore again with --overwrite.']
      .filter((text) => text !== '')
      .join(' '),
    cause: error,
  })
}
