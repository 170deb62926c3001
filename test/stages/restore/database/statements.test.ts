import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BackupError } from '../../../../src/pipeline/contract/errors.ts'
import type { DumpFindings } from '../../../../src/stages/restore/database/findings.ts'
import { dumpStatements, type DumpOptions } from '../../../../src/stages/restore/database/statements.ts'

const SANDBOX = '/*M!999999\\- enable the sandbox mode */ \n'
const BODY = '-- MariaDB dump\nUSE `viewer`;\nCREATE TABLE t (a INT);\n'
const TRAILER = '-- Dump completed on 2026-11-23 12:00:00\n'

interface Change extends Omit<Partial<DumpOptions>, 'names'> {
  readonly source?: string | null
  readonly target?: string
  readonly ignoreCase?: boolean
}

function optionsOf({ source = 'live', target = 'copy', ignoreCase = false, ...change }: Change): DumpOptions {
  return {
    names: { source, target, also: [], ignoreCase },
    isolated: false,
    disableEvents: false,
    guessCollation: false,
    longestStatement: null,
    ...change,
  }
}

interface Through {
  readonly out: string
  readonly findings: DumpFindings
}

/** In pieces that begin where `cuts` say, each in the same memory, as a piece is valid until the next is asked for. */
async function through(text: string | Buffer, change: Change = {}, cuts: readonly number[] = []): Promise<Through> {
  const bytes = Buffer.from(text)
  const memory = Buffer.alloc(bytes.length)
  const content = (async function* () {
    for (const [n, from] of [0, ...cuts].entries()) {
      memory.fill('!')
      const length = bytes.copy(memory, 0, from, cuts[n] ?? bytes.length)
      yield await Promise.resolve(memory.subarray(0, length))
    }
  })()
  const statements = dumpStatements(content, optionsOf(change))
  const pieces: Uint8Array[] = []
  for await (const piece of statements) pieces.push(Buffer.from(piece))
  return { out: Buffer.concat(pieces).toString('latin1'), findings: statements.findings }
}

/** The same, cut in two at every byte and into single bytes, comes to the same. */
async function everyCut(text: string, change: Change = {}): Promise<Through> {
  const bytes = Buffer.from(text)
  const whole = await through(text, change)
  const single = Array.from({ length: bytes.length }, (_, at) => at)
  assert.equal((await through(text, change, single)).out, whole.out, 'byte by byte')
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    assert.equal((await through(text, change, [cut])).out, whole.out, `cut at ${cut}`)
  }
  return { ...whole, out: Buffer.from(whole.out, 'latin1').toString('utf8') }
}

const unchanged = async (text: string, change: Change = {}): Promise<void> => {
  assert.equal((await everyCut(text, change)).out, text)
}

describe("a dump's statements", () => {
  test('leave out the line that other client programs choke on, wherever the dump is cut', async () => {
    for (const line of [SANDBOX, '/*!999999\\- enable the sandbox mode */\n']) {
      const { out, findings } = await everyCut(`${line}-- MariaDB dump\nCREATE TABLE t (a INT);\n${TRAILER}`)
      assert.equal(out, `-- MariaDB dump\nCREATE TABLE t (a INT);\n${TRAILER}`)
      assert.equal(findings.complete, true)
    }
  })

  test('are all there when there is no such line, however short the dump', async () => {
    for (const text of ['', 'x', ';', "'", '--', '/*', 'INSERT INTO t VALUES (', `-- x\n${SANDBOX}`])
      await unchanged(text)
  })

  test('end before one that goes to another database, however it is written', async () => {
    for (const statement of [
      'USE `other`;',
      ' use other ;',
      '/*x*/ USE\n`other`;',
      'CREATE DATABASE IF NOT EXISTS `other`;',
      'DROP SCHEMA other;',
    ]) {
      const text = `CREATE TABLE t (a INT);\n${statement}\nDROP TABLE t;\n${'-- filler\n'.repeat(100)}`
      for (let cut = 0; cut <= 60; cut += 1) {
        await assert.rejects(through(text, {}, [cut]), { code: 'E_DUMP', message: /another database/ }, statement)
      }
    }
  })

  test('that go to the one that was dumped are left out, for it has another name now', async () => {
    const { out } = await everyCut(
      'CREATE DATABASE /*!32312 IF NOT EXISTS*/ `live` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\nUSE `live`;\nDROP TABLE t;\nUSE `copy`;\n',
    )
    assert.equal(out, '\nDROP TABLE t;\n')
  })

  test('tell whether the last line was there', async () => {
    assert.equal((await through(BODY, { target: 'viewer' }, [9])).findings.complete, false)
    assert.equal((await through(BODY + TRAILER, { target: 'viewer' }, [9])).findings.complete, true)
  })
})

