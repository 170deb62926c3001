/** Overwriting a database: the dump is loaded beside it, and only what is whole takes its place. */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { asBackupError, BackupError } from '../../../pipeline/contract/errors.ts'
import type { Warning } from '../../contract/results.ts'
import { contentOf, listTables, putBack, savedTriggers, type DatabaseContent } from './content.ts'
import { defaultsOf, fill, statementsOf, type DatabaseRestoreOptions, type StoredDump } from './fill.ts'
import type { DumpFindings } from './findings.ts'
import {
  ask,
  createDatabase,
  defaultsSql,
  dropDatabase,
  loadDatabase,
  quoted,
  unhex,
  type ServerFacts,
  type SqlServer,
} from './server.ts'
import { dumpStatements } from './statements.ts'
import { missingAccounts } from './warnings.ts'

/** From where tables change places on, a stop is not heard until they have. */
const TO_ITS_END = new AbortController().signal
const LOCK_WAIT_S = 60
const DROP_MS = 120_000
const LONGEST_NAME = 64

/**
 * Loads a dump into a database of its own, proves that all of it can be loaded, and puts it in the place of `name`. The
 * tables change places in one statement; views, triggers, routines and events, which cannot be moved, are made anew right
 * after it. Until then the database is as it was, whatever fails, and the message says so. What a killed call leaves are
 * the two databases of `besideName`, which the next one removes.
 */
export async function replaceDatabase(
  dump: StoredDump,
  facts: ServerFacts,
  options: DatabaseRestoreOptions,
): Promise<{ readonly findings: DumpFindings; readonly warnings: readonly Warning[] }> {
  const { server, name, signal, onStep, lockWaitS = LOCK_WAIT_S } = options
  const beside = besideName(name, 'new')
  const former = besideName(name, 'old')
  await mustStandAlone(server, name, signal)
  const file = path.join(server.folder, 'definitions.sql')
  const definitions = openSync(file, 'w', 0o600)
  let findings: DumpFindings
  try {
    for (const leftover of [beside, former]) await dropDatabase(server, leftover, signal)
    await createDatabase(server, beside, defaultsOf(dump), signal)
    onStep('loading')
    const onDefinition = (bytes: Buffer): void => {
      writeSync(definitions, bytes)
    }
    const target = { name: beside, also: [name], disableEvents: true, onDefinition }
    const statements = statementsOf(dump, facts, target, options)
    findings = statements.findings
    await fill(dump, statements, beside, options).catch(async (error: unknown) => {
      throw withAdvice(asBackupError(error, signal), await missingAccounts(findings, options).catch(() => ''))
    })
    onStep('replacing')
    await exchange(server, { name, beside, former }, lockWaitS)
  } catch (error) {
    const known = asBackupError(error, signal)
    if (!(known instanceof UnclearExchange)) await tryDrop(server, beside)
    throw known instanceof UnclearExchange ? known : asItWas(name, known)
  } finally {
    closeSync(definitions)
  }
  const defined = await define(file, dump, findings, facts, { server, name, beside }).catch((error: unknown) => {
    throw withoutDefinitions(name, former, asBackupError(error))
  })
  const left = [await tryDrop(server, former), await tryDrop(server, beside)].flatMap((one) => one ?? [])
  return { findings: defined, warnings: left.map(leftover) }
}

interface Names {
  readonly name: string
  readonly beside: string
  readonly former: string
}

