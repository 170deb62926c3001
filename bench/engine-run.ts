import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stringify } from 'yaml'
import { CREDENTIALS } from '../src/stages/stand-ins/serve.ts'
import { measuredRun, type MeasuredRun } from './measured-run.ts'
import { startServices } from './service-process.ts'

/**
 * Backs up what `fill` puts into an archive folder to both services at once, and measures the engine's process alone.
 */
export async function engineRun(
  fill: (root: string) => Promise<void> | void,
  compression: 'auto' | 'store' | 'fast' = 'auto',
): Promise<MeasuredRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-bench-'))
  const services = await startServices()
  try {
    const root = path.join(folder, 'dicom_files')
    await mkdir(root)
    await fill(root)
    const configFile = path.join(folder, 'dicom-backup.yaml')
    const config = {
      dicom: { root },
      archive: { compression },
      endpoints: { dropbox: services.dropbox, 'google-drive': services.googleDrive },
      destinations: [
        { name: 'dropbox', type: 'dropbox', folder: '/bench', ...CREDENTIALS.dropbox },
        { name: 'drive', type: 'google-drive', folder: 'bench', oauth: CREDENTIALS.googleDrive },
      ],
    }
    await writeFile(configFile, stringify(config), { mode: 0o600 })
    return await measuredRun(configFile, path.join(folder, '.dicom-backup'))
  } finally {
    await services.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