describe('ALTER DATABASE', () => {
  test('acts on the database in use, whatever it names', async () => {
    const dump = (name: string): string =>
      `ALTER DATABASE ${name}CHARACTER SET latin1 COLLATE latin1_swedish_ci ;\nDELIMITER ;;\nalter  schema ${name}COLLATE utf8mb4_unicode_ci ;;\n/*!50106 ALTER DATABASE ${name}DEFAULT CHARACTER SET = utf8mb4 */ ;;\nDELIMITER ;\n`
    const without = (text: string): string => text.replaceAll(/ {2,}/g, ' ')
    for (const name of ['`live` ', 'live ', '`a``; b` ', '`other` ', '`CHARACTER` ', '']) {
      const { out } = await everyCut(dump(name))
      assert.equal(without(out), without(dump('')))
    }
  })

  test('in texts, comments, names and rows is none', async () => {
    await unchanged(
      [
        "INSERT INTO `t` VALUES ('x\\'; ALTER DATABASE `live` COLLATE x;'),('\nALTER DATABASE `live` COLLATE y;\n');",
        'INSERT INTO `ALTER DATABASE ``live`` ;` VALUES (1,"\\"; ALTER DATABASE `live` COLLATE x;");',
        '-- ALTER DATABASE `live` COLLATE x;',
        '# ALTER DATABASE `live` COLLATE x;',
        '/* ALTER DATABASE `live` COLLATE x; */;',
        "CREATE TABLE `u` (a INT COMMENT 'it''s; ALTER DATABASE `live` COLLATE x;');",
        "REPLACE INTO u VALUES ('--'), ('/*'), ('#'), (-1), (2-- x\n), (1/2) /* ' */;",
        '',
      ].join('\n'),
    )
  })

  test('is found behind a routine whose mode changes what a quote is', async () => {
    const begin = "/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;\n/*!50003 SET sql_mode              = '"
    const end = '/*!50003 SET sql_mode              = @saved_sql_mode */ ;\n'
    const noEscapes = `${begin}NO_BACKSLASH_ESCAPES' */ ;\nDELIMITER ;;\nCREATE FUNCTION f() RETURNS INT RETURN '\\';;\nALTER DATABASE \`live\` COLLATE a ;;\nDELIMITER ;\n${end}INSERT INTO t VALUES ('\\'; ALTER DATABASE live COLLATE b;');\nALTER DATABASE \`live\` COLLATE c ;\n`
    assert.equal(
      (await everyCut(noEscapes)).out,
      noEscapes.replace('`live` COLLATE a', ' COLLATE a').replace('`live` COLLATE c', ' COLLATE c'),
    )
    const ansi = `${begin}ANSI_QUOTES' */ ;\nDELIMITER ;;\nCREATE VIEW "v" AS SELECT "live"."t"."a" AS "a\\" FROM "live"."t" ;;\nDELIMITER ;\n${end}ALTER DATABASE \`live\` COLLATE c ;\n`
    assert.equal((await everyCut(ansi)).out, ansi.replaceAll('"live"', '`copy`').replace('`live` COLLATE', ' COLLATE'))
  })
})

