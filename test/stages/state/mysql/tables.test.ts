/** The tables: made where they are missing, used as they are where they are not. */
import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { inspectState } from '../../../../src/stages/state/mysql/inspect.ts'
import { MysqlState } from '../../../../src/stages/state/mysql/mysql-state.ts'
import { at, record } from '../../../conformance/state.ts'
import { databaseConfig, startMariaDb, type MariaDb } from '../../../support/mariadb.ts'
import { mysqlPlace, type MysqlPlace } from '../../../support/mysql-state.ts'
import { VIEWER_TABLES } from '../../../support/viewer-database.ts'

let server: MariaDb
before(async () => {
  // The strictest there is, and quotes that mean something else.
  server = await startMariaDb({ tcp: true, options: ['--sql-mode=TRADITIONAL,ANSI,NO_BACKSLASH_ESCAPES'] })
})
after(() => server.close())

const tablesOf = async (place: MysqlPlace): Promise<string[]> =>
  (await place.query('SHOW TABLES')).map((row) => String(Object.values(row)[0])).sort()

const ALL = [
  'backup_accounts',
  'backup_history',
  'backup_schedule_config',
  'dicom_backup_copies',
  'dicom_backup_format',
  'dicom_backup_lock',
  'dicom_backup_runs',
  'dicom_backup_verifications',
]

test('opening makes the tables that are missing, as the viewer would; opening to read makes none', async (t) => {
  const place = await mysqlPlace(t, server)
  assert.equal(await place.openToRead(), null)
  assert.deepEqual(await tablesOf(place), [])
  await place.open()
  assert.deepEqual(await tablesOf(place), ALL)
  const viewers = await mysqlPlace(t, server)
  await viewers.query(VIEWER_TABLES)
  const columns = (name: string): Promise<unknown> =>
    server.query(
      `SELECT table_name, column_name, column_type, is_nullable, column_default, extra FROM information_schema.columns
       WHERE table_schema = '${name}' AND table_name NOT LIKE 'dicom%' ORDER BY table_name, ordinal_position`,
    )
  assert.deepEqual(await columns(place.name), await columns(viewers.name))
})

test("the viewer's tables stay as they are, with what is in them, and are read without ours", async (t) => {
  const place = await mysqlPlace(t, server)
  await place.query(`${VIEWER_TABLES}
    INSERT INTO backup_accounts (account_name, backup_provider, dropbox_access_token) VALUES ('a', 'dropbox', 'sl.token');
    INSERT INTO backup_history (backup_filename, backup_date, status) VALUES ('x.zip', '2026-01-02 03:04:05', 'completed')`)
  const before = await place.query('SHOW CREATE TABLE backup_accounts')
  const reading = await place.openToRead()
  assert.ok(reading !== null)
  assert.deepEqual(
    (await reading.accounts()).map(({ name }) => name),
    ['a'],
  )
  assert.equal(await reading.copies(), 1)
  assert.deepEqual(await reading.archives(), ['x.zip'])
  assert.equal((await reading.history(3)).length, 1)
  assert.deepEqual(
    [
      await reading.lastGood(),
      await reading.lastVerification(),
      await reading.badArchives('a'),
      await reading.activeRun(),
    ],
    [null, null, [], null],
  )
  assert.equal((await tablesOf(place)).length, 3)
  const state = await place.open()
  await state.saveRun(record('1', { destinations: [at('a')] }))
  assert.deepEqual(await place.query('SHOW CREATE TABLE backup_accounts'), before)
  assert.equal(await state.copies(), 2)
})

