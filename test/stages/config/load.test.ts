import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import { loadConfig } from '../../../src/stages/config/load.ts'
import { DICOM, failure, load, NAS, testFolder, write } from './configured.ts'

const folder = testFolder()

function dropbox(settings: string): string {
  return `${DICOM}destinations: [{ name: d, type: dropbox, accessToken: tok, ${settings} }]\n`
}

test('the shortest configuration gets the documented defaults', () => {
  const { file, ...config } = load(folder, DICOM + NAS)
  assert.equal(file, path.join(folder, 'dicom-backup.yaml'))
  assert.deepEqual(config, {
    database: null,
    dicom: { root: path.join(folder, 'dicom_files'), include: ['**/*'], exclude: [] },
    archive: { prefix: 'dicom_backup', compression: 'auto' },
    state: { driver: 'sqlite', dir: path.join(folder, '.dicom-backup') },
    log: { file: path.join(folder, 'logs', 'backup_scheduler.log'), level: 'info', maxSize: 10 * 1024 ** 2, keep: 5 },
    destinations: [{ type: 'local', name: 'nas', chunkSize: null, folder: path.resolve(folder, '/mnt/nas') }],
    schedule: { enabled: true, every: '6h', verify: 'never' },
    retention: null,
    endpoints: {},
    secrets: [],
    warnings: [],
  })
})

test('every setting of the contract is taken as written', () => {
  const config = load(
    folder,
    `database:
  host: db.hospital
  port: 3307
  user: backup
  password: \${DB_PASSWORD}
  name: dicom_viewer
  dumpCommand: bin/mysqldump
dicom: { root: /archive, include: ["CT/**"], exclude: ["tmp/**"] }
archive: { prefix: west.wing-2, compression: small }
state: { driver: sqlite, dir: /state }
log: { file: log.txt, level: silent }
destinations:
  - { name: a, type: dropbox, folder: /A/B/, refreshToken: rt, appKey: key, appSecret: as, chunkSize: 16 MB }
  - { name: b, type: google-drive, folder: /X/, oauth: { clientId: id, clientSecret: \${SECRET}, refreshToken: gr } }
  - { name: c, type: local, folder: backups, chunkSize: 1MiB }
schedule: { enabled: false, every: 24h }
retention: { days: 1, keepAtLeast: 1 }
endpoints: { dropbox: "http://127.0.0.1:9000", google-drive: "https://gateway.hospital/" }
`,
    { DB_PASSWORD: 'pw from env', SECRET: 'cs' },
  )
  assert.deepEqual(config.database, {
    host: 'db.hospital',
    port: 3307,
    socket: null,
    user: 'backup',
    password: 'pw from env',
    name: 'dicom_viewer',
    dumpCommand: path.join(folder, 'bin', 'mysqldump'),
  })
  assert.deepEqual(config.dicom, { root: path.resolve(folder, '/archive'), include: ['CT/**'], exclude: ['tmp/**'] })
  assert.deepEqual(config.archive, { prefix: 'west.wing-2', compression: 'small' })
  assert.equal(config.state.dir, path.resolve(folder, '/state'))
  assert.deepEqual(config.log, {
    file: path.join(folder, 'log.txt'),
    level: 'silent',
    maxSize: 10 * 1024 ** 2,
    keep: 5,
  })
  assert.deepEqual(config.destinations, [
    {
      type: 'dropbox',
      name: 'a',
      chunkSize: 16 * 1024 * 1024,
      folder: '/A/B',
      accessToken: null,
      refreshToken: 'rt',
      appKey: 'key',
      appSecret: 'as',
    },
    {
      type: 'google-drive',
      name: 'b',
      chunkSize: null,
      folder: 'X',
      oauth: { clientId: 'id', clientSecret: 'cs', refreshToken: 'gr' },
      credentialsFile: null,
    },
    { type: 'local', name: 'c', chunkSize: 1024 * 1024, folder: path.join(folder, 'backups') },
  ])
  assert.deepEqual(config.schedule, { enabled: false, every: '24h', verify: 'never' })
  assert.deepEqual(config.retention, { days: 1, keepAtLeast: 1 })
  assert.deepEqual(config.endpoints, { dropbox: 'http://127.0.0.1:9000', 'google-drive': 'https://gateway.hospital' })
  assert.deepEqual(new Set(config.secrets), new Set(['pw from env', 'rt', 'as', 'cs', 'gr']))
})

