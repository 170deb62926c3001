import type { Query } from './connect.ts'
import { readGrants, type Grants } from './grants.ts'

/** A privilege that a dump needs and the account does not have. */
export interface MissingPrivilege {
  /** 'TRIGGER', 'SHOW VIEW', … */
  readonly privilege: string
  /** What of the database it shows. */
  readonly shows: 'tables' | 'views' | 'triggers' | 'events' | 'routines'
  /** What comes of it, as the end of a sentence: 'triggers are left out of the dump'. */
  readonly effect: string
  /** The statement by which an administrator gives it. */
  readonly grant: string
}

export interface Server {
  /** As the server says: '10.11.6-MariaDB', '8.0.36'. */
  readonly version: string
  readonly flavour: 'mysql' | 'mariadb'
}

/** MySQL manual, "mysqldump": the privileges of a dump in a single transaction without tablespaces. */
const NEEDED: readonly Omit<MissingPrivilege, 'grant'>[] = [
  { privilege: 'SELECT', shows: 'tables', effect: 'the tables cannot be read' },
  { privilege: 'SHOW VIEW', shows: 'views', effect: 'the dump fails as soon as there is a view' },
  { privilege: 'TRIGGER', shows: 'triggers', effect: 'triggers are left out of the dump' },
  { privilege: 'EVENT', shows: 'events', effect: 'the dump fails when it asks for events' },
]

/** Any one of them shows the names of the routines. */
const ON_ROUTINES = ['EXECUTE', 'ALTER ROUTINE', 'CREATE ROUTINE', 'SHOW CREATE ROUTINE']

/** The privileges that a dump of the connection's `database` needs and the signed-in account lacks. */
export async function missingPrivileges(query: Query, server: Server, database: string): Promise<MissingPrivilege[]> {
  const lines = (await query('SHOW GRANTS')).map((row) => String(Object.values(row)[0]))
  const grants = readGrants(lines)
  const [account] = await query('SELECT CURRENT_USER() AS name')
  const to = accountName(String(account?.['name']))
  const here = everyTable(database, grants)

  const missing = NEEDED.filter(({ privilege }) => !grants.inDatabase(privilege, database)).map((need) => ({
    ...need,
    grant: `GRANT ${need.privilege} ON ${here} TO ${to};`,
  }))
  if (await seesAllRoutines(query, grants, database)) return missing
  const { privilege, on } = routinePrivilege(server, here)
  const effect = 'procedures and functions of other accounts are left out, or make the dump fail'
  return [...missing, { privilege, shows: 'routines', effect, grant: `GRANT ${privilege} ON ${on} TO ${to};` }]
}

/**
 * Routines are shown to who may read the table they are kept in, or everything. To others with a privilege on routines
 * their names are shown, but only the bodies that are theirs to see, so that a lack is known only when there are some.
 */
async function seesAllRoutines(query: Query, grants: Grants, database: string): Promise<boolean> {
  if (grants.onTable('SELECT', 'mysql', 'proc') || grants.everywhere('SHOW_ROUTINE')) return true
  if (!ON_ROUTINES.some((privilege) => grants.inDatabase(privilege, database))) return false
  const hidden = await query(
    'SELECT 1 FROM information_schema.routines WHERE routine_schema = DATABASE() AND routine_definition IS NULL LIMIT 1',
  )
  return hidden.length === 0
}

/** What gives the sight of every routine: MySQL 8.0.20, MariaDB 11.3; before them a table of the server's own. */
function routinePrivilege({ version, flavour }: Server, here: string): { privilege: string; on: string } {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (flavour === 'mysql' && major >= 8) return { privilege: 'SHOW_ROUTINE', on: '*.*' }
  if (flavour === 'mariadb' && (major > 11 || (major === 11 && minor >= 3)))
    return { privilege: 'SHOW CREATE ROUTINE', on: here }
  return { privilege: 'SELECT', on: '`mysql`.`proc`' }
}

/** All tables of a database, as a grant names them: as an earlier one does, else exactly, with `_` and `%` escaped. */
export function everyTable(database: string, grants: Grants): string {
  return `${quoteName(grants.patternOf(database) ?? database.replace(/[_%\\]/g, '\\$&'))}.*`
}

/** `user@host` as SQL: the host begins at the last `@`. */
export function accountName(account: string): string {
  const at = account.lastIndexOf('@')
  return `${quoteName(account.slice(0, at))}@${quoteName(account.slice(at + 1))}`
}

/** A name as SQL. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
