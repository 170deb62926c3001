/**
 * No patient's name or id and no secret stands in a log, an object's name, the progress, an error, a request's address
 * or a process's arguments.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { appendFile, mkdir, readFile, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { RunResult } from '../../src/stages/backup/results.ts'
import { syntheticInstance } from '../../src/stages/demo/synthetic-dicom.ts'
import type { CliResult } from '../support/cli.ts'
import { findProgram, startMariaDb, type MariaDb } from '../support/mariadb.ts'
import { makeRig, SECRETS, type Rig, type Settings } from '../support/rig.ts'
import { createViewerDatabase } from '../support/viewer-database.ts'
import { readEntry, readManifest } from '../support/zip-readers.ts'

const WINDOWS = process.platform === 'win32' && 'the dump program of this test is a shell script'
const PASSWORD = 'Geheim-4711!pw'
const WRONG_PASSWORD = 'Falsch-0815!pw'
const secrets = [...Object.values(SECRETS), PASSWORD, WRONG_PASSWORD]
/** In folder and file names, in DICOM headers, in the database. */
const patients = ['Mustermann', 'PAT-778899', 'SYN-00042', 'Synthetic^Patient', 'Müller', 'Testperson', 'PID-00000']

const found = (text: string, words: readonly string[]): string[] => words.filter((word) => text.includes(word))

let server: MariaDb
before(async () => {
  server = await startMariaDb()
  await createViewerDatabase(server, { patients: 9 })
  await server.query(`CREATE USER backup IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO backup`)
})
after(() => server.close())

interface Seen {
  /** Where clients go instead of to `origin`. */
  readonly at: string
  readonly addresses: string[]
  /** Of each request, without the sign-in. */
  readonly headers: string[]
  /** Access tokens and upload sessions, which the services give out as a run goes on. */
  readonly secrets: Set<string>
}

