/** On a server with other defaults than the source's: what a restore makes, and what it leaves alone. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import mysql from 'mysql2/promise'
import { BackupError } from '../../../../src/pipeline/contract/errors.ts'
import { inspectDatabase } from '../../../../src/stages/database/inspect.ts'
import { dumpDatabase } from '../../../../src/stages/dump/dump.ts'
import {
  restoreDatabase,
  withServer,
  type LoadedDatabase,
  type StoredDump,
} from '../../../../src/stages/restore/database/load.ts'
import { besideName } from '../../../../src/stages/restore/database/replace.ts'
import { databaseConfig, startMariaDb, type MariaDb } from '../../../support/mariadb.ts'

const never = new AbortController().signal

let server: MariaDb
before(async () => {
  server = await startMariaDb({
    options: [
      '--character-set-server=latin1',
      '--collation-server=latin1_german1_ci',
      '--max-allowed-packet=1M',
      '--event-scheduler=OFF',
    ],
  })
})
after(() => server.close())

/** Makes a database, in utf8mb4_spanish_ci, and gives its dump as an archive of today has it. */
async function dumped(name: string, sql: string): Promise<StoredDump & { readonly text: string }> {
  await server.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_spanish_ci`)
  await server.query(sql, name)
  const config = databaseConfig(server, name)
  const content = { leaveOut: [], history: false }
  const pieces: Buffer[] = []
  for await (const piece of dumpDatabase(config, { folder: path.dirname(server.socket), signal: never, content })) {
    pieces.push(Buffer.from(piece))
  }
  const text = Buffer.concat(pieces).toString('latin1')
  const { charset, collation } = await inspectDatabase(config, never)
  const about = { name, tables: 1, bytes: text.length, client: 'mariadb-dump', charset, collation, lacks: [] }
  return { ...asDump(text, about), text }
}

function asDump(text: string, about: StoredDump['about']): StoredDump {
  const bytes = Buffer.from(text, 'latin1')
  return {
    hasLastLine: true,
    about,
    async *content() {
      for (let at = 0; at < bytes.length; at += 5000) yield await Promise.resolve(bytes.subarray(at, at + 5000))
    },
  }
}

interface Options {
  readonly overwrite?: boolean
  readonly isolated?: boolean
  readonly signal?: AbortSignal
  readonly user?: string
  readonly lockWaitS?: number
}

async function restored(dump: StoredDump, name: string, options: Options = {}): Promise<LoadedDatabase> {
  const { overwrite = false, isolated = false, signal = never, user, lockWaitS = 60 } = options
  const config = databaseConfig(server, 'any', user === undefined ? {} : { user, password: 'pw' })
  return await withServer(config, (opened) =>
    restoreDatabase(dump, {
      server: opened,
      name,
      overwrite,
      isolated,
      lockWaitS,
      onStep: () => undefined,
      onBytes: () => undefined,
      signal,
    }),
  )
}

const collation = async (name: string): Promise<unknown> =>
  (
    await server.query(
      `SELECT default_collation_name AS name FROM information_schema.schemata WHERE schema_name = '${name}'`,
    )
  )[0]?.['name']
const codes = ({ warnings }: LoadedDatabase): string[] => warnings.map(({ code }) => code)
const leftovers = (): Promise<unknown[]> => server.query("SHOW DATABASES LIKE '%dicom\\_backup%'")

/** Everything in a database, without the times and numbers that each creation has of its own. */
async function everything(name: string): Promise<unknown> {
  const lists = {
    columns:
      'SELECT table_name, column_name, column_type, collation_name, column_default FROM information_schema.columns WHERE table_schema',
    keys: 'SELECT constraint_name, unique_constraint_schema, table_name, referenced_table_name FROM information_schema.referential_constraints WHERE constraint_schema',
    views: 'SELECT table_name, view_definition, definer FROM information_schema.views WHERE table_schema',
    triggers:
      'SELECT trigger_name, event_object_table, action_statement, database_collation FROM information_schema.triggers WHERE trigger_schema',
    routines:
      'SELECT routine_name, routine_type, routine_definition, database_collation FROM information_schema.routines WHERE routine_schema',
    events: 'SELECT event_name, event_definition, status FROM information_schema.events WHERE event_schema',
  }
  const found: Record<string, unknown> = { collation: await collation(name) }
  for (const [what, sql] of Object.entries(lists)) {
    const rows = await server.query(`${sql} = '${name}' ORDER BY 1, 2`)
    found[what] = JSON.parse(JSON.stringify(rows).replaceAll(name, 'NAME')) as unknown
  }
  return found
}

const FULL = `
  CREATE TABLE p (id INT PRIMARY KEY, n VARCHAR(20));
  CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT of_p FOREIGN KEY (p) REFERENCES p (id));
  CREATE SEQUENCE s; CREATE TABLE d (id BIGINT DEFAULT NEXTVAL(s) PRIMARY KEY, n INT);
  CREATE TABLE versions (a INT) WITH SYSTEM VERSIONING;
  INSERT INTO p VALUES (1, 'one'), (2, 'two'); INSERT INTO c VALUES (1, 1); INSERT INTO d (n) VALUES (1), (2);
  CREATE VIEW w AS SELECT p.id, p.n FROM p JOIN c ON c.p = p.id; CREATE VIEW ww AS SELECT * FROM w;
  CREATE FUNCTION f(x VARCHAR(20)) RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM p WHERE n = x);
  CREATE EVENT e ON SCHEDULE EVERY 1 HOUR STARTS '2030-01-01 00:00:00' DO DELETE FROM p WHERE id = 9;
  CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW SET NEW.p = NEW.p;
