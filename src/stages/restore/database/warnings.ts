/** What has to be known of a database that was restored. */
import type { Warning } from '../../contract/results.ts'
import { accountName } from '../../database/privileges.ts'
import type { DumpFindings } from './findings.ts'
import type { DatabaseRestoreOptions, StoredDump } from './fill.ts'
import { accountsOf, databaseState, quoted } from './server.ts'

type Options = Pick<DatabaseRestoreOptions, 'server' | 'name' | 'isolated' | 'signal'>

/** More would fill the screen. */
const MOST_NAMES = 10

export async function warningsOf(dump: StoredDump, findings: DumpFindings, options: Options): Promise<Warning[]> {
  return [
    ...(dump.about?.lacks ?? []),
    ...warning('definers-missing', await missingAccounts(findings, options)),
    ...warning('events-run-twice', await eventsBeside(findings, options)),
    ...warning('names-unclear', unclear(findings, options)),
    ...warning('names-in-text', inText(findings, options)),
    ...warning('other-databases', others(findings)),
  ]
}

const warning = (code: string, message: string): Warning[] => (message === '' ? [] : [{ code, message }])

/** The accounts that the server lacks and the dump's views and routines need, with what to do; '' when none is missing. */
export async function missingAccounts({ definers }: DumpFindings, { server, name, signal }: Options): Promise<string> {
  if (definers.size === 0) return ''
  const accounts = await accountsOf(server, signal)
  const missing = accounts === null ? [] : [...definers].filter(([definer]) => !accounts.has(definer))
  if (missing.length === 0) return ''
  const who = missing.map(([definer, what]) => `${definer} (${listed(what)})`).join('; ')
  const statements = missing.map(([definer]) =>
    definer.endsWith('@')
      ? `CREATE ROLE ${quoted(definer.slice(0, -1))};`
      : `CREATE USER ${accountName(definer)} IDENTIFIED BY '…'; GRANT ALL ON ${quoted(name)}.* TO ${accountName(definer)};`,
  )
  return `This server does not have these accounts, which parts of the database run as, so those parts fail: ${who}. Accounts and their grants are not in the backup. As an administrator of the database: ${statements.join(' ')}`
}

/** A test's events are made disabled. */
async function eventsBeside(
  { events, source }: DumpFindings,
  { server, name, isolated, signal }: Options,
): Promise<string> {
  if (isolated || events.length === 0 || source === null || source === name) return ''
  if ((await databaseState(server, source, signal)) === 'missing') return ''
  return `The database ${source} is on this server, too, and the events of both run: ${listed(events)}. To stop those of the copy: ${events
    .slice(0, MOST_NAMES)
    .map((event) => `ALTER EVENT ${quoted(name)}.${quoted(event)} DISABLE;`)
    .join(' ')}`
}

function unclear({ source, unclear: what }: DumpFindings, { name }: Options): string {
  if (what.length === 0 || source === name) return ''
  return `These may still name the database ${source ?? ''}, for a table or an alias has that name, too: ${listed(what)}. Compare them with the dump.`
}

function inText({ source, inText: what }: DumpFindings, { name }: Options): string {
  if (what.length === 0 || source === name) return ''
  return `These have the name of the database ${source ?? ''} in a text, which was not changed: ${listed(what)}. Where that text is run as a statement, it acts on that database.`
}

function others({ others: databases }: DumpFindings): string {
  if (databases.size === 0) return ''
  const all = [...databases].map(([database, what]) => `${database} (${listed(what)})`).join('; ')
  return `Other databases are named, which are not in this backup: ${all}.`
}

function listed(what: readonly string[]): string {
  const more = what.length > MOST_NAMES ? ` and ${what.length - MOST_NAMES} more` : ''
  return `${what.slice(0, MOST_NAMES).join(', ')}${more}`
}