/** Stands before a service and writes down what a proxy on the way would see. */
async function watched(t: TestContext, origin: string): Promise<Seen> {
  const seen = { at: '', addresses: [] as string[], headers: [] as string[], secrets: new Set<string>() }
  const proxy = http.createServer((request, response) => {
    const { authorization, ...headers } = request.headers
    const url = new URL(request.url ?? '/', origin)
    if (authorization !== undefined) seen.secrets.add(authorization.replace('Bearer ', ''))
    const session =
      url.searchParams.get('upload_id') ??
      /"session_id":"([^"]+)"/.exec(JSON.stringify(headers).replaceAll('\\', ''))?.[1]
    if (session !== undefined) seen.secrets.add(session)
    seen.addresses.push(url.href)
    seen.headers.push(JSON.stringify(headers))
    const onward = http.request(url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return { ...seen, at: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
}

interface Watched {
  readonly rig: Rig
  readonly services: readonly Seen[]
  configure(sections: Settings): Promise<void>
}

/** A rig whose archive folder is full of patients, one of them behind a link, which a backup leaves out. */
async function watchedRig(t: TestContext): Promise<Watched> {
  const rig = await makeRig(t)
  const services = [await watched(t, rig.dropbox.origin), await watched(t, rig.drive.origin)]
  const image = syntheticInstance({
    patient: 42,
    study: 1,
    series: 1,
    instance: 1,
    modality: 'CT',
    pixels: 'raw',
    rows: 64,
    columns: 64,
  })
  await rig.put('Mustermann_Erika/PAT-778899/CT Mustermann.dcm', image)
  await symlink('CT Mustermann.dcm', path.join(rig.root, 'Mustermann_Erika/PAT-778899/link.dcm'))
  const usual: Settings = {
    database: { socket: server.socket, user: 'backup', password: PASSWORD, name: 'dicom_viewer' },
    log: { level: 'trace' },
    endpoints: { dropbox: services[0]!.at, 'google-drive': services[1]!.at },
  }
  const configure = (sections: Settings): Promise<void> => rig.configure({ ...usual, ...sections })
  await configure({})
  return { rig, services, configure }
}

/** All that a command said and left behind, but the archives and the one list that may name files. */
function said({ rig, services }: Watched, { stdout, stderr }: CliResult): string {
  const files = ['.dicom-backup', 'logs'].flatMap((folder) => below(path.join(rig.folder, folder)))
  const objects = [...rig.dropbox.objects(), ...rig.drive.objects()].map((object) => object.path)
  const requests = [...rig.dropbox.requests.latest(), ...rig.drive.requests.latest()]
  return [
    withoutSkippedPaths(stdout),
    stderr,
    ...files.flatMap((file) => [file, readFileSync(file, 'latin1'), readFileSync(file, 'utf8')]),
    ...readdirSync(rig.nas),
    ...objects,
    JSON.stringify(requests),
    ...services.flatMap(({ addresses, headers }) => [...addresses, ...headers]),
  ].join('\n')
}

function below(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((one) =>
      one.isFile() ? [path.join(one.parentPath, one.name)] : [],
    )
  } catch {
    return []
  }
}

function withoutSkippedPaths(stdout: string): string {
  if (!stdout.startsWith('{')) return stdout
  const result = JSON.parse(stdout) as Partial<RunResult>
  return JSON.stringify({ ...result, skippedFiles: result.skippedFiles?.map(({ reason }) => reason) })
}

function assertPrivate(watchedRig: Watched, result: CliResult, what: string): void {
  const text = said(watchedRig, result)
  assert.deepEqual(found(text, patients), [], `${what}: a patient is named in:\n${text}`)
  // The addresses that hold an upload session are the service's own doing; nothing that we write may have one.
  const ours =
    withoutSkippedPaths(result.stdout) +
    result.stderr +
    below(path.join(watchedRig.rig.folder, 'logs'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('')
  const given = watchedRig.services.flatMap((one) => [...one.secrets])
  assert.deepEqual(found(text, secrets), [], `${what}: a secret is told in:\n${text}`)
  assert.deepEqual(found(ours, given), [], `${what}: a secret that a service gave is told`)
}

describe('patients and secrets stay out of everything', () => {
  test('that a good run says, logs, sends as an address and leaves behind; the archive alone has the patients', async (t) => {
    const one = await watchedRig(t)
    const { rig, services } = one
    const result = await rig.cli('run', '--json')
    assert.equal(result.code, 3, 'a link was left out')
    assertPrivate(one, result, 'run --json')

    // Each place was looked into, and the search finds what is there.
    const { archive, skippedFiles } = JSON.parse(result.stdout) as RunResult
    const text = said(one, result)
    assert.deepEqual(found(JSON.stringify(skippedFiles), patients), ['Mustermann', 'PAT-778899'])
    const { nas } = await rig.archives(archive!.name)
    const inside =
      JSON.stringify(await readManifest(nas)) + (await readEntry(nas, 'database/dicom_viewer.sql')).toString()
    assert.deepEqual(
      found(inside, patients),
      patients.filter((word) => word !== 'Synthetic^Patient'),
    )
    assert.deepEqual(
      found(await readFile(rig.configFile, 'utf8'), secrets),
      secrets.filter((word) => word !== WRONG_PASSWORD),
    )
    assert.match(text, /"msg":"run started"[^]*"msg":"run ended"/)
    assert.match(text, /"route":"append"|"route":"finish"/)
    for (const { addresses, headers, secrets: given } of services) {
      assert.ok(addresses.length >= 2)
      assert.match([...addresses, ...headers].join(), /dicom_backup_|uploadType=resumable/)
      assert.ok(given.size >= 2, 'a token and a session were seen')
    }
    for (const args of [
      ['run'],
      ['run', '--dry-run'],
      ['run', '--dry-run', '--json'],
      ['doctor'],
      ['doctor', '--json'],
    ]) {
      const [command = '', ...rest] = args
      assertPrivate(one, await rig.cli(command, ...rest), args.join(' '))
    }
  })

  const failing: Record<
    string,
    { code: number; prepare: (one: Watched) => unknown; database?: Settings; sections?: Settings }
  > = {
    'a wrong database password': { code: 1, prepare: () => undefined, database: { password: WRONG_PASSWORD } },
    'an unknown database': { code: 1, prepare: () => undefined, database: { name: 'nowhere' } },
    'signed out of both services': {
      code: 3,
      prepare: ({ rig }) => {
        rig.dropbox.expireTokens()
        rig.drive.revoke(SECRETS.refreshToken)
      },
    },
    'full accounts': {
      code: 3,
      prepare: ({ rig }) => {
        rig.dropbox.quotaBytes = 100
        rig.drive.quotaBytes = 100
      },
    },
    'a damaged copy': {
      code: 3,
      prepare: ({ rig }) => {
        rig.drive.faults.add({ route: 'final', fault: { kind: 'flip' } })
      },
    },
    'an upload session that is lost': {
      code: 3,
      prepare: ({ rig }) => {
        rig.dropbox.faults.add({ route: 'finish', fault: { kind: 'session-gone' } })
        rig.drive.faults.add({ route: 'final', fault: { kind: 'session-gone' } })
      },
    },
    'a state folder that is a file': {
      code: 1,
      prepare: () => undefined,
      sections: { state: { dir: 'dicom-backup.yaml' } },
    },
    'an archive folder that is gone': {
      code: 1,
      prepare: ({ rig }) => rename(rig.root, path.join(rig.folder, 'moved')),
    },
    'a fault in the configuration': {
      code: 2,
      prepare: () => undefined,
      database: { pasword: PASSWORD, user: [PASSWORD] },
    },
    'a configuration that is no YAML': {
      code: 2,
      prepare: ({ rig }) => appendFile(rig.configFile, `\ndatabase: { password: "${PASSWORD}\n`),
    },
  }
  for (const [what, { code, prepare, database = {}, sections = {} }] of Object.entries(failing)) {
    test(`that a run says of ${what}`, async (t) => {
      const one = await watchedRig(t)
      const usual = { socket: server.socket, user: 'backup', password: PASSWORD, name: 'dicom_viewer' }
      await one.configure({ ...sections, database: { ...usual, ...database } })
      await prepare(one)
      const result = await one.rig.cli('run')
      assert.equal(result.code, code, result.stdout + result.stderr)
      assertPrivate(one, result, 'run')
    })
  }

  test('that a run says of files that vanish while it goes on', async (t) => {
    const one = await watchedRig(t)
    const { rig } = one
    const two = { type: 'local', folder: 'nas', name: 'nas' }
    const dropbox = { name: 'dropbox', type: 'dropbox', folder: '/x', accessToken: SECRETS.dropboxToken }
    await one.configure({ archive: { compression: 'store' }, destinations: [dropbox, two] })
    // More than the run keeps on its way, so that what comes after it has not been read while Dropbox stands still.
    await rig.put('A', '')
    await truncate(path.join(rig.root, 'A'), 72 << 20)
    rig.dropbox.pause()
    const vanish = async (): Promise<void> => {
      while (below(rig.nas).every((file) => statSync(file).size === 0)) await sleep(20)
      await rename(path.join(rig.root, 'Mustermann_Erika'), path.join(rig.folder, 'Mustermann_Erika'))
      rig.dropbox.resume()
    }
    const result = await rig.cliWith({ onStart: () => void vanish() }, 'run')
    assert.equal(result.code, 3, result.stderr)
    assert.match(result.stdout, /1 {2}no longer there/)
    assertPrivate(one, result, 'run')
  })
})

describe('what other users of the machine see', { skip: WINDOWS }, () => {
  const script = async (rig: Rig, ...lines: string[]): Promise<string> => {
    const file = path.join(rig.folder, 'mysqldump')
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 })
    return file
  }
  const withDump = (dumpCommand: string): Settings => ({
    database: { socket: server.socket, user: 'backup', password: PASSWORD, name: 'dicom_viewer', dumpCommand },
  })
  const real = (): string => findProgram('mariadb-dump')!

  test(
    'in the list of processes has no secret and no patient in it while the database is dumped',
    { skip: findProgram('ps') === null && 'no ps here' },
    async (t) => {
      const one = await watchedRig(t)
      const list = path.join(one.rig.folder, 'processes')
      await one.configure(withDump(await script(one.rig, `ps -eo args >> '${list}'`, `exec '${real()}' "$@"`)))
      const result = await one.rig.cli('run')
      assert.equal(result.code, 3, result.stderr)
      const processes = await readFile(list, 'utf8')
      assert.match(processes, /main\.ts run --config/)
      assert.match(processes, /--single-transaction.*dicom_viewer/)
      assert.deepEqual(found(processes, [...secrets, ...patients]), [])
    },
  )

  test('is nothing of the rows when the dump breaks off in their middle', async (t) => {
    const one = await watchedRig(t)
    const half = [
      `case "$*" in *--version*) exec '${real()}' "$@";; esac`,
      `'${real()}' "$@" | head -c 30000`,
      'echo "mysqldump: Error 2013: Lost connection" >&2',
      'exit 3',
    ]
    await one.configure(withDump(await script(one.rig, ...half)))
    for (const args of [[], ['--json']]) {
      const result = await one.rig.cli('run', ...args)
      assert.equal(result.code, 1, result.stdout)
      assert.match(result.stdout, /Lost connection/)
      assertPrivate(one, result, `run ${args.join(' ')}`)
    }
    assert.deepEqual(await one.rig.visible(), [])
    assert.deepEqual(below(path.join(one.rig.state, 'runs')), [], 'and half a dump is not left behind')
  })
})
