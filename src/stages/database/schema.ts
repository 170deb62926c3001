import { createHash } from 'node:crypto'
import { clientFailure } from './client.ts'
import type { Query } from './connect.ts'
import { accountName, quoteName } from './privileges.ts'

/** A view that the server cannot show (its table, column, function or definer is gone), so that no program can dump it. */
export interface BrokenView {
  readonly name: string
  /** The server's own words, with the error number: "View 'v.w' references invalid table(s) … (1356)". */
  readonly reason: string
  /** The statement that makes it, as the server has it; null when the account may not see it. */
  readonly definition: string | null
}

/** What a database was made with, to compare two moments. */
export interface Schema {
  /** A digest of each table, view, trigger and routine, by what it is called: 'table studies', 'trigger audit'. */
  readonly objects: ReadonlyMap<string, string>
  readonly brokenViews: readonly BrokenView[]
}

/** Tables of the database and what each is: 'BASE TABLE', 'VIEW', 'SYSTEM VERSIONED', 'SEQUENCE'. */
export interface NamedTable {
  readonly name: string
  readonly type: string
}

/** A statement that was ended, and would succeed at another time: locks, limits of time, the server's own end. */
const PASSING = new Set([1040, 1053, 1203, 1205, 1213, 1317, 1927, 1969, 3024])

/** What changes with every row and is no part of a table's structure. */
const COUNTER = /\bAUTO_INCREMENT=\d+ ?/

/**
 * Reads how each table, view, trigger and routine of the connection's database was made. Asks for each view what a dump
 * program asks: one that the server refuses to show is broken. `mayShowViews`: whether the account has the privileges to
 * ask; without them no view is taken for broken. Rejects as the connection does.
 */
export async function readSchema(query: Query, tables: readonly NamedTable[], mayShowViews: boolean): Promise<Schema> {
  const objects = new Map<string, string>()
  const brokenViews: BrokenView[] = []
  for (const { name, type } of tables) {
    const isView = type === 'VIEW'
    const made = await answer(query, `SHOW CREATE TABLE ${quoteName(name)}`)
    const statement = createStatement(made.rows)
    objects.set(`${isView ? 'view' : 'table'} ${name}`, digest(statement?.replace(COUNTER, '') ?? made.refusal ?? ''))
    if (!isView || !mayShowViews) continue
    const reason = made.refusal ?? (await answer(query, `SHOW FIELDS FROM ${quoteName(name)}`)).refusal
    if (reason !== null) {
      brokenViews.push({ name, reason, definition: statement ?? (await storedDefinition(query, name)) })
    }
  }
  for (const row of await query(TRIGGERS)) objects.set(`trigger ${row['name']}`, digest(String(row['made'])))
  for (const row of await query(ROUTINES)) objects.set(`${row['kind']} ${row['name']}`, digest(String(row['made'])))
  return { objects, brokenViews }
}

const TRIGGERS = `
  SELECT trigger_name AS name, CONCAT_WS(' ', event_object_table, action_timing, event_manipulation, action_statement) AS made
  FROM information_schema.triggers WHERE trigger_schema = DATABASE()`

const ROUTINES = `
  SELECT LOWER(routine_type) AS kind, routine_name AS name, last_altered AS made
  FROM information_schema.routines WHERE routine_schema = DATABASE()`

/** What differs between two moments, for people: 'table studies was altered', 'view worklist was dropped'. */
export function schemaChanges(before: Schema, after: Schema): string[] {
  const changes: string[] = []
  for (const [name, made] of before.objects) {
    const now = after.objects.get(name)
    if (now === undefined) changes.push(`${name} was dropped`)
    else if (now !== made) changes.push(`${name} was altered`)
  }
  for (const name of after.objects.keys()) if (!before.objects.has(name)) changes.push(`${name} was created`)
  return changes
}

type Rows = Awaited<ReturnType<Query>>

/** The rows, or in what words the server refused them. Rejects when there was no answer, or one that passes. */
async function answer(
  query: Query,
  sql: string,
  values: readonly string[] = [],
): Promise<{ readonly rows: Rows; readonly refusal: string | null }> {
  try {
    return { rows: await query(sql, values), refusal: null }
  } catch (error) {
    const { isAnswer, number, words } = clientFailure(error)
    if (!isAnswer || number === null || PASSING.has(number)) throw error
    return { rows: [], refusal: `${words} (${number})` }
  }
}

/** `Create Table` or `Create View`, the second column. */
function createStatement([row]: Rows): string | null {
  const statement: unknown = row === undefined ? undefined : Object.values(row)[1]
  return typeof statement === 'string' ? statement : null
}

/** A view whose definer is gone is shown by no SHOW, but its parts stand where the server lists all views. */
async function storedDefinition(query: Query, name: string): Promise<string | null> {
  const sql = `SELECT view_definition AS body, definer, security_type AS security, check_option AS checked
    FROM information_schema.views WHERE table_schema = DATABASE() AND table_name = ?`
  const [row] = (await answer(query, sql, [name])).rows
  const body: unknown = row?.['body']
  if (typeof body !== 'string' || body === '') return null
  const account = accountName(String(row?.['definer']))
  const checked = row?.['checked'] === 'NONE' ? '' : ` WITH ${String(row?.['checked'])} CHECK OPTION`
  return `CREATE DEFINER=${account} SQL SECURITY ${String(row?.['security'])} VIEW ${quoteName(name)} AS ${body}${checked}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
