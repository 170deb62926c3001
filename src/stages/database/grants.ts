/** What an account may do, read from the lines of SHOW GRANTS. */
export interface Grants {
  /** Whether a privilege is given on everything. */
  everywhere(privilege: string): boolean
  /** Whether a privilege is given on the whole of a database, there or everywhere. */
  inDatabase(privilege: string, database: string): boolean
  /**
   * The pattern by which a database is named in a grant on it, as it stands there; null when there is none. A further grant
   * has to name it likewise: of several patterns that cover a database the server takes one, and what the others give is
   * lost.
   */
  patternOf(database: string): string | null
  /** Whether a privilege is given on a table, there or on its database or everywhere. */
  onTable(privilege: string, database: string, table: string): boolean
}

interface Grant {
  readonly privileges: ReadonlySet<string>
  /** As it stands in the grant: a pattern with `%` and `_`, or '*' for every database. */
  readonly database: string
  /** '*' for every table. */
  readonly table: string
}

const NAME = /`((?:[^`]|``)*)`|\*/.source
const GRANT = new RegExp(String.raw`^GRANT (.+?) ON (?:TABLE )?(${NAME})\.(${NAME}) TO `)

/**
 * Reads lines such as "GRANT SELECT, SHOW VIEW ON `viewer`.* TO `backup`@`localhost`" (MySQL and MariaDB manuals, "SHOW
 * GRANTS"). Lines on routines, roles and proxies, and privileges on single columns, say nothing about a dump.
 */
export function readGrants(lines: readonly string[]): Grants {
  const grants: Grant[] = []
  for (const line of lines) {
    const match = GRANT.exec(line)
    if (match === null) continue
    const [, list = '', database = '', databaseName, table = '', tableName] = match
    const privileges = list.split(/,\s*(?![^(]*\))/).map((privilege) => privilege.trim().toUpperCase())
    grants.push({
      privileges: new Set(privileges),
      database: database === '*' ? '*' : unquote(databaseName),
      table: table === '*' ? '*' : unquote(tableName),
    })
  }
  const given = (privilege: string, covers: (grant: Grant) => boolean): boolean =>
    grants.some(({ privileges, ...grant }) => {
      const all = privileges.has('ALL PRIVILEGES') || privileges.has('ALL')
      return (all || privileges.has(privilege)) && covers({ privileges, ...grant })
    })
  const covers = (grant: Grant, database: string): boolean => grant.database === '*' || like(grant.database, database)

  return {
    everywhere: (privilege) => given(privilege, (grant) => grant.database === '*'),
    inDatabase: (privilege, database) => given(privilege, (grant) => grant.table === '*' && covers(grant, database)),
    patternOf: (database) => {
      const patterns = grants
        .filter((grant) => grant.table === '*' && grant.database !== '*' && covers(grant, database))
        .map((grant) => grant.database)
      // The server takes the one with the most characters before its first wildcard.
      const exact = (pattern: string): number => {
        const at = pattern.replaceAll(/\\./g, 'xx').search(/[%_]/)
        return at < 0 ? Infinity : at
      }
      return patterns.toSorted((a, b) => exact(b) - exact(a))[0] ?? null
    },
    onTable: (privilege, database, table) =>
      given(privilege, (grant) => covers(grant, database) && (grant.table === '*' || grant.table === table)),
  }
}

function unquote(name = ''): string {
  return name.replaceAll('``', '`')
}

/** SQL's LIKE, by which the database of a grant is meant; names are compared without case, as on Windows. */
function like(pattern: string, text: string): boolean {
  const expression = pattern.replace(/\\?[\s\S]/gu, (part) => {
    if (part === '%') return '.*'
    if (part === '_') return '.'
    const character = part.length > 1 && part.startsWith('\\') ? part.slice(1) : part
    return character.replace(/[.*+?^${}()|[\]\\/]/, '\\$&')
  })
  return new RegExp(`^${expression}$`, 'isu').test(text)
}
