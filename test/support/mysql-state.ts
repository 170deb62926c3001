/** States in the tables of a real MariaDB. */
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { DestinationConfig } from '../../src/stages/config/types.ts'
import { MysqlState, type MysqlStateConfig } from '../../src/stages/state/mysql/mysql-state.ts'
import { databaseConfig, type MariaDb, type Row } from './mariadb.ts'
import { tempFolder } from './temp-folder.ts'

export interface MysqlPlace {
  readonly config: MysqlStateConfig
  /** Of the database's name. */
  readonly name: string
  readonly open: (change?: Partial<MysqlStateConfig>) => Promise<MysqlState>
  readonly openToRead: () => Promise<MysqlState | null>
  readonly query: (sql: string) => Promise<Row[]>
}

let made = 0

/** An empty database with a state folder; the states that are opened by it are closed after the test. */
export async function mysqlPlace(
  t: TestContext,
  server: MariaDb,
  destinations: readonly DestinationConfig[] = [],
): Promise<MysqlPlace> {
  made += 1
  const name = `state_${made}`
  await server.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  const folder = path.join(await tempFolder(t), 'state')
  const config: MysqlStateConfig = {
    database: databaseConfig(server, name),
    state: { dir: folder },
    schedule: { enabled: true, every: '6h', verify: 'never' },
    destinations,
  }
  const kept = <T extends MysqlState | null>(state: T): T => {
    t.after(() => state?.close())
    return state
  }
  return {
    config,
    name,
    open: async (change = {}) => kept(await MysqlState.open({ ...config, ...change })),
    openToRead: async () => kept(await MysqlState.openToRead(config)),
    query: (sql) => server.query(sql, name),
  }
}
