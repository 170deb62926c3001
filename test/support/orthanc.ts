/** A real Orthanc of the tests' own, with its index in MariaDB: it is what stores, indexes and gives out the images. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './find-program.ts'
import { freePort, type MariaDb } from './mariadb.ts'
import { withThisProcess } from './with-this-process.ts'

const PLUGIN = '/usr/share/orthanc/plugins/libOrthancMySQLIndex.so'
const program = findProgram('Orthanc')

/** Why there is no Orthanc with MySQL here; false when there is one. */
export const noOrthanc =
  program !== null && existsSync(PLUGIN) ? false : 'Orthanc with its MySQL plugin is not on this machine'

const START_MS = 120_000

export interface Orthanc {
  /** Sends an instance; whether Orthanc took it. */
  store(instance: Uint8Array): Promise<boolean>
  /** Orthanc's own ids of its instances. */
  instances(): Promise<string[]>
  /** MD5 of an instance's file as Orthanc gives it out; null when it cannot. */
  md5(id: string): Promise<string | null>
  delete(id: string): Promise<void>
  /** The UIDs of its studies, sorted. */
  studies(): Promise<string[]>
  /** Asks it to end and waits: what it holds is on disk then. */
  close(): Promise<void>
}

export interface OrthancOptions {
  /** Where configuration and log lie. */
  readonly folder: string
  /** Where the images lie: the archive folder. */
  readonly storage: string
  /** Has to listen. */
  readonly server: MariaDb
  readonly database: string
  /** Images are compressed by Orthanc: 8 bytes of size, then zlib. */
  readonly compressed?: boolean
}

/** Starts Orthanc and waits until it answers. */
export async function startOrthanc(options: OrthancOptions): Promise<Orthanc> {
  const { folder, storage, server, database } = options
  const port = await freePort()
  await mkdir(path.join(folder, 'index'), { recursive: true })
  await mkdir(storage, { recursive: true })
  const file = path.join(folder, 'orthanc.json')
  await writeFile(
    file,
    JSON.stringify({
      Name: 'TEST',
      StorageDirectory: storage,
      IndexDirectory: path.join(folder, 'index'),
      StorageCompression: options.compressed ?? false,
      Plugins: [PLUGIN],
      HttpPort: port,
      RemoteAccessAllowed: false,
      AuthenticationEnabled: false,
      DicomServerEnabled: false,
      SyncStorageArea: true,
      MySQL: {
        EnableIndex: true,
        EnableStorage: false,
        Host: server.host,
        Port: server.port,
        UnixSocket: '',
        Database: database,
        Username: server.user,
        Password: server.password,
        Lock: true,
      },
    }),
  )
  const [name, ...args] = withThisProcess([program ?? '', file])
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-8192)
    })
  }
  const ended = once(child, 'close')
  const at = `http://127.0.0.1:${port}`
  const ids = async (what: string): Promise<string[]> => (await (await fetch(`${at}/${what}`)).json()) as string[]
  const deadline = Date.now() + START_MS
  while (
    !(await fetch(`${at}/system`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`Orthanc did not start:\n${log}`)
    }
    await sleep(50)
  }
  return {
    store: async (instance) => (await fetch(`${at}/instances`, { method: 'POST', body: instance })).ok,
    instances: () => ids('instances'),
    async md5(id) {
      const answer = await fetch(`${at}/instances/${id}/file`)
      const bytes = await answer.bytes()
      return answer.ok ? createHash('md5').update(bytes).digest('hex') : null
    },
    async delete(id) {
      await (await fetch(`${at}/instances/${id}`, { method: 'DELETE' })).bytes()
    },
    async studies() {
      const all = (await (await fetch(`${at}/studies?expand`)).json()) as readonly {
        MainDicomTags: { StudyInstanceUID: string }
      }[]
      return all.map(({ MainDicomTags }) => MainDicomTags.StudyInstanceUID).sort()
    },
    async close() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
