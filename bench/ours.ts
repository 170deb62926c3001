/** The program itself, as its user starts it, sending to both services' stand-ins. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'
import type { RunResult } from '../src/stages/backup/results.ts'
import { CREDENTIALS } from '../src/stages/stand-ins/serve.ts'
import type { Contender, Sample } from './harness/types.ts'
import { cpuMsOf, watched, type WatchOptions } from './harness/watched.ts'

export const PROGRAM = path.resolve(import.meta.dirname, '../src/cli/main.ts')
const MB = 1_000_000

export interface Setting {
  readonly root: string
  /** Its configuration and state go into a folder of their own in here. */
  readonly scratch: string
  readonly compression: 'auto' | 'store' | 'fast' | 'small'
  /** Origins of the stand-ins; null: not a destination. */
  readonly dropbox: string | null
  readonly googleDrive: string | null
}

/** Writes a configuration into `folder` and gives its path. */
export async function writeConfig(folder: string, setting: Setting): Promise<string> {
  const { root, compression, dropbox, googleDrive } = setting
  const file = path.join(folder, 'dicom-backup.yaml')
  const toDropbox = { name: 'dropbox', type: 'dropbox', folder: '/bench', ...CREDENTIALS.dropbox }
  const toDrive = { name: 'drive', type: 'google-drive', folder: 'bench', oauth: CREDENTIALS.googleDrive }
  const config = {
    dicom: { root },
    archive: { compression },
    endpoints: {
      ...(dropbox === null ? {} : { dropbox }),
      ...(googleDrive === null ? {} : { 'google-drive': googleDrive }),
    },
    destinations: [...(dropbox === null ? [] : [toDropbox]), ...(googleDrive === null ? [] : [toDrive])],
  }
  await writeFile(file, stringify(config), { mode: 0o600 })
  return file
}

export interface OwnRun extends Sample {
  readonly result: RunResult
}

/** One run. The value is MB of files a second. */
export async function ownRun(
  setting: Setting,
  { bytes, services, ...watch }: { bytes: number; services: readonly number[] } & WatchOptions,
): Promise<OwnRun> {
  const folder = await mkdtemp(path.join(setting.scratch, 'ours-'))
  try {
    const config = await writeConfig(folder, setting)
    const taken = (): number => services.reduce((sum, pid) => sum + (cpuMsOf(pid) ?? 0), 0)
    const before = taken()
    const run = await watched(process.execPath, [...flags(), PROGRAM, 'run', '--json', '--config', config], watch)
    const { code, stdout, stderr, ms, peakBytes, cpuMs } = run
    if (code !== 0) throw new Error(`dicom-backup run: exit ${code}\n${stdout}\n${stderr}`)
    const result = JSON.parse(stdout) as RunResult
    const bytesOut = result.archive?.bytes ?? null
    return { value: bytes / MB / (ms / 1000), ms, peakBytes, cpuMs: cpuMs + taken() - before, bytesOut, result }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** More for Node than a user gives it: `BENCH_NODE_FLAGS='--cpu-prof --cpu-prof-dir=/tmp/prof'`. */
const flags = (): string[] => (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean)

export const ours = (
  setting: Setting,
  run: { readonly bytes: number; readonly services: readonly number[] },
  name = 'dicom-backup',
): Contender => ({
  name,
  what: `dicom-backup run, compression: ${setting.compression}`,
  run: () => ownRun(setting, run),
})
