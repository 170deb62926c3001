import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import test, { after, before, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import type { DatabaseConfig } from '../../../src/stages/config/types.ts'
import { dumpDatabase, type Dump } from '../../../src/stages/dump/dump.ts'
import { databaseConfig, findProgram, startMariaDb, type MariaDb } from '../../support/mariadb.ts'
import { tempFolder } from '../../support/temp-folder.ts'

let server: MariaDb
let folder: string
const noProc = process.platform === 'linux' ? false : 'child processes are looked up in /proc'
const live = new AbortController().signal

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'dump-'))
  server = await startMariaDb({ tcp: true })
  await fill(server)
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/**
 * A database whose dump is far more than all buffers on its way hold, so that the program waits for its reader. (By
 * socket the server waits too; loopback TCP may hold it all.)
 */
async function fill(where: MariaDb): Promise<void> {
  await where.query('CREATE DATABASE large')
  await where.query(
    `CREATE TABLE t (id INT PRIMARY KEY, filler LONGBLOB) ENGINE=InnoDB;
     INSERT INTO t SELECT seq, REPEAT('x', 500000) FROM seq_1_to_16`,
    'large',
  )
}

async function outcome(
  dump: Dump,
  eachChunk: (count: number) => Promise<void> | void = () => undefined,
): Promise<BackupError> {
  let count = 0
  try {
    for await (const _ of dump) await eachChunk(++count)
  } catch (error) {
    assert.ok(error instanceof BackupError, String(error))
    assert.equal(dump.summary, null)
    assert.deepEqual(await readdir(folder), [], 'the option file is gone')
    assert.deepEqual(children(), [], 'no program is left running')
    return error
  }
  assert.fail('the dump passed for good')
}

function failure(change: Partial<DatabaseConfig>, name = 'large'): Promise<BackupError> {
  return outcome(dumpDatabase(databaseConfig(server, name, change), { folder, signal: live }))
}

/**
 * Ids of this process's children that are dump programs or scripts around them; those of servers are not among them.
 */
function children(): number[] {
  if (noProc !== false) return []
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const [, name = '', state = '', parent] = /\((.*)\) (\S) (\d+)/.exec(stat) ?? []
      return Number(parent) === process.pid && name !== 'mariadbd' && state !== 'Z' ? [Number(entry)] : []
    } catch {
      return []
    }
  })
}

/** A shell script that passes for a dump program: `--version` is answered by the real one. */
async function script(t: TestContext, lines: string): Promise<string> {
  const file = path.join(await tempFolder(t), 'own-dump')
  const real = findProgram('mariadb-dump') ?? ''
  await writeFile(
    file,
    `#!/bin/sh\nif [ "$2" = --version ] || [ "$2" = --help ]; then exec ${real} "$@"; fi\nreal() { ${real} "$@"; }\n${lines}\n`,
  )
  await chmod(file, 0o755)
  return file
}

test('a wrong password is told as E_AUTH with the words of the server', async () => {
  const error = await failure({ password: 'certainly wrong' })
  assert.equal(error.code, 'E_AUTH')
  assert.match(error.message, /database large failed: Got error: 1045.*Access denied for user 'tests'/)
  assert.match(error.advice, /database\.password/)
  assert.doesNotMatch(error.message, /certainly wrong/)
})

test('a database that is not there is told as E_DUMP', async () => {
  const error = await failure({}, 'no_such_database')
  assert.equal(error.code, 'E_DUMP')
  assert.match(error.message, /1049.*Unknown database 'no_such_database'/)
  assert.match(error.advice, /database\.name/)
})

test('an account that may not read the database is told as E_AUTH, with what to grant', async () => {
  await server.query("CREATE USER stranger@'%' IDENTIFIED BY 'x'")
  const error = await failure({ user: 'stranger', password: 'x' })
  assert.equal(error.code, 'E_AUTH')
  assert.match(error.message, /1044.*Access denied/)
  assert.match(error.advice, /GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `large`/)
})

test('an account that lacks one privilege is told which words the server had for it', async () => {
  await server.query(
    "CREATE USER partly@'%' IDENTIFIED BY 'x'; GRANT SELECT, SHOW VIEW, TRIGGER ON large.* TO partly@'%'",
  )
  const error = await failure({ user: 'partly', password: 'x' })
  assert.equal(error.code, 'E_AUTH')
  assert.match(error.message, /Access denied for user 'partly'@'%' to database 'large' \(1044\)/)
})

