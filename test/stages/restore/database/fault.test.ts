import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DatabaseConfig } from '../../../../src/stages/config/types.ts'
import { dumpFailure } from '../../../../src/stages/dump/failure.ts'
import { clientFault, errorNumber } from '../../../../src/stages/restore/database/fault.ts'
import { databaseConfig, type MariaDb } from '../../../support/mariadb.ts'

const server = { host: '127.0.0.1', port: 3306, socket: '', user: 'u', password: 'secret' } as MariaDb
const config: DatabaseConfig = databaseConfig(server, 'viewer')
const said = (stderr: string): string =>
  clientFault('It failed', config, 'copy', { status: 1, signal: null, stdout: '', stderr }).message

describe("the client program's words", () => {
  test('have a number of one to five digits', () => {
    for (const number of [1, 13, 126, 1049, 13117]) {
      assert.equal(errorNumber({ stderr: `--------------\nERROR ${number} (HY000) at line 4: x` }), number)
    }
    assert.equal(errorNumber({ stderr: 'ERROR at line 1: Unknown command' }), null)
  })

  test('are not cut at an apostrophe, and are where they begin to quote', () => {
    assert.match(
      said("ERROR 9999 (HY000) at line 4: Can't do that, it isn't there: 'Müller' is"),
      /Can't do that, it isn't there: …$/,
    )
    assert.match(said("ERROR 9999 (HY000) at line 4: the table's row `Müller` isn't"), /the table's row …$/)
    assert.match(said("ERROR 9999 (HY000) at line 4: 'Müller' isn't 'O'Brien'"), /at line 4: …$/)
  })

  test('are whole where they quote names only', () => {
    assert.match(said("ERROR 1 (HY000) at line 40: Can't create/write to file './live/db.opt' (Errcode: 2)"), /db\.opt/)
    assert.match(
      said("ERROR 1100 (HY000) at line 46: Table 's' was not locked with LOCK TABLES"),
      /Table 's' was not locked/,
    )
    assert.match(
      said("ERROR 1449 (HY000) at line 8: The user specified as a definer ('a'@'b') does not exist"),
      /'a'@'b'/,
    )
  })
})

test("the dump program's number is the last one in brackets, of one to five digits", () => {
  const meant = (stderr: string): string =>
    dumpFailure(config, 'mariadb-dump', { status: 2, signal: null, stderr }).advice
  assert.match(meant("mariadb-dump: Couldn't execute 'show create table `w (12)`': no such account (1449)"), /view/)
  assert.match(meant("mariadb-dump: Couldn't execute 'SELECT 1': Table is damaged (126)"), /REPAIR TABLE/)
  assert.equal(meant("mariadb-dump: Couldn't execute 'SELECT 1': something new (13117)"), '')
})