test('further columns do not disturb, whatever they demand; nor other character sets and engines', async (t) => {
  const place = await mysqlPlace(t, server)
  await place.query(`${VIEWER_TABLES}
    ALTER TABLE backup_history ADD COLUMN created_by INT NOT NULL FIRST, ADD COLUMN hospital VARCHAR(10) NOT NULL,
      ADD COLUMN at TIMESTAMP NOT NULL, CONVERT TO CHARACTER SET latin1, ENGINE = MyISAM;
    ALTER TABLE backup_history MODIFY error_message VARCHAR(20) CHARACTER SET latin1 NULL;
    ALTER TABLE backup_accounts ADD COLUMN owner ENUM('x', 'y') NOT NULL, CONVERT TO CHARACTER SET latin1;
    ALTER TABLE backup_schedule_config ADD COLUMN note TEXT NOT NULL;
    INSERT INTO backup_accounts (account_name, owner) VALUES ('ä', 'x')`)
  const state = await place.open()
  const failed = { ...at('ä', 'failed'), error: { code: 'E_QUOTA', message: `Voll 🩻 ${'x'.repeat(100)}` } as const }
  await state.saveRun(record('1', { destinations: [failed, at('🩻')] }))
  await state.saveSchedule({ enabled: true, every: '3h', verify: 'never' })
  assert.equal(await state.copies(), 1)
  assert.deepEqual(await state.lastResult('ä'), failed)
  const rows = await place.query('SELECT status, error_message FROM backup_history ORDER BY id')
  assert.deepEqual(
    rows.map(({ status, error_message: words }) => [status, words]),
    [
      ['failed', 'Voll ? xxxxxxxxxxxxx'],
      ['completed', null],
    ],
  )
  const [account] = await place.query('SELECT last_backup_status FROM backup_accounts')
  assert.match(String(account?.['last_backup_status']), /^Voll \? x{100}$/)
})

test('a table that lacks a column is told, with what would add it; nothing is changed', async (t) => {
  const place = await mysqlPlace(t, server)
  await place.query('CREATE TABLE backup_history (id INT, backup_filename TEXT, backup_date DATETIME, status TEXT)')
  for (const open of [() => place.open(), () => place.openToRead()]) {
    await assert.rejects(open(), {
      code: 'E_STATE',
      message: new RegExp(
        `The state in the database ${place.name} at 127.0.0.1:\\d+ cannot be used: the table backup_history has no column gdrive_file_id, backup_size_bytes, backup_type, error_message`,
      ),
      advice: /ALTER TABLE backup_history ADD COLUMN gdrive_file_id VARCHAR\(255\) NULL, ADD COLUMN/,
    })
  }
  assert.deepEqual(await tablesOf(place), ['backup_history'])
})

async function asUser(t: TestContext, rights: string): Promise<MysqlPlace> {
  const place = await mysqlPlace(t, server)
  await server.query(
    `CREATE USER ${place.name}@'%' IDENTIFIED BY 'pw'; GRANT ${rights} ON ${place.name}.* TO ${place.name}@'%'`,
  )
  const database = databaseConfig(server, place.name, { user: place.name, password: 'pw' })
  return { ...place, config: { ...place.config, database }, open: () => place.open({ database }) }
}

test('an account that may not make tables, or not write, is told what it needs', async (t) => {
  const place = await asUser(t, 'SELECT')
  await assert.rejects(place.open(), {
    code: 'E_STATE',
    message: /CREATE command denied.*Nothing was started; earlier backups are unchanged\.$/s,
    advice: /GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON/,
  })
  await (await MysqlState.open({ ...place.config, database: databaseConfig(server, place.name) })).close()
  const state = await place.open()
  await assert.rejects(state.saveRun(record('1', { destinations: [at('a')] })), {
    code: 'E_STATE',
    message: /command denied/,
    advice: /GRANT SELECT, INSERT/,
  })
  assert.equal(await state.lastGood(), null)
})

test('an account that may write but not make tables will do where they are there', async (t) => {
  const place = await asUser(t, 'SELECT, INSERT, UPDATE, DELETE')
  await (await MysqlState.open({ ...place.config, database: databaseConfig(server, place.name) })).close()
  const state = await place.open()
  await state.saveRun(record('1', { destinations: [at('a')] }))
  assert.equal(await state.copies(), 1)
  await (await state.lock()).release()
})

test('tables of before there were versions are used by an account that may make none; one that may notes the version', async (t) => {
  const place = await asUser(t, 'SELECT, INSERT, UPDATE, DELETE')
  const whole = { ...place.config, database: databaseConfig(server, place.name) }
  await (await MysqlState.open(whole)).close()
  await place.query('DROP TABLE dicom_backup_format')
  const state = await place.open()
  await state.saveRun(record('1', { destinations: [at('a')] }))
  assert.ok(!(await tablesOf(place)).includes('dicom_backup_format'))
  assert.deepEqual((await inspectState(place.config.database)).missingPrivileges, [])
  await (await MysqlState.open(whole)).close()
  assert.deepEqual(await place.query('SELECT format FROM dicom_backup_format'), [{ format: 1 }])
  assert.equal(await state.copies(), 1)
})