test('a server that is not there is told as E_DUMP, by host and by socket', async () => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const address = closed.address()
  await new Promise((resolve) => closed.close(resolve))
  const port = typeof address === 'object' ? (address?.port ?? 1) : 1

  const byHost = await failure({ port })
  assert.equal(byHost.code, 'E_DUMP')
  assert.match(byHost.message, /200[23].*Can't connect/)
  assert.match(byHost.advice, /server is running.*database\.host and database\.port/)

  const bySocket = await failure({ socket: path.join(folder, 'no-socket') })
  assert.equal(bySocket.code, 'E_DUMP')
  assert.match(bySocket.message, /2002.*no-socket/)
  assert.match(bySocket.advice, /database\.socket/)

  const byName = await failure({ host: 'no-such-host.invalid' })
  assert.equal(byName.code, 'E_DUMP')
  assert.match(byName.message, /no-such-host\.invalid/)
})

test('a view that can no longer be read fails the dump by its name', async () => {
  await server.query('CREATE DATABASE broken')
  await server.query(
    'CREATE TABLE gone (a INT); CREATE VIEW looks_at_it AS SELECT * FROM gone; DROP TABLE gone',
    'broken',
  )
  const error = await failure({}, 'broken')
  assert.equal(error.code, 'E_DUMP')
  assert.match(error.message, /looks_at_it.*\(1356\)/)
  assert.match(error.advice, /view or table/)
})

test('a dump program that is not there is told before anything else', async () => {
  const error = await failure({ dumpCommand: path.join(folder, 'no-program') })
  assert.equal(error.code, 'E_DUMP')
  assert.match(error.message, /no-program does not exist/)
})

test('a program that is killed half-way fails the dump', { skip: noProc }, async () => {
  const error = await outcome(dumpDatabase(databaseConfig(server, 'large'), { folder, signal: live }), (count) => {
    if (count === 1) for (const pid of children()) process.kill(pid, 'SIGKILL')
  })
  assert.equal(error.code, 'E_DUMP')
  assert.match(error.message, /was killed by SIGKILL/)
})

test('a server that dies in the middle of the dump fails it', async () => {
  const dying = await startMariaDb()
  try {
    await fill(dying)
    const error = await outcome(dumpDatabase(databaseConfig(dying, 'large'), { folder, signal: live }), (count) => {
      if (count === 1) process.kill(dying.pid, 'SIGKILL')
    })
    assert.equal(error.code, 'E_DUMP')
    assert.match(error.message, /Error 2013: Lost connection.* when dumping table `t`/)
    assert.match(error.advice, /error log/)
  } finally {
    await dying.close()
  }
})

test('a connection that is ended by an administrator fails the dump', async () => {
  const error = await outcome(
    dumpDatabase(databaseConfig(server, 'large', { socket: server.socket }), { folder, signal: live }),
    async (count) => {
      if (count !== 1) return
      const sessions = await server.query("SELECT id FROM information_schema.processlist WHERE user = 'tests'")
      for (const { id } of sessions) await server.query(`KILL ${String(id)}`).catch(() => undefined) // one may end by itself
    },
  )
  assert.equal(error.code, 'E_DUMP')
  assert.match(error.message, /when dumping table `t`/)
})

test('a program that ends well without its last line has made no dump', async (t) => {
  for (const lines of [
    'real "$@" | head -c 1000000',
    'real "$@" | sed "s/^-- Dump completed/-- Dump comp/"',
    'exit 0',
  ]) {
    const error = await failure({ dumpCommand: await script(t, lines) })
    assert.equal(error.code, 'E_DUMP', lines)
    assert.match(
      error.message,
      /database large is not whole: .*own-dump ended without its last line, "-- Dump completed"/,
    )
  }
})

test('a program that fails after its last line has made no dump', async (t) => {
  const error = await failure({ dumpCommand: await script(t, 'real "$@"; echo "own-dump: cannot sync" >&2; exit 5') })
  assert.equal(error.code, 'E_DUMP')
  assert.match(error.message, /cannot sync/)
  const silent = await failure({ dumpCommand: await script(t, 'real "$@"; exit 5') })
  assert.match(silent.message, /own-dump ended with exit status 5 and said nothing/)
})

