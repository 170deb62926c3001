import { after, before, test } from 'node:test'
import { startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { startAtOnce } from '../support/two-machines.ts'

let server: MariaDb
before(async () => {
  server = await startMariaDb()
})
after(() => server.close())

test('of two machines that start a run at once one runs and the other says who does, 200 times', (t) =>
  startAtOnce(t, server, 200))
