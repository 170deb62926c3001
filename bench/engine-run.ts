import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { RunResult } from '../src/stages/contract/results.ts'
import { builtProgram } from './built-program.ts'
import { watched, type Watched } from './harness/watched.ts'
import { writeConfig, type Compression } from './ours.ts'
import { startServices } from './services/process.ts'

export interface EngineRun extends Watched {
  readonly result: RunResult
}

/**
 * Backs up what `fill` puts into an archive folder to both services at once, and measures the engine's process alone.
 * `folderBytes` is the size of its state.
 */
export async function engineRun(
  fill: (root: string) => Promise<void> | void,
  compression: Compression = 'auto',
): Promise<EngineRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-bench-'))
  const services = await startServices()
  try {
    const root = path.join(folder, 'dicom_files')
    await mkdir(root)
    await fill(root)
    const config = await writeConfig(folder, { root, compression, services })
    const words = [await builtProgram(), 'run', '--json', '--config', config]
    const run = await watched(process.execPath, words, { folder: path.join(folder, '.dicom-backup') })
    return { ...run, result: JSON.parse(run.stdout) as RunResult }
  } finally {
    await services.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
