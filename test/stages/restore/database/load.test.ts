import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { BackupError } from '../../../../src/pipeline/contract/errors.ts'
import { dumpDatabase } from '../../../../src/stages/dump/dump.ts'
import { findClientProgram } from '../../../../src/stages/restore/database/client-program.ts'
import { mustBeDatabaseName, type SqlServer } from '../../../../src/stages/restore/database/server.ts'
import {
  restoreDatabase,
  withServer,
  type DatabaseStep,
  type StoredDump,
} from '../../../../src/stages/restore/database/load.ts'
import { databaseConfig, findProgram, startMariaDb, type MariaDb } from '../../../support/mariadb.ts'
import { tempFolder } from '../../../support/temp-folder.ts'
import { createViewerDatabase, type ViewerDatabase } from '../../../support/viewer-database.ts'

const never = new AbortController().signal
const WINDOWS = process.platform === 'win32' && 'the test uses a shell script'

let server: MariaDb
let viewer: ViewerDatabase
let dump: Buffer
let temporary: string
before(async () => {
  server = await startMariaDb({ tcp: true })
  viewer = await createViewerDatabase(server, { patients: 300 })
  const pieces: Buffer[] = []
  const folder = path.dirname(server.socket)
  for await (const piece of dumpDatabase(databaseConfig(server, viewer.name), { folder, signal: never })) {
    pieces.push(Buffer.from(piece))
  }
  dump = Buffer.concat(pieces)
  // Of these tests alone: others leave and remove theirs in the usual one meanwhile.
  temporary = await mkdtemp(path.join(os.tmpdir(), 'dicom-backup-test-'))
  process.env['TMPDIR'] = temporary
})
after(async () => {
  const left = (await readdir(temporary)).filter((name) => /^dicom-backup-\w{6}$/.test(name))
  assert.deepEqual(left, [], 'no folder with an option file is left')
  await rm(temporary, { recursive: true, force: true })
  await server.close()
})

/** A dump that is given in pieces, and may end with an error. */
function stored(bytes: Buffer, fails: Error | null = null, onPiece: () => void = () => undefined): StoredDump {
  return {
    hasLastLine: true,
    about: null,
    async *content() {
      // One buffer for all pieces: each is valid until the next is asked for.
      const piece = Buffer.alloc(10_000)
      for (let at = 0; at < bytes.length; at += piece.length) {
        const length = bytes.copy(piece, 0, at, at + piece.length)
        onPiece()
        yield await Promise.resolve(piece.subarray(0, length))
      }
      if (fails !== null) throw fails
    },
  }
}

interface Options {
  readonly overwrite?: boolean
  readonly steps?: DatabaseStep[]
  readonly signal?: AbortSignal
  readonly config?: Parameters<typeof databaseConfig>[2]
}

function restored(
  what: StoredDump,
  name: string,
  { overwrite = false, steps = [], signal = never, config = {} }: Options = {},
): ReturnType<typeof restoreDatabase> {
  const onStep = (step: DatabaseStep): void => {
    steps.push(step)
  }
  return withServer(databaseConfig(server, viewer.name, config), (opened: SqlServer) =>
    restoreDatabase(what, {
      server: opened,
      name,
      overwrite,
      isolated: false,
      onStep,
      onBytes: () => undefined,
      signal,
    }),
  )
}

async function exists(name: string): Promise<boolean> {
  return (await server.query(`SHOW DATABASES LIKE '${name}'`)).length > 0
}

async function checksums(name: string): Promise<unknown[]> {
  const tables = viewer.tables.map((table) => `\`${name}\`.\`${table}\``).join(', ')
  return (await server.query(`CHECKSUM TABLE ${tables}`)).map((row) => row['Checksum'])
}

