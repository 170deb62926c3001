import { asBackupError } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'
import { inspectDatabase, type DatabaseInspection } from '../database/inspect.ts'
import { knowsHistory } from '../dump/arguments.ts'
import { identifyClient } from '../dump/client.ts'
import { findDumpProgram } from '../dump/find-program.ts'
import { canDump } from '../dump/try-dump.ts'
import { lacksOf, notInspected } from './dump-warnings.ts'
import type { Warning } from '../contract/results.ts'

/** What a dump would come to, before it is made. */
export interface ForeseenDump {
  /** About what it will take; null when only the dump program can sign in, which does not say. */
  readonly estimatedBytes: number | null
  /** What the run would warn of. */
  readonly warnings: readonly Warning[]
}

/**
 * Inspects the database as a run does before its dump. Where only the dump program can sign in, a run is made and warns,
 * so this does, too. Rejects as the run would: with E_AUTH or E_DUMP when the database or the dump program cannot be used.
 */
export async function foreseeDump(database: DatabaseConfig, signal: AbortSignal): Promise<ForeseenDump> {
  const client = await identifyClient(await findDumpProgram(database.dumpCommand), signal)
  let found: DatabaseInspection
  try {
    found = await inspectDatabase(database, signal)
  } catch (thrown) {
    const failure = asBackupError(thrown, signal)
    if (signal.aborted || !(await canDump(database, signal))) throw failure
    const text = `The dump program can sign in to the database ${database.name}, but this program cannot inspect it, so the size of the dump is unknown and not in the estimate.`
    return { estimatedBytes: null, warnings: [notInspected(text, failure)] }
  }
  const made = { client: client.name, history: knowsHistory(client) }
  return { estimatedBytes: found.estimatedBytes, warnings: lacksOf(database, found, made) }
}
