/** What a database may hold or do that a plain call of the dump program gets wrong, against a real server and program. */
import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { after, before, type TestContext } from 'node:test'
import { makeDump } from '../../../src/stages/backup/make-dump.ts'
import type { DumpFact } from '../../../src/stages/backup/run-facts.ts'
import type { DatabaseConfig } from '../../../src/stages/config/types.ts'
import { databaseConfig, findProgram, startMariaDb, type MariaDb } from '../../support/mariadb.ts'
import { tempFolder } from '../../support/temp-folder.ts'

let server: MariaDb
const live = new AbortController().signal

before(async () => {
  server = await startMariaDb({ tcp: true })
})
after(() => server.close())

interface Made {
  readonly fact: DumpFact
  readonly dump: Buffer
  /** The codes of its warnings. */
  readonly codes: readonly string[]
}

async function made(t: TestContext, name: string, change: Partial<DatabaseConfig> = {}): Promise<Made> {
  const folder = await tempFolder(t)
  const file = path.join(folder, 'dump.sql')
  const place = { folder, file, onBytes: () => undefined, signal: live }
  const fact = await makeDump(databaseConfig(server, name, change), place)
  return { fact, dump: await readFile(file), codes: fact.warnings.map(({ code }) => code) }
}

async function loaded(dump: Buffer, name: string): Promise<void> {
  await server.query(`CREATE DATABASE ${name}`)
  await server.load(name, dump)
}

/** A bash script in place of the dump program; what it is asked of itself, the real one answers. \`real\` is that one. */
async function script(t: TestContext, lines: string): Promise<string> {
  const file = path.join(await tempFolder(t), 'own-dump')
  const real = findProgram('mariadb-dump') ?? ''
  const client = `${findProgram('mariadb') ?? ''} --no-defaults --socket=${server.socket} --user=root`
  await writeFile(
    file,
    `#!/bin/bash
set -o pipefail
real() { ${real} "$@"; }
sql() { ${client} --execute="$1"; }
once() { mkdir "$0.done" 2>/dev/null; }
if [ "$2" = --version ] || [ "$2" = --help ]; then real "$@"; exit; fi
${lines}
`,
  )
  await chmod(file, 0o755)
  return file
}

test('a table that takes its ids from a sequence can be loaded, and the ids go on', async (t) => {
  await server.query('CREATE DATABASE ids')
  await server.query(
    `CREATE SEQUENCE s; CREATE TABLE report (id BIGINT DEFAULT NEXTVAL(s) PRIMARY KEY, n INT);
     INSERT INTO report (n) VALUES (1), (2)`,
    'ids',
  )
  const { dump, codes } = await made(t, 'ids')
  assert.deepEqual(codes, [])
  await loaded(dump, 'ids_back')
  await server.query('INSERT INTO report (n) VALUES (3)', 'ids_back')
  const rows = await server.query('SELECT n, COUNT(DISTINCT id) AS ids FROM report GROUP BY n', 'ids_back')
  assert.deepEqual(
    rows.map(({ n }) => n),
    [1, 2, 3],
  )
})

async function auditTrail(name: string): Promise<void> {
  await server.query(`CREATE DATABASE ${name}`)
  await server.query(
    `CREATE TABLE report (id INT PRIMARY KEY, txt TEXT) WITH SYSTEM VERSIONING;
     INSERT INTO report VALUES (1, 'first'), (2, 'gone'); UPDATE report SET txt = 'second' WHERE id = 1;
     DELETE FROM report WHERE id = 2`,
    name,
  )
}

const versions = (name: string): Promise<unknown[]> =>
  server.query('SELECT id, txt, row_end < NOW() AS past FROM report FOR SYSTEM_TIME ALL ORDER BY id, txt', name)

test('the earlier rows of a system-versioned table come back with it', async (t) => {
  await auditTrail('audit')
  const { dump, codes } = await made(t, 'audit')
  assert.deepEqual(codes, [])
  await loaded(dump, 'audit_back')
  assert.equal((await versions('audit')).length, 3)
  assert.deepEqual(await versions('audit_back'), await versions('audit'))
})