describe('restoring a database', () => {
  test('makes it, loads everything and counts the rows of each table', async () => {
    const steps: DatabaseStep[] = []
    const result = await restored(stored(dump), 'made_new', { steps })
    assert.deepEqual(steps, ['loading', 'counting'])
    assert.equal(result.tables, viewer.tables.length)
    assert.equal(result.rowsByTable['patients'], 300)
    assert.equal(result.rowsByTable['instances'], 300 * 20)
    assert.equal(
      result.rows,
      Object.values(result.rowsByTable).reduce((sum, rows) => sum + rows, 0),
    )
    assert.deepEqual(await checksums('made_new'), await checksums(viewer.name))
    const [charset] = await server.query(
      "SELECT default_character_set_name AS name FROM information_schema.schemata WHERE schema_name = 'made_new'",
    )
    assert.equal(charset?.['name'], 'utf8mb4')
  })

  test('bodies of routines keep their comments, line breaks and umlauts', async () => {
    const bodies = (name: string): Promise<unknown[]> =>
      server.query(
        `SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = '${name}' ORDER BY 1`,
      )
    await restored(stored(dump), 'bodies')
    const original = await bodies(viewer.name)
    assert.match(JSON.stringify(original), /Ümlaut and 日本語/)
    assert.deepEqual(await bodies('bodies'), original)
  })

  test('uses one that is there and empty, and leaves its rights alone', async () => {
    await server.query('CREATE DATABASE there_empty CHARACTER SET latin1')
    await restored(stored(dump), 'there_empty')
    assert.deepEqual(await checksums('there_empty'), await checksums(viewer.name))
  })

  test('does not touch one that holds anything: a table, a view, a routine, an event', async () => {
    for (const [n, content] of [
      'CREATE TABLE t (a INT)',
      'CREATE VIEW v AS SELECT 1',
      'CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1',
      'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1',
    ].entries()) {
      const name = `holds_${n}`
      await server.query(`CREATE DATABASE ${name}`)
      await server.query(content, name)
      await assert.rejects(restored(stored(dump), name), { code: 'E_CONFIG', message: /is not empty/ }, content)
      assert.equal((await server.query('SHOW TABLES', name)).length, n < 2 ? 1 : 0)
    }
    await assert.rejects(restored(stored(dump), viewer.name), /the one that is backed up, is not empty/)
  })

  test('with overwrite, puts what was loaded whole in the place of what was there', async () => {
    await server.query('CREATE DATABASE written_over')
    await server.query('CREATE TABLE old (a INT)', 'written_over')
    const damaged = new BackupError('E_INTEGRITY', 'the entry is damaged')
    const cut = dump.subarray(0, -30)
    const options = { overwrite: true }
    await assert.rejects(restored(stored(dump, damaged), 'written_over', options), {
      code: 'E_INTEGRITY',
      message: 'the entry is damaged The database written_over is as it was.',
    })
    await assert.rejects(restored(stored(cut), 'written_over', options), /not whole.*Dump completed.*as it was/)
    assert.equal((await server.query('SELECT * FROM old', 'written_over')).length, 0, 'it is still there')

    const steps: DatabaseStep[] = []
    await restored(stored(dump), 'written_over', { ...options, steps })
    assert.deepEqual(steps, ['loading', 'replacing', 'counting'])
    assert.deepEqual(await checksums('written_over'), await checksums(viewer.name))
    assert.equal((await server.query("SHOW TABLES LIKE 'old'", 'written_over')).length, 0)
    assert.deepEqual(await server.query("SHOW DATABASES LIKE '%dicom\\_backup%'"), [])
  })

  test('that fails in the middle says that the database is incomplete, and what with', async () => {
    const damaged = new BackupError('E_INTEGRITY', 'Entry 1 is damaged.')
    await assert.rejects(restored(stored(dump.subarray(0, 100_000), damaged), 'half'), {
      code: 'E_INTEGRITY',
      message: 'Entry 1 is damaged. The database half is incomplete: do not use it.',
    })
    assert.ok(await exists('half'))
    await assert.rejects(restored(stored(dump.subarray(0, -30)), 'half_too'), /not whole.*half_too is incomplete/)
  })

  test("errors come in the client's own words, without what the dump says", async () => {
    const name = 'Müller^Jürgen'
    const faults = [
      [`INSERT INTO nowhere VALUES ('${name}');\n`, 1146, /doesn't exist/],
      [`SELEC '${name}';\n`, 1064, /SQL syntax/],
      [
        `CREATE TABLE t (a VARCHAR(50) PRIMARY KEY); INSERT INTO t VALUES ('${name}'), ('${name}');\n`,
        1062,
        /Duplicate/,
      ],
      [
        `CREATE TABLE t (a INT); SET sql_mode='STRICT_ALL_TABLES'; INSERT INTO t VALUES ('${name}');\n`,
        1366,
        /integer/,
      ],
      [`CREATE TABLE t (a VARCHAR(9)) COLLATE utf8mb4_nobody_ci; -- ${name}\n`, 1273, /'utf8mb4_nobody_ci'/],
    ] as const
    for (const [n, [sql, number, words]] of faults.entries()) {
      const text = Buffer.from(`-- a dump\n${sql}-- Dump completed on 2026-11-23\n`)
      await assert.rejects(restored(stored(text), `fault_${n}`), (error: unknown) => {
        assert.ok(error instanceof BackupError)
        assert.match(error.message, new RegExp(`ERROR ${number} `))
        assert.match(error.message, words)
        assert.match(error.message, /at line \d+/)
        assert.doesNotMatch(`${error.message} ${error.advice}`, /Müller|Jürgen/)
        return true
      })
    }
  })

  test('a dump can do nothing but its SQL: no commands of the client, no other database', async (t) => {
    const folder = await tempFolder(t)
    const touched = path.join(folder, 'touched')
    for (const [n, line] of [`\\! touch ${touched}`, `system touch ${touched}`, `\\. ${folder}/x.sql`].entries()) {
      const text = Buffer.from(`CREATE TABLE t (a INT);\n${line}\n-- Dump completed on 2026-11-23\n`)
      await assert.rejects(restored(stored(text), `command_${n}`), BackupError, line)
    }
    assert.deepEqual(await readdir(folder), [])

    await server.query('CREATE DATABASE bystander; CREATE TABLE bystander.t (a INT)')
    const other = Buffer.from('CREATE TABLE t (a INT);\nUSE `bystander`;\nDROP TABLE t;\n-- Dump completed on x\n')
    await assert.rejects(restored(stored(other), 'not_there'), /another database/)
    assert.equal((await server.query('SHOW TABLES', 'bystander')).length, 1)
  })

  test('a stop ends it at any moment, and leaves no client running', async () => {
    for (const pieces of [1, 10, 60]) {
      const stop = new AbortController()
      let seen = 0
      const what = stored(dump, null, () => {
        seen += 1
        if (seen === pieces) stop.abort()
      })
      await assert.rejects(restored(what, `stopped_${pieces}`, { signal: stop.signal }), { code: 'E_ABORTED' })
      const clients = await server.query(`SELECT * FROM information_schema.processlist WHERE db = 'stopped_${pieces}'`)
      assert.equal(clients.filter((row) => row['COMMAND'] === 'Query').length, 0)
    }
  })

  test('a server that cannot be reached, or refuses, is told with what to do', async () => {
    await assert.rejects(restored(stored(dump), 'x1', { config: { password: 'wrong' } }), {
      code: 'E_AUTH',
      message: /Access denied/,
      advice: /database\.password/,
    })
    await assert.rejects(restored(stored(dump), 'x1', { config: { port: 1 } }), {
      code: 'E_DUMP',
      message: /2002|2003/,
    })
    await server.query("CREATE USER reader@'%' IDENTIFIED BY 'r'; GRANT SELECT ON dicom_viewer.* TO reader@'%'")
    await assert.rejects(restored(stored(dump), 'x1', { config: { user: 'reader', password: 'r' } }), {
      code: 'E_AUTH',
      advice: /may read only, and a restore writes.*GRANT ALL/,
    })
    assert.equal(await exists('x1'), false)
  })
})

describe('the client program', () => {
  test(
    'never has the password in its arguments, and its option file is its owner’s and gone afterwards',
    { skip: WINDOWS },
    async (t) => {
      const folder = await tempFolder(t)
      const seen = path.join(folder, 'seen')
      // Beside a dump program of its own: so it is the one that is found.
      await writeFile(path.join(folder, 'mysqldump'), '#!/bin/sh\n')
      const script = `#!/bin/sh\nfor a in "$@"; do case "$a" in --defaults-extra-file=*) stat -c '%a %n' "\${a#*=}" >> ${seen}; esac; done\nprintf '%s\\n' "$@" >> ${seen}\nexec ${findProgram('mariadb') ?? ''} "$@"\n`
      await writeFile(path.join(folder, 'mysql'), script)
      for (const name of ['mysql', 'mysqldump']) await chmod(path.join(folder, name), 0o755)
      await restored(stored(dump), 'watched', { config: { dumpCommand: path.join(folder, 'mysqldump') } })
      const text = await readFile(seen, 'utf8')
      assert.ok(!text.includes(server.password))
      const files = [...text.matchAll(/^(\d+) (\S+\.cnf)$/gm)]
      assert.ok(files.length >= 4)
      for (const [, mode, file] of files) {
        assert.equal(mode, '600')
        await assert.rejects(readFile(file ?? ''), { code: 'ENOENT' })
      }
    },
  )

  test('is the one beside the dump program, else that of PATH', async (t) => {
    const folder = await tempFolder(t)
    for (const name of ['mariadb-dump', 'mysql', 'mariadb']) {
      await writeFile(path.join(folder, name), '#!/bin/sh\n')
      await chmod(path.join(folder, name), 0o755)
    }
    assert.equal(await findClientProgram(path.join(folder, 'mariadb-dump')), path.join(folder, 'mariadb'))
    const { stdout } = await promisify(execFile)(await findClientProgram(path.join(folder, 'nothing')), ['--version'])
    assert.match(stdout, /mysql|mariadb/i)
  })

  test('takes no name that is none, nor one of the server’s own databases', () => {
    for (const name of [
      '',
      ' ',
      'a/b',
      'a\\b',
      'a.b',
      'a ',
      '-e',
      'a\nb',
      'x'.repeat(65),
      'mysql',
      'SYS',
      'Information_Schema',
    ]) {
      assert.throws(
        () => {
          mustBeDatabaseName(name)
        },
        { code: 'E_CONFIG' },
        JSON.stringify(name),
      )
    }
    for (const name of ['viewer', 'dicom viewer', 'Röntgen-1', '`', "o'brien", 'x'.repeat(64)]) mustBeDatabaseName(name)
  })

  test('takes every name that it may have', async () => {
    for (const name of ['dicom viewer', 'Röntgen-1', 'a`b', "o'brien", '%_']) {
      const result = await restored(stored(dump), name)
      assert.equal(result.tables, viewer.tables.length, name)
    }
  })
})