describe('names with the source before them', () => {
  const program = (body: string): string =>
    `DELIMITER ;;\nCREATE DEFINER=\`live\`@\`live\` PROCEDURE \`p\`()\n${body} ;;\nDELIMITER ;\n`

  test('name the target, in views, triggers, routines, events and table defaults', async () => {
    const text = [
      'CREATE TABLE `t` (`id` bigint DEFAULT nextval(`live`.`s`));',
      '/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`live`@`%` SQL SECURITY DEFINER */\n/*!50001 VIEW `w` AS select `live`.`t`.`id` AS `id`,live.f(1) AS `live_f` from (`live`.`t` join `live` . `u`) */;',
      program(
        "BEGIN CALL live.q(1); INSERT INTO live.t SELECT * FROM `live`.u, live.v; -- live.t\n/* live.t */ SELECT 'live.t', @live.x; END",
      ),
      "INSERT INTO `live`.`t` VALUES (1,'`live`.`t`');",
      'INSERT INTO `t` VALUES (`live`.`f`(1));',
      '',
    ].join('\n')
    const { out, findings } = await everyCut(text)
    assert.match(out, /nextval\(`copy`\.`s`\)/)
    assert.match(out, /DEFINER=`live`@`%`/)
    assert.match(
      out,
      /select `copy`\.`t`\.`id` AS `id`,`copy`\.f\(1\) AS `live_f` from \(`copy`\.`t` join `copy` \. `u`\)/,
    )
    assert.match(out, /DEFINER=`live`@`live`/)
    assert.match(
      out,
      /CALL `copy`\.q\(1\); INSERT INTO `copy`\.t SELECT \* FROM `copy`\.u, `copy`\.v; -- live\.t\n\/\* live\.t \*\/ SELECT 'live\.t', @live\.x;/,
    )
    assert.match(out, /INSERT INTO `copy`\.`t` VALUES \(1,'`live`\.`t`'\);/)
    assert.deepEqual(findings.renamed, ['table t', 'view w', 'procedure p'])
    assert.deepEqual(findings.inText, ['procedure p'])
    assert.deepEqual([...findings.definers.keys()], ['live@%', 'live@live'])
  })

  test('may be those of a table or an alias: only what must be the database is changed', async () => {
    const { out, findings } = await everyCut(
      program(
        'SELECT live.id, live.live.id, EXTRACT(YEAR FROM live.day) FROM live.live JOIN `live`.u ON u.id = live.id',
      ),
    )
    assert.match(
      out,
      /SELECT live\.id, `copy`\.live\.id, EXTRACT\(YEAR FROM live\.day\) FROM `copy`\.live JOIN `copy`\.u ON u\.id = live\.id/,
    )
    assert.deepEqual(findings.unclear, ['procedure p'])
  })

  test('are the same names in capitals where the server takes them for one', async () => {
    const text = program('SELECT * FROM LIVE.t')
    assert.equal((await through(text)).out, text)
    assert.match((await through(text, { ignoreCase: true })).out, /FROM `copy`\.t/)
  })

  test('are left alone when nothing has another name', async () => {
    await unchanged(program('SELECT * FROM live.t, `live`.`u`'), { target: 'live' })
  })

  test('are known from the dump itself when there is no manifest', async () => {
    const header = '-- MariaDB dump 10.19\n--\n-- Host: localhost    Database: live\n-- ----\nSET NAMES utf8mb4;\n'
    assert.match((await through(header + program('SELECT * FROM live.t'), { source: null })).out, /FROM `copy`\.t/)
  })

  test('with another character set are reported, not changed into something else', async () => {
    const text = `SET character_set_client = latin1;\n${program('SELECT * FROM live.t')}`
    const { out, findings } = await through(text, { target: 'Röntgen' })
    assert.equal(out, text)
    assert.deepEqual(findings.unclear, ['procedure p'])
    const utf8 = await everyCut(text.replace('latin1', 'utf8mb3'), { target: 'Röntgen' })
    assert.match(utf8.out, /FROM `Röntgen`\.t/)
  })

  test('of other databases are found, and those of every server are none', async () => {
    const { findings } = await through(
      'CREATE VIEW `w` AS select `pacs`.`t`.`a` AS `a`,`i`.`b` AS `b` from ((`pacs`.`t` join `ris`.`u`) join `mysql`.`user` `i`);',
    )
    assert.deepEqual(Object.fromEntries(findings.others), { pacs: ['view w'], ris: ['view w'] })
  })
})

describe('a dump that is loaded as a test', () => {
  const event = (state: string): string =>
    `DELIMITER ;;\n/*!50106 CREATE*/ /*!50117 DEFINER=\`root\`@\`localhost\`*/ /*!50106 EVENT \`e\` ON SCHEDULE EVERY 1 HOUR STARTS '2026-11-30 19:08:51' ON COMPLETION NOT PRESERVE ${state}COMMENT 'ENABLE' DO INSERT INTO t VALUES ('ENABLE') */ ;;\nDELIMITER ;\n`

  test('makes its events disabled', async () => {
    for (const state of ['ENABLE ', '']) {
      const { out, findings } = await everyCut(event(state), { disableEvents: true })
      assert.equal(out, event('DISABLE '))
      assert.deepEqual(findings.events, ['e'])
      await unchanged(event(state))
    }
    for (const state of ['DISABLE ', 'DISABLE ON SLAVE ']) {
      assert.equal((await everyCut(event(state), { disableEvents: true })).out, event(state))
    }
  })

  test('ends before what could act outside of its database', async () => {
    for (const statement of [
      'GRANT ALL ON *.* TO x',
      "SET GLOBAL event_scheduler = 'ON'",
      '/*!50003 SET @@GLOBAL.sql_mode = "" */',
      "CREATE USER x IDENTIFIED BY 'y'",
      'DROP TABLE IF EXISTS `other`.`t`',
      'CREATE TABLE other.t (a INT)',
      'INSERT INTO `other`.`t` VALUES (1)',
      "PREPARE s FROM 'DROP DATABASE x'",
      'CALL p()',
      'FLUSH TABLES',
    ]) {
      const text = `CREATE TABLE t (a INT);\n${statement};\n`
      await assert.rejects(through(text, { isolated: true }), { message: /may act outside/ }, statement)
      assert.equal((await through(text)).out, text, 'a restore runs it')
    }
    await unchanged('CREATE VIEW `w` AS select `p`.`a` AS `a` from `p`;\nCREATE TABLE IF NOT EXISTS `t` (a INT);\n', {
      isolated: true,
    })
    await unchanged(
      'LOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\nINSERT INTO `t` VALUES (1);\nDO SETVAL(`s`, 1, 0);\n',
      { isolated: true },
    )
  })
})

