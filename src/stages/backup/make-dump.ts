import { asBackupError, BackupError } from '../../pipeline/contract/errors.ts'
import { spool } from '../../pipeline/files/spool.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { DatabaseError } from '../database/fault.ts'
import { inspectDatabase } from '../database/inspect.ts'
import { dumpDatabase, type DumpSummary } from '../dump/dump.ts'
import { dumpWarnings, type Inspected } from './dump-warnings.ts'
import type { DumpFact } from './run-facts.ts'

/** How often a dump is tried again after the database's structure changed under it. */
const RETRIES = 3
/** "Table definition has changed, please retry transaction" */
const TABLE_ALTERED = 1412
/** A table that is gone, a view over something that is gone: the inspection before the next try knows of it. */
const OBJECT_GONE = [1146, 1356, 1449]

export interface DumpPlace {
  /** The run's folder, which only this user can read. */
  readonly folder: string
  /** Where the dump is written. */
  readonly file: string
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/**
 * Dumps the database into a file. Views that the server cannot show are left out, as one of them would end the dump; a
 * table that is altered meanwhile has the dump made again. Resolves with what is known of the dump, and with warnings of
 * all that it lacks or may lack. Rejects as `dumpDatabase` and `spool` do.
 */
export async function makeDump(database: DatabaseConfig, place: DumpPlace): Promise<DumpFact> {
  const { signal } = place
  for (let retries = 0; ; retries += 1) {
    const before = await inspected(database, signal)
    const mtimeMs = Date.now()
    try {
      const summary = await dumpInto(database, before, place)
      const after = await inspected(database, signal)
      const { tables, bytes, client } = summary
      const leftOut = leftOutViews(before)
      return {
        mtimeMs,
        summary: { tables, bytes, client, ...(leftOut.length === 0 ? {} : { leftOut }) },
        charset: 'found' in before ? before.found.charset : null,
        collation: 'found' in before ? before.found.collation : null,
        warnings: dumpWarnings(database, { before, after, made: summary }),
      }
    } catch (error) {
      if (retries === RETRIES || !mayHelpToRetry(error) || signal.aborted) throw error
    }
  }
}

async function dumpInto(
  database: DatabaseConfig,
  before: Inspected,
  { folder, file, onBytes, signal }: DumpPlace,
): Promise<DumpSummary> {
  const content =
    'found' in before
      ? {
          leaveOut: before.found.schema.brokenViews.map(({ name }) => name),
          history: before.found.versioned.length > 0,
        }
      : { leaveOut: [], history: false }
  const made = dumpDatabase(database, { folder, signal, content })
  await spool(made, file, { onBytes, signal })
  if (made.summary === null) throw new BackupError('E_INTERNAL', 'The dump ended without a summary.')
  return made.summary
}

function leftOutViews(before: Inspected): NonNullable<DumpFact['summary']['leftOut']> {
  if (!('found' in before)) return []
  return before.found.schema.brokenViews.map(({ name, reason, definition }) => ({ view: name, reason, definition }))
}

/** What keeps the database from being dumped, the dump program says itself; what only this account lacks shows later. */
async function inspected(database: DatabaseConfig, signal: AbortSignal): Promise<Inspected> {
  try {
    return { found: await inspectDatabase(database, signal) }
  } catch (thrown) {
    const failure = asBackupError(thrown, signal)
    if (signal.aborted) throw failure
    return { failure }
  }
}

function mayHelpToRetry(error: unknown): boolean {
  if (!(error instanceof DatabaseError) || error.number === null) return false
  return error.number === TABLE_ALTERED || OBJECT_GONE.includes(error.number)
}
