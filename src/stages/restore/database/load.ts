import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { asBackupError, BackupError, systemCode } from '../../../pipeline/contract/errors.ts'
import type { Warning } from '../../contract/results.ts'
import type { Config, DatabaseConfig } from '../../config/types.ts'
import { findClientProgram } from './client-program.ts'
import { defaultsOf, fill, statementsOf, type DatabaseRestoreOptions, type StoredDump } from './fill.ts'
import { replaceDatabase } from './replace.ts'
import { missingAccounts, warningsOf } from './warnings.ts'
import {
  alterDatabase,
  countRows,
  createDatabase,
  databaseState,
  serverFacts,
  type RowCounts,
  type SqlServer,
} from './server.ts'

export type { DatabaseRestoreOptions, DatabaseStep, StoredDump } from './fill.ts'

export interface LoadedDatabase extends RowCounts {
  readonly renamed: readonly string[]
  readonly warnings: readonly Warning[]
}

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
 * Loads a dump into a database that does not exist, is empty, or is to be overwritten: then it is loaded beside that and
 * takes its place. Rejects with E_CONFIG when it is not free, with E_AUTH or E_DUMP in the client's own words, with what
 * `content` throws. The message says when the database is incomplete; one that was to be overwritten is then as it was.
 */
export async function restoreDatabase(dump: StoredDump, options: DatabaseRestoreOptions): Promise<LoadedDatabase> {
  const { server, name, isolated, onStep, signal } = options
  await mustBeFree(options)
  const state = await databaseState(server, name, signal)
  const facts = await serverFacts(server, signal)
  const loaded = state === 'filled' ? await replaceDatabase(dump, facts, options) : await fillNew()
  const { findings, warnings } = loaded
  onStep('counting')
  const counts = await countRows(server, name, signal)
  return {
    ...counts,
    renamed: findings.renamed,
    warnings: [...(await warningsOf(dump, findings, options)), ...warnings],
  }

  async function fillNew(): ReturnType<typeof replaceDatabase> {
    const defaults = defaultsOf(dump)
    if (state === 'empty') await alterDatabase(server, name, defaults, signal)
    else await createDatabase(server, name, defaults, signal)
    onStep('loading')
    const statements = statementsOf(dump, facts, { name, also: [], disableEvents: isolated }, options)
    try {
      return { findings: await fill(dump, statements, name, options), warnings: [] }
    } catch (error) {
      const missing = await missingAccounts(statements.findings, options).catch(() => '')
      throw incomplete(name, asBackupError(error, signal), missing)
    }
  }
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