describe('long binary values', () => {
  const hex = (bytes: Buffer): string => `0x${bytes.toString('hex').toUpperCase()}`
  const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, n) => n)), Buffer.from("'\\''\n\r\0")])

  test('become binary texts of half the length, wherever the dump is cut; short ones stay as they are', async () => {
    const short = hex(bytes.subarray(0, 100))
    const text = `INSERT INTO \`t\` VALUES (1,${hex(bytes)},${short}),(2,${hex(Buffer.alloc(200, "'"))},x0x00);\nALTER DATABASE live COLLATE x;\n`
    const { out } = await through(text)
    for (let cut = 0; cut <= text.length; cut += 1) {
      assert.equal((await through(text, {}, [cut])).out, out, `cut at ${cut}`)
      assert.equal(
        (
          await through(
            text,
            {},
            [cut, cut + 1, cut + 2].filter((at) => at <= text.length),
          )
        ).out,
        out,
      )
    }
    const escaped = bytes.toString('latin1').replaceAll(/['\\]/g, '$&$&')
    assert.equal(
      out,
      `INSERT INTO \`t\` VALUES (1,_binary'${escaped}',${short}),(2,_binary'${"''".repeat(200)}',x0x00);\nALTER DATABASE  COLLATE x;\n`,
    )
  })

  test('are digits in a text, and outside of rows', async () => {
    const text = `INSERT INTO t VALUES ('${hex(bytes)}');\nCREATE TABLE u (a BLOB DEFAULT ${hex(bytes)});\n`
    assert.equal((await through(text)).out, text)
  })

  test('with half a byte end it', async () => {
    await assert.rejects(through(`INSERT INTO t VALUES (${hex(bytes)}A);\n`), BackupError)
  })

  test('in a statement that the server does not take end it before that is sent, with the table named', async () => {
    const text = `INSERT INTO \`t\` VALUES (1);\nINSERT INTO \`reports\` VALUES (${hex(bytes)});\n`
    assert.ok((await through(text, { longestStatement: 400 })).out.length > 0)
    await assert.rejects(through(text, { longestStatement: 250 }), { message: /table reports.*250 bytes/ })
  })
})

describe('a dump of an earlier version', () => {
  const table = (name: string, tail: string): string => `CREATE TABLE \`${name}\` (a INT) ENGINE=InnoDB ${tail};\n`
  const latin = 'DEFAULT CHARSET=latin1 COLLATE=latin1_german1_ci'
  const routine =
    'DELIMITER ;;\nCREATE FUNCTION f() RETURNS INT RETURN 1 ;;\nCREATE FUNCTION g() RETURNS INT RETURN 1 ;;\nDELIMITER ;\n'

  test('gives the database the collation of most tables, before the first routine', async () => {
    const text = table('a', 'DEFAULT CHARSET=utf8mb4') + table('b', latin) + table('c', latin) + routine
    const { out, findings } = await everyCut(text, { guessCollation: true })
    assert.equal(
      out,
      text.replace(
        'CREATE FUNCTION f',
        'ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german1_ci ;;\nCREATE FUNCTION f',
      ),
    )
    assert.equal(findings.guessedCollation?.collation, 'latin1_german1_ci')
  })

  test('that sets the collation itself is left to it', async () => {
    const text = `${table('b', latin)}ALTER DATABASE CHARACTER SET utf8mb4 ;\n${routine}`
    const { out, findings } = await everyCut(text, { guessCollation: true })
    assert.equal(out, text)
    assert.equal(findings.guessedCollation, null)
  })
})
