/** The program itself, as its user starts it, sending to both services' stand-ins. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'
import type { RunResult } from '../src/stages/backup/results.ts'
import { CREDENTIALS } from '../src/stages/stand-ins/serve.ts'
import { builtProgram } from './built-program.ts'
import type { Contender, Sample } from './harness/types.ts'
import { cpuMsOf, watched } from './harness/watched.ts'

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

/** Writes a configuration into `folder` and gives its path. Archives of one second would have one name: each has its own folder. */
export async function writeConfig(folder: string, setting: Setting): Promise<string> {
  const { root, compression, dropbox, googleDrive } = setting
  const file = path.join(folder, 'dicom-backup.yaml')
  const remote = path.basename(folder)
  const toDropbox = { name: 'dropbox', type: 'dropbox', folder: `/${remote}`, ...CREDENTIALS.dropbox }
  const toDrive = { name: 'drive', type: 'google-drive', folder: remote, oauth: CREDENTIALS.googleDrive }
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

export interface OwnRunOptions {
  /** Of the files. */
  readonly bytes: number
  /** Ids of the processes that take what is sent: their CPU time counts. */
  readonly services: readonly number[]
  /** Called when it has started, with its id and the folder of its configuration. */
  readonly onStart?: (pid: number, folder: string) => void
  readonly mayBeKilled?: boolean
}

/** One run. The value is MB of files a second. */
export async function ownRun(
  setting: Setting,
  { bytes, services, onStart, mayBeKilled = false }: OwnRunOptions,
): Promise<Sample> {
  const folder = await mkdtemp(path.join(setting.scratch, 'ours-'))
  try {
    const program = await builtProgram()
    const config = await writeConfig(folder, setting)
    const taken = (): number => services.reduce((sum, pid) => sum + (cpuMsOf(pid) ?? 0), 0)
    const before = taken()
    const run = await watched(process.execPath, [...flags(), program, 'run', '--json', '--config', config], {
      onStart: (pid) => onStart?.(pid, folder),
    })
    const { code, stdout, stderr, ms, peakBytes, cpuMs } = run
    const isKilled = code === null && mayBeKilled
    if (code !== 0 && !isKilled) throw new Error(`dicom-backup run: exit ${code}\n${stdout}\n${stderr}`)
    const result = isKilled ? null : (JSON.parse(stdout) as RunResult)
    const bytesOut = result?.archive?.bytes ?? null
    return { value: bytes / MB / (ms / 1000), ms, peakBytes, cpuMs: cpuMs + taken() - before, bytesOut }
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
