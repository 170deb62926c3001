/** Signing in with TLS and by ed25519, by mysql2, the dump program and the restore's client program, at a real server. */
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, randomBytes, verify } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { DatabaseConfig, DatabaseTls } from '../../../src/stages/config/types.ts'
import { signEd25519 } from '../../../src/stages/database/ed25519.ts'
import { inspectDatabase } from '../../../src/stages/database/inspect.ts'
import { dumpDatabase } from '../../../src/stages/dump/dump.ts'
import { runClient } from '../../../src/stages/restore/database/client-run.ts'
import { takeServerLock } from '../../../src/stages/state/mysql/server-lock.ts'
import { MysqlState } from '../../../src/stages/state/mysql/mysql-state.ts'
import { makeAuthority, type Authority } from '../../support/certificates.ts'
import { databaseConfig, findProgram, startMariaDb, type MariaDb } from '../../support/mariadb.ts'

const live = new AbortController().signal
const PASSWORD = 'pä ß "\\ #1'
const noPlugin = existsSync('/usr/lib/mysql/plugin/auth_ed25519.so') ? false : 'auth_ed25519 is not on this machine'

let folder: string
let hospital: Authority
let other: Authority
let client: { readonly cert: string; readonly key: string }
/** With TLS, and with ed25519 where the machine has it. */
let server: MariaDb
let clear: MariaDb

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'sign-in-'))
  hospital = await makeAuthority(folder, 'hospital')
  other = await makeAuthority(folder, 'other')
  const own = await hospital.issue('server', 'IP:127.0.0.1,DNS:db.hospital.example')
  client = await hospital.issue('client', 'DNS:backup')
  const plugin = noPlugin === false ? ['--plugin-maturity=unknown', '--plugin-load-add=auth_ed25519'] : []
  const tls = [`--ssl-ca=${hospital.ca}`, `--ssl-cert=${own.cert}`, `--ssl-key=${own.key}`]
  server = await startMariaDb({ tcp: true, options: [...tls, ...plugin] })
  clear = await startMariaDb({ tcp: true, options: ['--skip-ssl'] })
  for (const one of [server, clear]) {
    await one.query(
      'CREATE DATABASE viewer; CREATE TABLE viewer.studies (id INT); INSERT INTO viewer.studies VALUES (1)',
    )
  }
  const escaped = PASSWORD.replaceAll('\\', '\\\\')
  for (const [name, needs] of [
    ['secure', 'SSL'],
    ['certified', 'X509'],
  ] as const) {
    await server.query(
      `CREATE USER ${name}@'%' IDENTIFIED BY '${escaped}' REQUIRE ${needs}; GRANT ALL ON viewer.* TO ${name}@'%'`,
    )
  }
  if (noPlugin !== false) return
  await server.query(
    `CREATE USER eddy@'%' IDENTIFIED VIA ed25519 USING PASSWORD('${escaped}'); GRANT ALL ON viewer.* TO eddy@'%';
     CREATE DATABASE eddies; GRANT ALL ON eddies.* TO eddy@'%'`,
  )
})
after(async () => {
  await server.close()
  await clear.close()
  await rm(folder, { recursive: true })
})

const tlsOf = (change: Partial<DatabaseTls> = {}): DatabaseTls => ({
  ca: null,
  cert: null,
  key: null,
  required: true,
  ...change,
})

function config(user: string, tls?: DatabaseTls, change: Partial<DatabaseConfig> = {}): DatabaseConfig {
  const own = { user, password: PASSWORD, ...change, ...(tls === undefined ? {} : { tls }) }
  return databaseConfig(server, 'viewer', own)
}

async function dumped(database: DatabaseConfig): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of dumpDatabase(database, { folder, signal: live })) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The client program's answer to a question, or its words when it fails. */
async function asked(database: DatabaseConfig): Promise<string> {
  async function* input(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from("SHOW STATUS LIKE 'Ssl_version';"))
  }
  const program = findProgram('mariadb') ?? ''
  const run = { program, server: database, database: null, folder, input: input(), signal: live }
  const { status, stdout, stderr } = await runClient(run)
  return status === 0 ? stdout.trim() : stderr
}

describe('an account that signs in by ed25519', { skip: noPlugin }, () => {
  test('is taken by the inspection, the dump program, the client program and the state', async () => {
    const database = config('eddy')
    assert.equal((await inspectDatabase(database, live)).tables, 1)
    assert.match(await dumped(database), /INSERT INTO `studies`/)
    assert.match(await asked(database), /^Ssl_version/)
    const own = { ...database, name: 'eddies' }
    const state = await MysqlState.open({
      database: own,
      state: { dir: path.join(folder, 'state') },
      schedule: { enabled: true, every: '6h', verify: 'never' },
      destinations: [],
    })
    assert.equal(await state.copies(), 0)
    const lock = await takeServerLock(own)
    await lock.release()
    await state.close()
  })

  test('is refused with a wrong password, in the words of the server', async () => {
    await assert.rejects(inspectDatabase(config('eddy', undefined, { password: 'wrong' }), live), {
      code: 'E_AUTH',
      message: /Access denied for user 'eddy'/,
    })
  })
})

