/** The program itself, as its user starts it, sending to both services' stand-ins. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'
import type { RunResult } from '../src/stages/contract/results.ts'
import { CREDENTIALS } from '../src/stages/stand-ins/serve.ts'
import type { Build, Contender, Place, Sample } from './harness/types.ts'
import { watched } from './harness/watched.ts'
import type { StandIns } from './services/process.ts'
import type { Arrived, ArrivedAtBoth } from './services/stand-ins.ts'

const MB = 1_000_000

export type Compression = 'auto' | 'store' | 'fast' | 'small'

/** What is backed up, and to where. */
export interface Source {
  readonly root: string
  readonly files: number
  /** Of all files. */
  readonly bytes: number
}

export interface ServicesPlace extends Place {
  readonly services: StandIns
}

export interface Setting {
  readonly root: string
  readonly compression: Compression
  readonly services: Pick<StandIns, 'dropbox' | 'googleDrive'>
  /** Default: both. */
  readonly isDropboxAlone?: boolean
}

/**
 * Writes a configuration into `folder` and gives its path. Archives of one second would have one name: each has a folder
 * of its own at the services, named like this one. Only what the first version understood is in it: older builds are
 * measured too.
 */
export async function writeConfig(folder: string, setting: Setting): Promise<string> {
  const { root, compression, services, isDropboxAlone = false } = setting
  const file = path.join(folder, 'dicom-backup.yaml')
  const remote = path.basename(folder)
  const toDropbox = { name: 'dropbox', type: 'dropbox', folder: `/${remote}`, ...CREDENTIALS.dropbox }
  const toDrive = { name: 'drive', type: 'google-drive', folder: remote, oauth: CREDENTIALS.googleDrive }
  const config = {
    dicom: { root },
    archive: { compression },
    endpoints: { dropbox: services.dropbox, ...(isDropboxAlone ? {} : { 'google-drive': services.googleDrive }) },
    destinations: isDropboxAlone ? [toDropbox] : [toDropbox, toDrive],
  }
  await writeFile(file, stringify(config), { mode: 0o600 })
  return file
}

/** The words that start a command of a build. */
export const wordsOf = ({ program }: Pick<Build, 'program'>, ...words: readonly string[]): readonly string[] => [
  ...flags(),
  program,
  ...words,
]

/** More for Node than a user gives it: `BENCH_NODE_FLAGS='--cpu-prof --cpu-prof-dir=/tmp/prof'`. */
const flags = (): string[] => (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean)

/** Calls `work` with a folder for one run, and removes it after. */
export async function inRunFolder<T>(build: Build, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(build.folder, `${path.basename(build.folder)}-`))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One whole run to both services. `valueOf` makes the sample's value from its ms. */
export function ownRun(
  { services }: ServicesPlace,
  build: Build,
  { root, files }: Source,
  compression: Compression,
  valueOf: (ms: number) => number,
): Promise<Sample> {
  return inRunFolder(build, async (folder) => {
    const config = await writeConfig(folder, { root, compression, services })
    const before = services.cpuMs()
    const words = wordsOf(build, 'run', '--json', '--config', config)
    const { code, stdout, stderr, ms, peakBytes, cpuMs } = await watched(process.execPath, words)
    if (code !== 0) throw new Error(`run: exit ${code}\n${stdout}\n${stderr}`)
    const taken = services.cpuMs() - before
    const bytesOut = provenRun(JSON.parse(stdout) as RunResult, files, await services.ask('arrived'), folder)
    return { value: valueOf(ms), ms, peakBytes, cpuMs: cpuMs + taken, bytesOut }
  })
}

/** Throws unless the run stored all files in one archive that both services hold whole. Gives the archive's bytes. */
export function provenRun(result: RunResult, files: number, arrived: ArrivedAtBoth, folder: string): number {
  const { status, archive } = result
  if (status !== 'completed' || archive === null) throw new Error(`run: ${status}, ${result.reason ?? 'no archive'}`)
  if (archive.files !== files) throw new Error(`run: ${archive.files} files are in the archive, not ${files}`)
  const held = [heldOf(arrived.dropbox, folder), heldOf(arrived.googleDrive, folder)]
  if (held.some((bytes) => bytes !== archive.bytes)) {
    throw new Error(`run: the services hold ${held.join(' and ')} bytes, not ${archive.bytes}`)
  }
  return archive.bytes
}

/** Bytes of what a service holds of the run in `folder`; 0 when that is not one object. */
export function heldOf({ objects }: Arrived, folder: string): number {
  const of = objects.filter((one) => one.path.includes(`${path.basename(folder)}/`))
  return of.length === 1 ? (of[0]?.bytes ?? 0) : 0
}

/** MB of files a second. */
export const megabytes =
  (bytes: number) =>
  (ms: number): number =>
    bytes / MB / (ms / 1000)

/** A run that backs up what its place has. The value is MB of files a second. */
export const ours = (compression: Compression, name = 'dicom-backup'): Contender<ServicesPlace & Source> => ({
  name,
  what: `dicom-backup run, compression: ${compression}`,
  run: (place, build) => ownRun(place, build, place, compression, megabytes(place.bytes)),
})