test('relative paths start at the folder of the configuration file, wherever the program was started', () => {
  write(folder, 'deep/er/c.yaml', DICOM + NAS)
  const config = loadConfig(path.relative(process.cwd(), path.join(folder, 'deep/er/c.yaml')), {})
  assert.equal(config.file, path.join(folder, 'deep', 'er', 'c.yaml'))
  assert.equal(config.dicom.root, path.join(folder, 'deep', 'er', 'dicom_files'))
})

test("with the state in the viewer's tables its accounts may be all destinations, so the file may name none", () => {
  const mysql = `${DICOM}state: { driver: mysql }\ndatabase: { user: u, name: n }\n`
  const config = load(folder, mysql)
  assert.equal(config.state.driver, 'mysql')
  assert.deepEqual(config.destinations, [])
  assert.equal(load(folder, mysql + NAS).destinations.length, 1)
})

test('a dump command without a folder is left for PATH, a socket becomes absolute', () => {
  const { database } = load(
    folder,
    `${DICOM}${NAS}database: { user: u, name: n, dumpCommand: mariadb-dump, socket: run/my.sock }\n`,
  )
  assert.equal(database?.dumpCommand, 'mariadb-dump')
  assert.equal(database.socket, process.platform === 'win32' ? 'run/my.sock' : path.join(folder, 'run', 'my.sock'))
  assert.equal(database.port, 3306)
  assert.equal(database.password, '')
})

for (const [written, normal] of [
  ['/x/', '/x'],
  ['x', '/x'],
  ['/', ''],
  ['//a// b /c/', '/a/b/c'],
] as const) {
  test(`the Dropbox folder ${written} is ${normal === '' ? 'the root' : normal}`, () => {
    const [destination] = load(folder, dropbox(`folder: ${written}`)).destinations
    assert.equal(destination?.folder, normal)
  })
}

const MiB = 1024 * 1024
for (const [type, sign, sizes] of [
  [
    'dropbox',
    'accessToken: t',
    { '4MiB': 4 * MiB, '8 mb': 8 * MiB, '32m': 32 * MiB, 4194304: 4 * MiB, '0.0078125 GiB': 8 * MiB },
  ],
  [
    'google-drive',
    'oauth: { clientId: i, clientSecret: s, refreshToken: r }',
    { '256KiB': 256 * 1024, '32 MiB': 32 * MiB },
  ],
  ['local', 'folder: /b', { '64k': 65_536, 65537: 65_537, '33554432 bytes': 32 * MiB }],
] as const) {
  for (const [written, bytes] of Object.entries(sizes)) {
    test(`a chunkSize of ${written} suits ${type}`, () => {
      const yaml = `${DICOM}destinations: [{ name: d, type: ${type}, ${sign}, chunkSize: ${written} }]\n`
      assert.equal(load(folder, yaml).destinations[0]?.chunkSize, bytes)
    })
  }
}

test('an environment variable may stand inside a text, quoted or not, also between braces and brackets', () => {
  const config = load(
    folder,
    'dicom: { root: /${A}/x, include: ["${A}/**", ${B}] }\n' +
      "destinations:\n  - name: '${A}-${B}'\n    type: local\n    folder: ${A}${B}\n",
    { A: 'one', B: 'two' },
  )
  assert.equal(config.dicom.root, path.resolve(folder, '/one/x'))
  assert.deepEqual(config.dicom.include, ['one/**', 'two'])
  assert.equal(config.destinations[0]?.name, 'one-two')
  assert.equal(config.destinations[0].folder, path.join(folder, 'onetwo'))
})

test('an environment variable may give a number or true and false, where it stands without quotes', () => {
  const yaml = `${DICOM}${NAS}database: { user: u, name: n, port: \${PORT}, password: \${DIGITS} }\nschedule: { enabled: \${ON} }\n`
  const config = load(folder, yaml, { PORT: '3307', DIGITS: '0123', ON: 'false' })
  assert.equal(config.database?.port, 3307)
  assert.equal(config.database.password, '0123')
  assert.equal(config.schedule.enabled, false)
  const [fault] = failure(folder, yaml, { PORT: 'x3', DIGITS: '1', ON: 'true' }).faults
  assert.deepEqual([fault?.key, fault?.line], ['database.port', 3])
})

