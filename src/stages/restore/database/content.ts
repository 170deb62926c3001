/** What a database holds, as its server lists it. */
import { ask, quoted, unhex, type SqlServer } from './server.ts'

export interface DatabaseContent {
  /** With sequences, without views. */
  readonly tables: readonly string[]
  readonly views: readonly string[]
  readonly triggers: readonly string[]
  readonly events: readonly string[]
  readonly routines: readonly { readonly kind: 'FUNCTION' | 'PROCEDURE' | 'PACKAGE'; readonly name: string }[]
}

/** Names in hex, as they may have line breaks. */
const CONTENT = `
  SELECT table_type, HEX(table_name) FROM information_schema.tables WHERE table_schema = DATABASE();
  SELECT 'TRIGGER', HEX(trigger_name) FROM information_schema.triggers WHERE trigger_schema = DATABASE();
  SELECT 'EVENT', HEX(event_name) FROM information_schema.events WHERE event_schema = DATABASE();
  SELECT routine_type, HEX(routine_name) FROM information_schema.routines WHERE routine_schema = DATABASE();
`
const TABLES = ['BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE']
const ROUTINES = ['FUNCTION', 'PROCEDURE', 'PACKAGE'] as const

export async function contentOf(server: SqlServer, name: string, signal: AbortSignal): Promise<DatabaseContent> {
  const rows = await ask(server, name, CONTENT, `The database ${name} cannot be inspected`, signal)
  const all = rows.map((row) => {
    const [kind = '', hex = ''] = row.split('\t')
    return { kind, name: unhex(hex) }
  })
  const of = (...kinds: readonly string[]): string[] =>
    all.filter(({ kind }) => kinds.includes(kind)).map((one) => one.name)
  return {
    tables: of(...TABLES),
    views: of('VIEW'),
    triggers: of('TRIGGER'),
    events: of('EVENT'),
    // A package's body goes with it.
    routines: ROUTINES.flatMap((kind) => of(kind).map((routine) => ({ kind, name: routine }))),
  }
}

export async function listTables(server: SqlServer, name: string, signal: AbortSignal): Promise<readonly string[]> {
  return (await contentOf(server, name, signal)).tables
}

/** A trigger, and the statement that makes it. */
export interface SavedTrigger {
  readonly name: string
  readonly mode: string
  readonly statement: string
}

export async function savedTriggers(
  server: SqlServer,
  database: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<SavedTrigger[]> {
  if (names.length === 0) return []
  const sql = names.map((name) => `SHOW CREATE TRIGGER ${quoted(name)};\n`).join('')
  const rows = await ask(server, database, sql, `The triggers of the database ${database} cannot be read`, signal)
  return rows.map((row, index) => {
    const [, mode = '', statement = ''] = row.split('\t').map(unescaped)
    return { name: names[index] ?? '', mode, statement }
  })
}

/** Makes triggers again that were dropped. */
export async function putBack(
  server: SqlServer,
  database: string,
  triggers: readonly SavedTrigger[],
  signal: AbortSignal,
): Promise<void> {
  if (triggers.length === 0) return
  const sql = triggers.map(({ name, mode, statement }) => {
    const delimiter = `$$${name.replaceAll(/\W/g, '')}$$`
    return `SET sql_mode = '${mode}';\nDROP TRIGGER IF EXISTS ${quoted(name)};\nDELIMITER ${delimiter}\n${statement}\n${delimiter}\nDELIMITER ;\n`
  })
  await ask(
    server,
    database,
    sql.join(''),
    `Triggers of the database ${database} were dropped and not made again`,
    signal,
  )
}

/** As the client program writes a value in one line. */
function unescaped(value: string): string {
  const characters: Readonly<Record<string, string>> = { n: '\n', t: '\t', '0': '\0', '\\': '\\' }
  return value.replaceAll(/\\([nt0\\])/g, (_, letter: string) => characters[letter] ?? letter)
}