test('the signature is that of the key whose seed the password is, of whatever length', () => {
  for (let n = 0; n < 20; n += 1) {
    const [password, message] = [randomBytes(16).toString('hex'), randomBytes(32)]
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(password)])
    const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
    assert.ok(verify(null, message, key, signEd25519(password, message)))
    assert.ok(!verify(null, message, key, signEd25519(`${password}x`, message)))
  }
})

describe('an account that needs TLS', () => {
  test('is signed in to without a section tls, as by the dump program', async () => {
    assert.equal((await inspectDatabase(config('secure'), live)).tables, 1)
  })

  test('is signed in to with a checked certificate, by address and by every program', async () => {
    const database = config('secure', tlsOf({ ca: hospital.ca }))
    assert.equal((await inspectDatabase(database, live)).tables, 1)
    assert.match(await dumped(database), /INSERT INTO `studies`/)
    assert.match(await asked(database), /^Ssl_version\tTLSv1\.\d$/)
  })

  test('and a certificate shows it, when that is configured', async () => {
    const database = config('certified', tlsOf({ ca: hospital.ca, ...client }))
    assert.equal((await inspectDatabase(database, live)).tables, 1)
    assert.match(await dumped(database), /INSERT INTO `studies`/)
    assert.match(await asked(database), /^Ssl_version\tTLS/)
    await assert.rejects(inspectDatabase(config('certified', tlsOf({ ca: hospital.ca })), live), { code: 'E_AUTH' })
  })

  test('also by socket, where no name is compared', { skip: process.platform === 'win32' }, async () => {
    const database = config('secure', tlsOf({ ca: hospital.ca }), { socket: server.socket })
    assert.equal((await inspectDatabase(database, live)).tables, 1)
    assert.match(await dumped(database), /INSERT INTO `studies`/)
  })
})

describe('with database.tls', () => {
  test('every connection is encrypted, though the account does not need it', async () => {
    const database = databaseConfig(server, 'viewer', { tls: tlsOf() })
    assert.match(await asked(database), /^Ssl_version\tTLS/)
    assert.match(await dumped(database), /INSERT INTO `studies`/)
  })

  for (const [what, change] of [
    ['of another authority', () => ({ tls: tlsOf({ ca: other.ca }) })],
    ['of another name', () => ({ tls: tlsOf({ ca: hospital.ca }), host: 'localhost' })],
  ] as const) {
    test(`a server with a certificate ${what} is refused by every program`, async () => {
      const database = databaseConfig(server, 'viewer', change())
      await assert.rejects(inspectDatabase(database, live), {
        code: 'E_DUMP',
        message: /certificate/,
        advice: /database\.tls\.ca/,
      })
      await assert.rejects(dumped(database), { code: 'E_DUMP', message: /2026/ })
      assert.match(await asked(database), /ERROR 2026/)
    })
  }

  test('a server without TLS is refused by every program', async () => {
    for (const tls of [tlsOf(), tlsOf({ ca: hospital.ca })]) {
      const database = databaseConfig(clear, 'viewer', { tls })
      const refusal = { code: 'E_DUMP', message: /secure connection|SSL is required/ }
      await assert.rejects(inspectDatabase(database, live), refusal)
      await assert.rejects(dumped(database), refusal)
      if (tls.ca === null) await assert.rejects(asked(database), refusal)
      else assert.match(await asked(database), /ERROR 2026/)
    }
  })

  test('that is not required, a server without TLS is used in the clear, and one with it is not', async () => {
    const tls = tlsOf({ required: false })
    const database = databaseConfig(clear, 'viewer', { tls })
    assert.equal((await inspectDatabase(database, live)).tables, 1)
    assert.match(await dumped(database), /INSERT INTO `studies`/)
    assert.equal(await asked(database), 'Ssl_version')
    assert.match(await asked(databaseConfig(server, 'viewer', { tls })), /^Ssl_version\tTLS/)
  })

  test('a file that is gone is named', async () => {
    const database = databaseConfig(server, 'viewer', { tls: tlsOf({ ca: path.join(folder, 'none.pem') }) })
    await assert.rejects(inspectDatabase(database, live), {
      code: 'E_CONFIG',
      message: /none\.pem cannot be read \(ENOENT\)/,
    })
  })
})