test('a value is never searched for variables again, and $${ stands for ${', () => {
  const config = load(folder, `${DICOM}${NAS}database: { user: u, name: n, password: 'a$\${B}\${A}$' }\n`, {
    A: '${B}',
    B: 'no',
  })
  assert.equal(config.database?.password, 'a${B}${B}$')
})

test('a password file gives the password without its line end or byte order mark', () => {
  const yaml = `${DICOM}${NAS}database: { user: u, name: n, passwordFile: keys/pw.txt }\n`
  for (const [content, password] of [
    ['p w', 'p w'],
    ['pw\n', 'pw'],
    ['pw\r\n', 'pw'],
    ['\uFEFFpw\r\n', 'pw'],
    [' pw ', ' pw '],
    ['pä$${X}', 'pä$${X}'],
    [Buffer.from('\uFEFFpwü\r\n', 'utf16le'), 'pwü'],
  ] as const) {
    write(folder, 'keys/pw.txt', content)
    const config = load(folder, yaml)
    assert.equal(config.database?.password, password)
    assert.deepEqual(config.secrets, [password])
    assert.deepEqual(config.warnings, [])
  }
})

test('secrets that every account may read are warned about', { skip: process.platform === 'win32' }, () => {
  write(folder, 'open.txt', 'pw')
  write(folder, 'key.json', JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: 'PRIVATE' }))
  const yaml = `${DICOM}database: { user: u, name: n, passwordFile: open.txt }
destinations:
  - { name: g, type: google-drive, credentialsFile: key.json }
  - { name: d, type: dropbox, accessToken: literal }
`
  const quiet = write(folder, 'quiet.yaml', yaml)
  assert.deepEqual(loadConfig(quiet, {}).warnings, [])
  const open = write(folder, 'open.yaml', yaml, 0o644)
  for (const name of ['open.txt', 'key.json']) chmodSync(path.join(folder, name), 0o644)
  const { warnings, secrets } = loadConfig(open, {})
  assert.deepEqual(
    warnings.map(({ key, line }) => `${key} ${line}`),
    [' 1', 'database.passwordFile 2', 'destinations[0].credentialsFile 4'],
  )
  assert.deepEqual(new Set(secrets), new Set(['literal', 'pw', 'PRIVATE']))
  const fromEnv = write(folder, 'env.yaml', yaml.replace('literal', '${TOKEN}'), 0o644)
  assert.deepEqual(
    loadConfig(fromEnv, { TOKEN: 'literal' }).warnings.map(({ key }) => key),
    ['database.passwordFile', 'destinations[0].credentialsFile'],
  )
})

test('the file itself may be UTF-16 or carry a byte order mark, with either kind of line end', () => {
  const yaml = (DICOM + NAS).replaceAll('\n', '\r\n')
  for (const content of [`\uFEFF${yaml}`, Buffer.from(`\uFEFF${yaml}`, 'utf16le')]) {
    assert.equal(load(folder, content).destinations[0]?.name, 'nas')
  }
})

write(folder, 'ansi.yaml', Buffer.from('dicom: { root: R\xf6ntgen }', 'latin1'))
write(folder, 'huge.yaml', '#'.repeat(MiB + 1))
for (const [name, message, advice] of [
  ['absent.yaml', /absent\.yaml does not exist/, /dicom-backup init/],
  ['ansi.yaml/c.yaml', /does not exist/, /dicom-backup init/],
  ['.', /is a folder/, /text file/],
  ['ansi.yaml', /is not UTF-8 text/, /saved as UTF-8/],
  ['huge.yaml', /is larger than 1 MiB/, /text file/],
] as const) {
  test(`a configuration file ${name}: ${message.source}, and what to do`, () => {
    assert.throws(
      () => loadConfig(path.join(folder, name), {}),
      (error) =>
        error instanceof BackupError &&
        error.code === 'E_CONFIG' &&
        message.test(error.message) &&
        advice.test(error.advice),
    )
  })
}