test('a dump program whose help does not know of earlier rows is not asked for them, and that is reported', async (t) => {
  await auditTrail('audit_old')
  const dumpCommand = await script(t, 'for word; do [ "$word" = --dump-history ] && exit 9; done; real "$@"')
  const text = await readFile(dumpCommand, 'utf8')
  const older = `if [ "$2" = --help ]; then real "$@" | grep -v dump-history; exit; fi\nif [ "$2" = --version`
  await writeFile(dumpCommand, text.replace('if [ "$2" = --version', older))
  const { fact, codes } = await made(t, 'audit_old', { dumpCommand })
  assert.deepEqual(codes, ['dump-history'])
  assert.match(fact.warnings[0]!.message, /mariadb-dump [\d.]+ cannot dump them \(1 table \(report\)\)/)
})

test('views that the server cannot show are left out by name, with their definitions kept', async (t) => {
  await server.query(
    `CREATE DATABASE views; CREATE USER 'old.admin'@localhost; GRANT ALL ON *.* TO 'old.admin'@localhost`,
  )
  await server.query(
    `CREATE TABLE t (i INT, c INT); INSERT INTO t VALUES (1, 2); CREATE TABLE gone (i INT); CREATE VIEW good AS SELECT i FROM t;
     CREATE DEFINER='old.admin'@localhost FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;
     CREATE DEFINER='old.admin'@localhost VIEW by_old_admin AS SELECT f() AS x;
     CREATE VIEW \`Übersicht "1".a\` AS SELECT * FROM gone; CREATE VIEW above AS SELECT * FROM \`Übersicht "1".a\`;
     CREATE VIEW column_gone AS SELECT c FROM t;
     DROP TABLE gone; ALTER TABLE t DROP c; DROP USER 'old.admin'@localhost`,
    'views',
  )
  const { fact, dump, codes } = await made(t, 'views')
  assert.deepEqual(codes, ['dump-views'])
  const { leftOut = [] } = fact.summary
  assert.deepEqual(
    leftOut.map(({ view }) => view),
    ['above', 'by_old_admin', 'column_gone', 'Übersicht "1".a'],
  )
  for (const { view, reason, definition } of leftOut) {
    assert.match(
      reason,
      view === 'by_old_admin' ? /'old\.admin'@'localhost'.*\(1449\)$/ : /references invalid.*\(1356\)$/,
    )
    assert.match(definition ?? '', /^CREATE .*VIEW .* AS select /i)
    assert.ok(fact.warnings[0]!.message.includes(`${view}: ${reason}`), view)
  }
  assert.match(leftOut[1]!.definition!, /DEFINER=`old\.admin`@`localhost` SQL SECURITY DEFINER VIEW `by_old_admin` AS/)
  await loaded(dump, 'views_back')
  assert.deepEqual(await server.query('SELECT * FROM good', 'views_back'), [{ i: 1 }])
  // What is kept makes the view again, once what it needs is there.
  await server.query('CREATE TABLE gone (i INT); INSERT INTO gone VALUES (7); DROP VIEW `Übersicht "1".a`', 'views')
  await server.query(leftOut[3]!.definition!, 'views')
  assert.deepEqual(await server.query('SELECT * FROM above', 'views'), [{ i: 7 }])
})

test('an account that may not show views has its dump fail, in the words of the server, and loses no view in silence', async (t) => {
  await server.query("CREATE USER blind@'%' IDENTIFIED BY 'x'; CREATE DATABASE unseen")
  await server.query('CREATE TABLE t (i INT); CREATE VIEW v AS SELECT * FROM t', 'unseen')
  await server.query("GRANT SELECT, TRIGGER, EVENT ON unseen.* TO blind@'%'")
  await assert.rejects(made(t, 'unseen', { user: 'blind', password: 'x' }), { code: 'E_AUTH', message: /SHOW VIEW/ })
})

