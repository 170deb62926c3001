import { readGrants } from '../../database/grants.ts'
import { accountName, everyTable } from '../../database/privileges.ts'
import type { DatabaseConfig } from '../../config/types.ts'
import { StateConnection } from './connection.ts'
import { NEEDED_TABLES, presentTables } from './tables.ts'

/** What is known of a state before a run writes to it. */
export interface StateInspection {
  /** Tables that the first run makes. */
  readonly missingTables: readonly string[]
  /** Empty when the account may do all that is needed. */
  readonly missingPrivileges: readonly string[]
  /** The statement by which an administrator gives them; '' when none is missing. */
  readonly grant: string
}

const NEEDED = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']

/** Looks at the tables and at what may be done with them; changes nothing. Rejects with E_STATE, and like `presentTables`. */
export async function inspectState(database: DatabaseConfig): Promise<StateInspection> {
  const connection = new StateConnection(database)
  try {
    const present = await presentTables(connection, database)
    const missingTables = NEEDED_TABLES.filter((name) => !present.has(name))
    const grants = readGrants((await connection.rows('SHOW GRANTS')).map((row) => String(Object.values(row)[0])))
    const [account] = await connection.rows('SELECT CURRENT_USER() AS name')
    const missingPrivileges = [
      ...NEEDED.filter((one) => !NEEDED_TABLES.every((table) => grants.onTable(one, database.name, table))),
      ...(missingTables.length > 0 && !grants.inDatabase('CREATE', database.name) ? ['CREATE'] : []),
    ]
    const to = accountName(String(account?.['name']))
    const grant = `GRANT ${missingPrivileges.join(', ')} ON ${everyTable(database.name, grants)} TO ${to};`
    return { missingTables, missingPrivileges, grant: missingPrivileges.length === 0 ? '' : grant }
  } finally {
    await connection.close()
  }
}
