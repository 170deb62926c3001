import { BackupError } from '../../../pipeline/contract/errors.ts'
import type { ManifestHead } from '../../zip/manifest.ts'
import type { DumpFindings } from './findings.ts'
import { alterDatabase, loadDatabase, type Defaults, type ServerFacts, type SqlServer } from './server.ts'
import { dumpStatements, type DumpStatements } from './statements.ts'

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
  /** Replace a database that holds something, once the dump is loaded beside it. */
  readonly overwrite: boolean
  /** Nothing of it may have an effect outside of the database: a test. */
  readonly isolated: boolean
  /** How long tables that are in use are waited for before they are replaced. s. */
  readonly lockWaitS?: number
  /** Hears what is being done now. */
  readonly onStep: (step: DatabaseStep) => void
  /** Hears of bytes of the dump that were read, of the step at hand. */
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

/** `loading`; `replacing` what is there with what was loaded beside it; `counting` rows. */
export type DatabaseStep = 'loading' | 'replacing' | 'counting'

export function defaultsOf({ about }: StoredDump): Defaults {
  return { charset: about?.charset ?? null, collation: about?.collation ?? null }
}

/** The database that a dump is loaded into. */
export interface FillTarget {
  readonly name: string
  /** Further names that mean it. */
  readonly also: readonly string[]
  readonly disableEvents: boolean
  /** As in DumpOptions. */
  readonly onDefinition?: (bytes: Buffer) => void
}

/** A dump's statements for a database. */
export function statementsOf(
  dump: StoredDump,
  { longestStatement, ignoreCase }: ServerFacts,
  { name, also, disableEvents, onDefinition }: FillTarget,
  { isolated, onBytes, signal }: DatabaseRestoreOptions,
): DumpStatements {
  return dumpStatements(countBytes(dump.content(signal), onBytes), {
    names: { source: dump.about?.name ?? null, target: name, also, ignoreCase },
    isolated,
    disableEvents,
    guessCollation: defaultsOf(dump).charset === null,
    longestStatement,
    ...(onDefinition === undefined ? {} : { onDefinition }),
  })
}

/** Loads a dump into a database that is empty. Rejects as the client does, with E_DUMP for a dump that is not whole. */
export async function fill(
  dump: StoredDump,
  statements: DumpStatements,
  name: string,
  { server, signal }: Pick<DatabaseRestoreOptions, 'server' | 'signal'>,
): Promise<DumpFindings> {
  const { findings } = statements
  await loadDatabase(server, name, statements, signal)
  if (dump.hasLastLine && !findings.complete) throw cut()
  const { guessedCollation } = findings
  if (defaultsOf(dump).charset === null && guessedCollation !== null) {
    await alterDatabase(server, name, guessedCollation, signal)
  }
  return findings
}

async function* countBytes(
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