test('what the program says is told without its warnings, without the password, and not at any length', async (t) => {
  const says = [
    'mysqldump: [Warning] Using a password on the command line interface can be insecure.',
    "/usr/bin/mysqldump: Deprecated program name. It will be removed in a future release, use '/usr/bin/mariadb-dump' instead",
    'mysqldump: unknown option, password=of the tests',
  ]
  const error = await failure({ dumpCommand: await script(t, `cat >&2 <<'END'\n${says.join('\n')}\nEND\nexit 2`) })
  assert.equal(error.message, 'The dump of database large failed: unknown option, password=[password]')
  const endless = await failure({
    dumpCommand: await script(t, 'yes complaint | head -c 3000000 >&2; echo the last word >&2; exit 2'),
  })
  assert.match(endless.message, /the last word$/)
  assert.ok(endless.message.length < 1200)
})

test('an abort ends the program at once, even while nobody reads', { skip: noProc, timeout: 600_000 }, async () => {
  for (const afterChunks of [0, 1, 3]) {
    const stop = new AbortController()
    const dump = dumpDatabase(databaseConfig(server, 'large'), { folder, signal: stop.signal })
    if (afterChunks === 0)
      setTimeout(() => {
        stop.abort()
      }, 5)
    const error = await outcome(dump, async (count) => {
      if (afterChunks === 0 || count !== afterChunks) return
      assert.equal(children().length, 1)
      stop.abort()
      while (children().length > 0) await sleep(5)
    })
    assert.equal(error.code, 'E_ABORTED')
  }
  const reason = new BackupError('E_QUOTA', 'a sibling failed')
  const error = await outcome(
    dumpDatabase(databaseConfig(server, 'large'), { folder, signal: AbortSignal.abort(reason) }),
  )
  assert.equal(error, reason)
})

test('an abort also ends what a script has started', { skip: noProc, timeout: 600_000 }, async (t) => {
  const stop = new AbortController()
  const note = path.join(await tempFolder(t), 'group')
  const dumpCommand = await script(t, `echo $$ > ${note}; real "$@"; sleep 600`)
  const error = await outcome(
    dumpDatabase(databaseConfig(server, 'large', { dumpCommand }), { folder, signal: stop.signal }),
    () => {
      stop.abort()
    },
  )
  assert.equal(error.code, 'E_ABORTED')
  const group = readFileSync(note, 'utf8').trim()
  while (groupIsAlive(Number(group))) await sleep(5)
})

function groupIsAlive(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch {
    return false
  }
}

test('a reader that stops early ends the program', { skip: noProc }, async () => {
  for (const chunks of [1, 2, 5]) {
    let count = 0
    for await (const _ of dumpDatabase(databaseConfig(server, 'large'), { folder, signal: live })) {
      if (++count === chunks) break
    }
    assert.deepEqual(children(), [])
    assert.deepEqual(await readdir(folder), [])
  }
})

test('an option file that cannot be written is told as E_STATE', async () => {
  const gone = path.join(folder, 'gone')
  const dump = dumpDatabase(databaseConfig(server, 'large'), { folder: gone, signal: live })
  const error = await outcome(dump)
  assert.equal(error.code, 'E_STATE')
  assert.match(error.message, /gone cannot be written to \(ENOENT\)/)
})

test('a program that is silent for too long is given up, with what the server waits for and no statement', async () => {
  const mysql = await import('mysql2/promise')
  const holder = await mysql.createConnection({ socketPath: server.socket, user: 'root', database: 'large' })
  try {
    await holder.query('LOCK TABLES t WRITE')
    const started = performance.now()
    const error = await outcome(dumpDatabase(databaseConfig(server, 'large'), { folder, signal: live, stallMs: 500 }))
    assert.equal(error.code, 'E_DUMP')
    assert.match(
      error.message,
      /given up: .* not a byte came\. The server shows connection \d+ of tests: Waiting for table metadata lock/,
    )
    assert.match(error.message, /may hold the lock: connection \d+ of root, for \d+ s/)
    assert.doesNotMatch(error.message, /SELECT|LOCK TABLES/)
    assert.ok(performance.now() - started >= 500)
  } finally {
    await holder.end()
  }
})

test('a reader that takes its time is no silence of the program', async () => {
  const dump = dumpDatabase(databaseConfig(server, 'large'), { folder, signal: live, stallMs: 300 })
  let first = true
  for await (const _ of dump) {
    if (first) await sleep(1000)
    first = false
  }
  assert.ok(dump.summary !== null)
})
