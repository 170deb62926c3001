/** A run whose every word, file and request is looked through for patients and secrets. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { RunResult } from '../../src/stages/contract/results.ts'
import { syntheticInstance } from '../../src/stages/demo/synthetic-dicom.ts'
import type { CliResult } from './cli.ts'
import { startMariaDb, type MariaDb } from './mariadb.ts'
import { makeRig, SECRETS, type Rig, type Settings } from './rig.ts'
import { createViewerDatabase } from './viewer-database.ts'

export const PASSWORD = 'Geheim-4711!pw'
export const WRONG_PASSWORD = 'Falsch-0815!pw'
export const secrets = [...Object.values(SECRETS), PASSWORD, WRONG_PASSWORD]
/** In folder and file names, in DICOM headers, in the database. */
export const patients = [
  'Mustermann',
  'PAT-778899',
  'SYN-00042',
  'Synthetic^Patient',
  'Müller',
  'Testperson',
  'PID-00000',
]

export const found = (text: string, words: readonly string[]): string[] => words.filter((word) => text.includes(word))

/** A server with patients, and the account of the backup. */
export async function serverWithPatients(): Promise<MariaDb> {
  const server = await startMariaDb()
  await createViewerDatabase(server, { patients: 9 })
  await server.query(`CREATE USER backup IDENTIFIED BY '${PASSWORD}'; GRANT ALL ON *.* TO backup`)
  return server
}

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

export interface Watched {
  readonly rig: Rig
  readonly services: readonly Seen[]
  configure(sections: Settings): Promise<void>
}

/** A rig whose archive folder is full of patients, one of them behind a link, which a backup leaves out. */
export async function watchedRig(t: TestContext, server: MariaDb): Promise<Watched> {
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

/**
 * All that a command said and left behind, but the archives, the one list that may name files, and the folder of a run
 * that is open: what that holds is for its owner alone.
 */
export function said({ rig, services }: Watched, { stdout, stderr }: CliResult): string {
  const all = ['.dicom-backup', 'logs'].flatMap((folder) => below(path.join(rig.folder, folder)))
  const files = all.filter((file) => !file.startsWith(path.join(rig.state, 'runs', path.sep)))
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

export function below(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((one) =>
      one.isFile() ? [path.join(one.parentPath, one.name)] : [],
    )
  } catch {
    return []
  }
}

/** The run that is open, if there is one, can be entered and read by its owner only. */
function assertOwnersOnly({ rig }: Watched): void {
  const runs = path.join(rig.state, 'runs')
  for (const name of existsSync(runs) ? readdirSync(runs, { recursive: true, encoding: 'utf8' }) : []) {
    const found = statSync(path.join(runs, name))
    assert.equal(found.mode & 0o777, found.isDirectory() ? 0o700 : 0o600, name)
  }
}

function withoutSkippedPaths(stdout: string): string {
  if (!stdout.startsWith('{')) return stdout
  const result = JSON.parse(stdout) as Partial<RunResult>
  return JSON.stringify({ ...result, skippedFiles: result.skippedFiles?.map(({ reason }) => reason) })
}

export function assertPrivate(watchedRig: Watched, result: CliResult, what: string): void {
  const text = said(watchedRig, result)
  assert.deepEqual(found(text, patients), [], `${what}: a patient is named in:\n${text}`)
  // The addresses that hold an upload session are the service's own doing; nothing that we write may have one.
  const ours =
    withoutSkippedPaths(result.stdout) +
    result.stderr +
    below(path.join(watchedRig.rig.folder, 'logs'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('')
  assertOwnersOnly(watchedRig)
  const given = watchedRig.services.flatMap((one) => [...one.secrets])
  assert.deepEqual(found(text, secrets), [], `${what}: a secret is told in:\n${text}`)
  assert.deepEqual(found(ours, given), [], `${what}: a secret that a service gave is told`)
}