/** Two tables, of which the first in the dump is more than a pipe holds: the program waits in it for its reader. */
async function twoTables(name: string): Promise<void> {
  await server.query(`CREATE DATABASE ${name}`)
  await server.query(
    `CREATE TABLE a (id INT PRIMARY KEY, filler LONGTEXT); INSERT INTO a SELECT seq, REPEAT('x', 500000) FROM seq_1_to_16;
     CREATE TABLE b (i INT PRIMARY KEY, c INT); INSERT INTO b VALUES (1, 2)`,
    name,
  )
}

test('a table that is altered while another is dumped has the dump made again', async (t) => {
  await twoTables('altered')
  const dumpCommand = await script(
    t,
    'if once; then real "$@" | { head -c 100000; sql "ALTER TABLE altered.b ADD d INT DEFAULT 3, ALGORITHM=COPY" >&2; cat; }\nelse real "$@"; fi',
  )
  const { dump, codes } = await made(t, 'altered', { dumpCommand })
  assert.deepEqual(codes, [], 'the second dump met no change')
  await loaded(dump, 'altered_back')
  assert.deepEqual(await server.query('SELECT * FROM b', 'altered_back'), [{ i: 1, c: 2, d: 3 }])
})

test('a dump that meets an altered table each time is tried again three times and fails in its words', async (t) => {
  await twoTables('restless')
  const log = path.join(await tempFolder(t), 'tries')
  const words =
    'mariadb-dump: Error 1412: Table definition has changed, please retry transaction when dumping table `b` at row: 0'
  const dumpCommand = await script(t, `echo x >> '${log}'; echo '${words}' >&2; exit 3`)
  await assert.rejects(made(t, 'restless', { dumpCommand }), { code: 'E_DUMP', message: /1412: Table definition/ })
  assert.equal(await readFile(log, 'utf8'), 'x\n'.repeat(4))
})

test('a table that is altered once it was dumped leaves a whole dump, and a warning of what changed', async (t) => {
  await twoTables('moved')
  const dumpCommand = await script(
    t,
    'real "$@" | { head -c 100000; sql "ALTER TABLE moved.z ADD d INT, ALGORITHM=INSTANT; CREATE TABLE moved.fresh (i INT)" >&2; cat; }',
  )
  await server.query('RENAME TABLE b TO z, a TO zz', 'moved')
  await server.query('ALTER TABLE z AUTO_INCREMENT = 5', 'moved')
  const { fact, codes } = await made(t, 'moved', { dumpCommand })
  assert.deepEqual(codes, ['dump-schema-changed'])
  assert.match(fact.warnings[0]!.message, /table z was altered, table fresh was created\. Run the backup again/)
})

test('rows that come while the database is dumped are no change of its structure', async (t) => {
  await server.query('CREATE DATABASE busy')
  await server.query('CREATE TABLE t (i INT AUTO_INCREMENT PRIMARY KEY); INSERT INTO t VALUES (NULL)', 'busy')
  const dumpCommand = await script(t, 'sql "INSERT INTO busy.t VALUES (NULL), (NULL)"; real "$@"')
  assert.deepEqual((await made(t, 'busy', { dumpCommand })).codes, [])
})

test('a dump of a database that could not be inspected ends with a warning of that, never in silence', async (t) => {
  await auditTrail('unknown')
  const dumpCommand = await script(t, `real --no-defaults --socket=${server.socket} --user=root unknown`)
  const { fact, codes } = await made(t, 'unknown', { dumpCommand, password: 'certainly wrong' })
  assert.deepEqual(codes, ['database-not-inspected'])
  assert.match(
    fact.warnings[0]!.message,
    /unknown whether .* are missing from the dump.*Access denied for user 'tests'/,
  )
  assert.doesNotMatch(fact.warnings[0]!.message, /certainly wrong/)
})
