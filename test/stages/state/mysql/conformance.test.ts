import path from 'node:path'
import { after, before } from 'node:test'
import { describeState } from '../../../conformance/state.ts'
import { startMariaDb, type MariaDb } from '../../../support/mariadb.ts'
import { mysqlPlace } from '../../../support/mysql-state.ts'

const stateModule = path.resolve(import.meta.dirname, '../../../../src/stages/state/mysql/mysql-state.ts')

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

describeState('MySQL', async (t) => {
  const place = await mysqlPlace(t, server)
  return {
    open: () => place.open(),
    openToRead: () => place.openToRead(),
    opening: `import { MysqlState } from ${JSON.stringify(new URL(`file://${stateModule}`).href)}
      const state = await MysqlState.open(${JSON.stringify(place.config)})`,
    async contents() {
      const tables = await place.query('SHOW TABLES')
      const names = tables.map((row) => String(Object.values(row)[0]))
      const sums = names.length === 0 ? [] : await place.query(`CHECKSUM TABLE ${names.join(', ')}`)
      return [names, sums]
    },
  }
})