test('tables of a newer version are refused, and nothing is changed', async (t) => {
  const place = await mysqlPlace(t, server)
  await (await place.open()).saveRun(record('1', { destinations: [at('a')] }))
  await place.query('UPDATE dicom_backup_format SET format = 2; DROP TABLE dicom_backup_lock')
  const checksums = async (): Promise<unknown> => {
    const rows = await Promise.all((await tablesOf(place)).map((table) => place.query(`CHECKSUM TABLE ${table}`)))
    return rows.flat()
  }
  const found = await checksums()
  for (const use of [() => place.open(), () => place.openToRead(), () => inspectState(place.config.database)]) {
    await assert.rejects(use(), {
      name: 'BackupError',
      code: 'E_STATE',
      message: new RegExp(`^The state in the database ${place.name} at .* was made by a newer version of dicom-backup`),
      advice: /^Nothing was changed.*Update dicom-backup/,
    })
  }
  assert.deepEqual(await checksums(), found)
})

test('a database that is not there, or not to be signed in to, is told by its place and without the password', async (t) => {
  const { config } = await mysqlPlace(t, server)
  const { database } = config
  for (const [change, words, advice] of [
    [{ name: 'none' }, /database none at 127\.0\.0\.1:\d+ cannot be used: Unknown database/, /database\.name/],
    [{ password: 'certainly wrong' }, /Access denied/, /database\.password/],
    [{ socket: '/no/socket' }, /at \/no\/socket cannot be used: .*ENOENT/, /database\.socket/],
    [{ port: 1 }, /at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/, /server is running/],
  ] as const) {
    await assert.rejects(MysqlState.open({ ...config, database: { ...database, ...change } }), (error: Error) => {
      assert.equal('code' in error && error.code, 'E_STATE')
      assert.match(error.message, words)
      assert.match(String('advice' in error && error.advice), advice)
      assert.doesNotMatch(error.message, /certainly wrong/)
      return true
    })
  }
})

test('a connection that the server drops between calls is made again; what was half written is not', async (t) => {
  const place = await mysqlPlace(t, server)
  const state = await place.open()
  const kill = async (): Promise<void> => {
    const rows = await server.query(`SELECT id FROM information_schema.processlist WHERE db = '${place.name}'`)
    assert.notEqual(rows.length, 0)
    for (const { id } of rows) await server.query(`KILL ${String(id)}`)
  }
  await kill()
  await state.saveRun(record('1', { destinations: [at('a')] }))
  await kill()
  assert.equal(await state.copies(), 1)
  await kill()
  await state.saveRun(record('1', { destinations: [at('a'), at('b')] }))
  assert.deepEqual([await state.copies(), (await state.history(9)).length], [2, 1])
  // One of the statements of a record fails: nothing of it is left.
  await place.query(
    `CREATE TRIGGER no_more BEFORE INSERT ON dicom_backup_copies FOR EACH ROW
     BEGIN IF NEW.destination = 'c' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no room'; END IF; END`,
  )
  await assert.rejects(state.saveRun(record('2', { destinations: [at('a'), at('c')] })), {
    code: 'E_STATE',
    message: /no room/,
  })
  assert.deepEqual([await state.copies(), (await state.history(9)).length], [2, 1])
})

test('a record that meets a lock of another program waits, and is written', async (t) => {
  const place = await mysqlPlace(t, server)
  const state = await place.open()
  await place.query("INSERT INTO backup_accounts (account_name) VALUES ('a')")
  const holding = place.query('START TRANSACTION; UPDATE backup_accounts SET folder_name = 1; DO SLEEP(1); COMMIT')
  await state.saveRun(record('1', { destinations: [at('a')] }))
  await holding
  assert.deepEqual(await place.query('SELECT last_backup_status AS s, folder_name AS f FROM backup_accounts'), [
    { s: 'success', f: '1' },
  ])
})