/** A name that shows what it is for, and is the same in the next call. */
export function besideName(name: string, suffix: 'new' | 'old'): string {
  const end = `_dicom_backup_${suffix}`
  const characters = Array.from(name)
  if (characters.length + end.length <= LONGEST_NAME) return name + end
  const mark = `_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
  return characters.slice(0, LONGEST_NAME - end.length - mark.length).join('') + mark + end
}

/** Foreign keys of other databases would follow the former tables out of the database. */
async function mustStandAlone(server: SqlServer, name: string, signal: AbortSignal): Promise<void> {
  const sql = `SELECT HEX(CONCAT(constraint_schema, '.', table_name)) FROM information_schema.referential_constraints
    WHERE unique_constraint_schema = DATABASE() AND constraint_schema <> DATABASE();`
  const tables = await ask(server, name, sql, `The database ${name} cannot be inspected`, signal)
  if (tables.length === 0) return
  throw new BackupError(
    'E_CONFIG',
    `--overwrite: tables of other databases have foreign keys to the database ${name}: ${tables.map(unhex).join(', ')}.`,
    { advice: 'Drop those foreign keys first, or restore under another name.' },
  )
}

async function exchange(server: SqlServer, { name, beside, former }: Names, lockWaitS: number): Promise<void> {
  const what = `The tables of the database ${name} could not be replaced`
  const old = await contentOf(server, name, TO_ITS_END)
  const made = await contentOf(server, beside, TO_ITS_END)
  const triggers = await savedTriggers(server, name, old.triggers, TO_ITS_END)
  await createDatabase(server, former, { charset: null, collation: null }, TO_ITS_END)
  const move = (from: string, to: string, tables: readonly string[]): string[] =>
    tables.map((table) => `${quoted(from)}.${quoted(table)} TO ${quoted(to)}.${quoted(table)}`)
  const moves = [...move(name, former, old.tables), ...move(beside, name, made.tables)]
  const dropped = (database: string, { triggers: all }: DatabaseContent): string =>
    all.map((trigger) => `DROP TRIGGER ${quoted(database)}.${quoted(trigger)};\n`).join('')
  // A table that has triggers cannot leave its database.
  const sql = `SET SESSION lock_wait_timeout = ${lockWaitS};
    ${dropped(beside, made)}${dropped(name, old)}${moves.length === 0 ? '' : `RENAME TABLE ${moves.join(', ')};`}`
  try {
    await ask(server, null, sql, what, TO_ITS_END)
  } catch (error) {
    // The answer may be lost though the server has done it.
    const isDone = await listTables(
      server,
      moves.length > 0 && old.tables.length > 0 ? former : beside,
      TO_ITS_END,
    ).then(
      (tables) => (old.tables.length > 0 ? tables.length > 0 : tables.length === 0),
      () => null,
    )
    if (isDone === true) return
    if (isDone === null) throw new UnclearExchange(name, former, asBackupError(error))
    await putBack(server, name, triggers, TO_ITS_END)
    await tryDrop(server, former)
    throw error
  }
}

/** Makes what is no table, in the tables' new place. Gives what was found of it, with the names that it has there. */
async function define(
  file: string,
  dump: StoredDump,
  findings: DumpFindings,
  facts: ServerFacts,
  { server, name, beside }: Omit<Names, 'former'> & { readonly server: SqlServer },
): Promise<DumpFindings> {
  const { views, routines, events } = await contentOf(server, name, TO_ITS_END)
  const known = defaultsOf(dump)
  const defaults = defaultsSql(known.charset === null ? (findings.guessedCollation ?? known) : known)
  const drop = (kind: string, all: readonly string[]): string =>
    all.map((one) => `DROP ${kind} ${quoted(one)};\n`).join('')
  const first = [
    drop('EVENT', events),
    drop('VIEW', views),
    ...routines.map(({ kind, name: routine }) => drop(kind, [routine])),
    defaults === '' ? '' : `ALTER DATABASE ${quoted(name)}${defaults};\n`,
    ...(await ownSequences(server, name, beside)),
  ].join('')
  await ask(server, name, `${first}DO 0;`, `The former views and routines of ${name} could not be dropped`, TO_ITS_END)
  const statements = dumpStatements(createReadStream(file), {
    names: { source: findings.source, target: name, also: [], ignoreCase: facts.ignoreCase },
    isolated: false,
    disableEvents: false,
    guessCollation: false,
    longestStatement: null,
  })
  await loadDatabase(server, name, statements, TO_ITS_END)
  return statements.findings
}

/** A default that takes its value from a sequence names that with its database, which was the one beside. */
async function ownSequences(server: SqlServer, name: string, beside: string): Promise<string[]> {
  const sql = `SELECT HEX(table_name), HEX(column_name), HEX(column_default) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND LOCATE('nextval(', column_default) > 0;`
  const rows = await ask(server, name, sql, `The columns of ${name} cannot be inspected`, TO_ITS_END)
  return rows.map((row) => {
    const [table = '', column = '', value = ''] = row.split('\t').map(unhex)
    const own = value.replaceAll(`${quoted(beside)}.`, `${quoted(name)}.`)
    return `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(column)} SET DEFAULT ${own};\n`
  })
}

/** The name of a database that could not be dropped; null when it is gone. */
async function tryDrop(server: SqlServer, name: string): Promise<string | null> {
  return await dropDatabase(server, name, AbortSignal.timeout(DROP_MS)).then(
    () => null,
    () => name,
  )
}

const leftover = (name: string): Warning => ({
  code: 'database-left',
  message: `The database ${name}, which this restore made, could not be dropped. Drop it by hand: DROP DATABASE ${quoted(name)};`,
})

function withAdvice(error: BackupError, first: string): BackupError {
  if (first === '') return error
  return new BackupError(error.code, error.message, { advice: `${first} ${error.advice}`.trim(), cause: error.cause })
}

function asItWas(name: string, error: BackupError): BackupError {
  return new BackupError(error.code, `${error.message} The database ${name} is as it was.`, {
    advice: error.advice,
    cause: error,
  })
}

/** The connection broke while the tables changed places, and the server does not answer. */
class UnclearExchange extends BackupError {
  constructor(name: string, former: string, cause: BackupError) {
    super(
      'E_DUMP',
      `${cause.message} It is not known whether the tables have been replaced: if so, the former ones are in the database ${former}.`,
      { advice: `Once the server answers again, run the same restore of ${name} again.`, cause },
    )
  }
}

function withoutDefinitions(name: string, former: string, error: BackupError): BackupError {
  return new BackupError(
    error.code,
    `${error.message} The database ${name} has its tables from the backup; of its views, triggers, routines and events some are missing. The former tables are in the database ${former}.`,
    { advice: `${error.advice} Then run the same restore again.`.trim(), cause: error },
  )
}
