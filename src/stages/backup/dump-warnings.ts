import type { BackupError } from '../../pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../config/types.ts'
import type { DatabaseInspection } from '../database/inspect.ts'
import { schemaChanges, type BrokenView } from '../database/schema.ts'
import type { DumpSummary } from '../dump/dump.ts'
import type { Warning } from '../contract/results.ts'

/** What the database holds, or why it could not be inspected. */
export type Inspected = { readonly found: DatabaseInspection } | { readonly failure: BackupError }

/** What is known of a dump once it is made. */
export interface MadeDump {
  readonly before: Inspected
  readonly after: Inspected
  readonly made: DumpSummary
}

/** Names of one kind that a message lists. */
const NAMED = 20

/**
 * What a dump lacks or may lack, though the dump program ended well: it passes over in silence what its account may not
 * see, what an option of this machine excludes, and what changes while it works.
 */
export function dumpWarnings(database: DatabaseConfig, { before, after, made }: MadeDump): Warning[] {
  if (!('found' in before)) {
    const text = `The database ${database.name} was dumped but could not be inspected, so it is unknown whether tables, triggers, routines or events are missing from the dump.`
    return [notInspected(text, before.failure)]
  }
  const { found } = before
  return [
    ...lacksOf(database, found, made),
    ...('found' in after
      ? [
          ...tablesMissing(Math.min(found.tables, after.found.tables), made),
          ...schemaChanged(schemaChanges(found.schema, after.found.schema)),
        ]
      : [notComparedAfter(after.failure.message)]),
  ]
}

/** What is known of a dump's lacks before it is made, from the inspection and the program that makes it. */
export function lacksOf(
  { user }: DatabaseConfig,
  { missingPrivileges, schema, versioned }: DatabaseInspection,
  program: Pick<DumpSummary, 'client' | 'history'>,
): Warning[] {
  return [
    ...missingPrivileges.map(({ privilege, effect, grant }) => ({
      code: 'dump-privileges',
      message: `The database account ${user} is missing ${privilege}: ${effect}. As an administrator of the database: ${grant}`,
    })),
    ...viewsLeftOut(schema.brokenViews),
    ...historyLeftOut(versioned, program),
  ]
}

/** `text` says what was not inspected and what is unknown for that. */
export function notInspected(text: string, { message, advice }: BackupError): Warning {
  return { code: 'database-not-inspected', message: `${text} ${sentence(message)} ${advice}`.trim() }
}

function notComparedAfter(why: string): Warning {
  return {
    code: 'database-not-inspected',
    message: `The database could not be inspected after the dump, so it is unknown whether a table was altered meanwhile. ${sentence(why)}`,
  }
}

function viewsLeftOut(views: readonly BrokenView[]): Warning[] {
  if (views.length === 0) return []
  const message = `The dump is missing ${listed(
    'view',
    views.map(({ name, reason }) => `${name}: ${reason}`),
  )}. The server cannot show ${views.length === 1 ? 'it' : 'them'}; what is known of the definition is in the archive's manifest. Repair or drop ${views.length === 1 ? 'the view' : 'the views'}.`
  return [{ code: 'dump-views', message }]
}

function historyLeftOut(
  versioned: readonly string[],
  { history, client }: Pick<DumpSummary, 'client' | 'history'>,
): Warning[] {
  if (versioned.length === 0 || history) return []
  const message = `The dump is missing the earlier rows of system-versioned tables: ${client} cannot dump them (${listed('table', versioned)}). Set database.dumpCommand to a mariadb-dump of 10.11 or later.`
  return [{ code: 'dump-history', message }]
}

function tablesMissing(expected: number, made: DumpSummary): Warning[] {
  if (made.tables >= expected) return []
  const message = `The dump has ${made.tables} of the database's ${expected} tables. Look for ignore-table in this machine's options for mysqldump.`
  return [{ code: 'dump-tables', message }]
}

function schemaChanged(changes: readonly string[]): Warning[] {
  if (changes.length === 0) return []
  const named = changes.slice(0, NAMED).join(', ')
  const more = changes.length > NAMED ? ` and ${changes.length - NAMED} more` : ''
  const message = `The structure of the database changed while it was dumped, so the dump may hold either state of it: ${named}${more}. Run the backup again when the change is done.`
  return [{ code: 'dump-schema-changed', message }]
}

/** '2 views (a, b)' */
function listed(kind: string, names: readonly string[]): string {
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : ''
  return `${names.length} ${kind}${names.length === 1 ? '' : 's'} (${names.slice(0, NAMED).join('; ')}${more})`
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`
}