`

describe('the default collation of a restored database', () => {
  test('is that of the source, in a new one and in one that was there', async () => {
    const dump = await dumped('one', `${FULL} CREATE PROCEDURE find(x VARCHAR(20)) SELECT * FROM p WHERE n = x;`)
    await restored(dump, 'one_new')
    await server.query('CREATE DATABASE one_there')
    await restored(dump, 'one_there')
    for (const name of ['one_new', 'one_there']) {
      assert.equal(await collation(name), 'utf8mb4_spanish_ci')
      assert.deepEqual(await everything(name), await everything('one'))
      // With another default these would compare two collations, which is an error.
      await server.query("CALL find('one')", name)
      await server.query('CREATE TABLE later (n VARCHAR(20)); SELECT * FROM later JOIN p ON p.n = later.n', name)
    }
  })

  test('is that of the tables in an archive of an earlier version, for its routines too', async () => {
    const { text } = await dumped('two', FULL)
    await restored(asDump(text, { name: 'two', tables: 4, bytes: 1, client: 'x' }), 'two_copy')
    assert.deepEqual(await everything('two_copy'), await everything('two'))
  })

  test('is that which the dump says, beside routines that were made under another one', async () => {
    const dump = await dumped('three', `${FULL} ALTER DATABASE three CHARACTER SET latin2;`)
    assert.match(dump.text, /ALTER DATABASE `three`/)
    await server.query('ALTER DATABASE three COLLATE latin2_croatian_ci')
    await restored(dump, 'three_test', { isolated: true })
    assert.equal(await collation('three'), 'latin2_croatian_ci', 'the live one is as it was')
    await server.query('DROP DATABASE three')
    for (const [name, archived] of [
      ['three_copy', dump],
      ['three_older', asDump(dump.text, { name: 'three', tables: 4, bytes: 1, client: 'x' })],
    ] as const) {
      await restored(archived, name)
      assert.equal(await collation(name), 'latin2_general_ci')
      const [routine] = await server.query(`SHOW CREATE FUNCTION ${name}.f`)
      assert.equal(routine?.['Database Collation'], 'utf8mb4_spanish_ci')
    }
  })
})

describe('what a restore does beside the live database', () => {
  test('acts on the copy alone, and says what it changed and what it could not', async () => {
    const dump = await dumped(
      'four',
      `CREATE TABLE log (who VARCHAR(64)); CREATE DATABASE elsewhere; CREATE TABLE elsewhere.x (a INT);
       CREATE PROCEDURE note() INSERT INTO four.log VALUES (DATABASE());
       CREATE PROCEDURE dynamic() EXECUTE IMMEDIATE 'INSERT INTO four.log VALUES (1)';
       CREATE VIEW far AS SELECT a FROM elsewhere.x;
       CREATE EVENT e ON SCHEDULE EVERY 1 HOUR DO CALL four.note()`,
    )
    const result = await restored(dump, 'four_copy')
    assert.deepEqual(result.renamed.toSorted(), ['event e', 'procedure note'])
    assert.deepEqual(codes(result), ['events-run-twice', 'names-in-text', 'other-databases'])
    assert.match(result.warnings[0]?.message ?? '', /events of both run: e\..*ALTER EVENT `four_copy`\.`e` DISABLE;/)
    assert.match(result.warnings[1]?.message ?? '', /procedure dynamic/)
    assert.match(result.warnings[2]?.message ?? '', /elsewhere \(view far\)/)
    await server.query('CALL four_copy.note()')
    assert.deepEqual(await server.query('SELECT who FROM four.log'), [])
    assert.equal((await server.query('SELECT who FROM four_copy.log'))[0]?.['who'], 'four_copy')
  })

  test('makes the events of a test disabled', async () => {
    const dump = await dumped('five', 'CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO DO 1; CREATE TABLE t (a INT)')
    const status = async (name: string): Promise<unknown> =>
      (await server.query(`SELECT status FROM information_schema.events WHERE event_schema = '${name}'`))[0]?.['status']
    assert.deepEqual(codes(await restored(dump, 'five_test', { isolated: true })), [])
    assert.equal(await status('five_test'), 'DISABLED')
    await restored(dump, 'five_copy')
    assert.equal(await status('five_copy'), 'ENABLED')
  })
})

describe('accounts that the server lacks', () => {
  test('are named with what needs them and the statements that help, whether or not it loads', async () => {
    await server.query('CREATE USER owner@localhost; GRANT ALL ON *.* TO owner@localhost')
    const loads = await dumped(
      'six',
      'CREATE TABLE t (a INT); CREATE DEFINER=owner@localhost TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1',
    )
    const fails = await dumped(
      'seven',
      'CREATE DEFINER=owner@localhost FUNCTION f() RETURNS INT RETURN 1; CREATE DEFINER=owner@localhost VIEW w AS SELECT f() AS x; CREATE TABLE t (a INT)',
    )
    assert.deepEqual(codes(await restored(loads, 'six_with')), [])
    await server.query('DROP USER owner@localhost')
    const { warnings } = await restored(loads, 'six_without')
    assert.equal(warnings[0]?.code, 'definers-missing')
    assert.match(warnings[0].message, /owner@localhost \(trigger tr\).*CREATE USER `owner`@`localhost`/)
    const named = {
      message: /ERROR 1449 .*'owner'@'localhost'/,
      advice: /owner@localhost \(function f, view w\).*CREATE USER/,
    }
    await assert.rejects(restored(fails, 'seven_copy'), named)
    await server.query('CREATE DATABASE seven_live; CREATE TABLE seven_live.mine (a INT)')
    await assert.rejects(restored(fails, 'seven_live', { overwrite: true }), {
      ...named,
      message: /1449.*The database seven_live is as it was/,
    })
    assert.equal((await server.query('SHOW TABLES', 'seven_live')).length, 1)
  })
})

describe('a row that the server held', () => {
  test('loads into the same server, though its digits are more than max_allowed_packet', async () => {
    const dump = await dumped(
      'eight',
      "CREATE TABLE r (id INT PRIMARY KEY, pdf LONGBLOB, hash BINARY(200)); INSERT INTO r VALUES (1, REPEAT(UNHEX('255044465C270A0D001AC3BF'), 58000), REPEAT('\\\\', 200)), (2, '', NULL)",
    )
    assert.ok(dump.text.length > 1.3e6)
    await restored(dump, 'eight_copy')
    const sums = await server.query('CHECKSUM TABLE eight.r, eight_copy.r')
    assert.equal(sums[1]?.['Checksum'], sums[0]?.['Checksum'])
  })

  test('that is longer still is told with its table, and nothing was dropped', async () => {
    const { text } = await dumped('nine', 'CREATE TABLE t (a LONGBLOB); INSERT INTO t VALUES (1)')
    const long = text.replace(/VALUES\s*\(0x31\)/, `VALUES (0x${'25'.repeat(1_100_000)})`)
    assert.notEqual(long, text)
    await assert.rejects(restored(asDump(long, null), 'nine', { overwrite: true }), {
      code: 'E_DUMP',
      message: /table t is longer than the server takes.*1048576.*The database nine is as it was/,
      advice: /max_allowed_packet/,
    })
    assert.equal((await server.query('SELECT * FROM t', 'nine')).length, 1)
    assert.deepEqual(await leftovers(), [])
  })
})

describe('overwriting a database', () => {
  const LIVE = `
    CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE c (id INT, p INT, CONSTRAINT of_p FOREIGN KEY (p) REFERENCES p (id));
    CREATE TABLE mine (a INT); INSERT INTO mine VALUES (7); CREATE SEQUENCE s; CREATE VIEW w AS SELECT * FROM mine;
    CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW SET @a = 'Ü;\n\\\\';
    CREATE FUNCTION f() RETURNS INT RETURN 3; CREATE PROCEDURE mine() SELECT 1;
    CREATE EVENT mine ON SCHEDULE EVERY 1 HOUR STARTS '2030-01-01 00:00:00' DO DO 1;
  `

  test('brings back tables, keys, sequences, views, triggers, routines and events as they were, and leaves nothing', async () => {
    const dump = await dumped('ten', FULL)
    const original = await everything('ten')
    await server.query('DROP DATABASE ten; CREATE DATABASE ten')
    await server.query(LIVE, 'ten')
    // What calls that were killed have left.
    await server.query(`CREATE DATABASE ten_dicom_backup_new; CREATE TABLE ten_dicom_backup_new.x (a INT);
      CREATE DATABASE ten_dicom_backup_old; CREATE TABLE ten_dicom_backup_old.x (a INT)`)
    const result = await restored(dump, 'ten', { overwrite: true })
    assert.deepEqual([result.warnings, result.renamed], [[], []])
    assert.deepEqual(await everything('ten'), original)
    assert.deepEqual(await leftovers(), [])
    await server.query('INSERT INTO d (n) VALUES (3); INSERT INTO c VALUES (2, 2)', 'ten')
    assert.equal((await server.query('SELECT * FROM ww', 'ten')).length, 2)
    await assert.rejects(server.query('INSERT INTO c VALUES (3, 3)', 'ten'), /foreign key/)
  })

  test('under another name than the source, what named the source names it', async () => {
    const dump = await dumped('eleven', `${FULL} CREATE PROCEDURE q() SELECT COUNT(*) AS n FROM \`eleven\`.p;`)
    await server.query('CREATE DATABASE eleven_live')
    await server.query(LIVE, 'eleven_live')
    const result = await restored(dump, 'eleven_live', { overwrite: true })
    assert.deepEqual(result.renamed, ['procedure q'])
    assert.deepEqual(await everything('eleven_live'), await everything('eleven'))
  })

  test('that fails or is stopped at any moment of the load leaves it as it was', async () => {
    const dump = await dumped('twelve', FULL)
    await server.query('DROP DATABASE twelve; CREATE DATABASE twelve')
    await server.query(LIVE, 'twelve')
    const before = await everything('twelve')
    const spoiled = dump.text.replace('CREATE TRIGGER', 'CREATE TIGGER').replace(' TRIGGER t ', ' TIGGER t ')
    assert.notEqual(spoiled, dump.text)
    await assert.rejects(restored(asDump(spoiled, dump.about), 'twelve', { overwrite: true }), /1064.*is as it was/)
    const stop = new AbortController()
    const stopped: StoredDump = {
      ...dump,
      async *content(signal) {
        for await (const piece of dump.content(signal)) {
          yield piece
          stop.abort()
        }
      },
    }
    await assert.rejects(restored(stopped, 'twelve', { overwrite: true, signal: stop.signal }), { code: 'E_ABORTED' })
    assert.deepEqual(await everything('twelve'), before)
    assert.equal((await server.query('SELECT * FROM mine', 'twelve')).length, 1)
    assert.deepEqual(await leftovers(), [])
  })

  test('whose tables are in use leaves it as it was, with its triggers', async () => {
    const dump = await dumped('fifteen', FULL)
    await server.query('DROP DATABASE fifteen; CREATE DATABASE fifteen')
    await server.query(LIVE, 'fifteen')
    const before = await everything('fifteen')
    const user = await mysql.createConnection({ socketPath: server.socket, user: 'root', database: 'fifteen' })
    try {
      await user.query('LOCK TABLES p READ')
      await assert.rejects(restored(dump, 'fifteen', { overwrite: true, lockWaitS: 1 }), {
        message: /1205.*The database fifteen is as it was/,
        advice: /in use/,
      })
    } finally {
      await user.end()
    }
    assert.deepEqual(await everything('fifteen'), before)
    assert.deepEqual(await leftovers(), [])
  })

  test('is refused while tables of other databases point into it', async () => {
    const dump = await dumped('thirteen', FULL)
    await server.query('CREATE DATABASE pointing')
    await server.query('CREATE TABLE x (p INT, FOREIGN KEY (p) REFERENCES thirteen.p (id))', 'pointing')
    await assert.rejects(restored(dump, 'thirteen', { overwrite: true }), {
      code: 'E_CONFIG',
      message: /pointing\.x/,
    })
    await server.query('DROP DATABASE pointing')
  })

  test('by an account without the right to load beside it says which right', async () => {
    const dump = await dumped('fourteen', FULL)
    await server.query("CREATE USER narrow@localhost IDENTIFIED BY 'pw'; GRANT ALL ON fourteen.* TO narrow@localhost")
    await assert.rejects(restored(dump, 'fourteen', { overwrite: true, user: 'narrow' }), (error: unknown) => {
      assert.ok(error instanceof BackupError)
      assert.equal(error.code, 'E_AUTH')
      assert.match(error.message, /The database fourteen is as it was/)
      assert.match(error.advice, /GRANT ALL ON `fourteen_dicom_backup_new`/)
      return true
    })
  })

  test('has names for what it makes that a server takes, however long the name is', () => {
    for (const name of ['viewer', 'x'.repeat(47), 'x'.repeat(48), 'ü'.repeat(64)]) {
      const names = [besideName(name, 'new'), besideName(name, 'old')]
      assert.equal(new Set([name, ...names]).size, 3)
      for (const one of names) assert.ok(one.length <= 64 && one.includes('_dicom_backup_'), one)
    }
  })
})
