import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { stringify } from 'yaml'
import type { RunResult } from '../../src/stages/contract/results.ts'
import {
  startDriveStandIn,
  type DriveStandIn,
  type DriveStandInOptions,
} from '../../src/stages/stand-ins/google-drive/stand-in.ts'
import {
  startDropboxStandIn,
  type DropboxStandIn,
  type DropboxStandInOptions,
} from '../../src/stages/stand-ins/dropbox/stand-in.ts'
import { dicomBackup, type CliOptions, type CliResult } from './cli.ts'
import { nearServices } from './near-services.ts'
import { tempFolder } from './temp-folder.ts'

/** What stands in a configuration file. */
export type Settings = Record<string, unknown>

export interface Rig {
  /** Everything lies below it: dicom_files, nas, the stand-ins' storage, the configuration. */
  readonly folder: string
  readonly root: string
  readonly nas: string
  readonly state: string
  readonly configFile: string
  readonly dropbox: DropboxStandIn
  readonly drive: DriveStandIn
  /** Puts a file into the archive folder. */
  put(file: string, bytes: string | Buffer): Promise<void>
  /**
   * Writes the configuration again, with these sections in the place of the usual ones; undefined takes a section out.
   */
  configure(sections: Settings): Promise<void>
  /** Runs a command with this configuration. */
  cli(command: string, ...args: readonly string[]): Promise<CliResult>
  cliWith(options: CliOptions, command: string, ...args: readonly string[]): Promise<CliResult>
  /** `run --json`, its exit code and its result. */
  run(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly result: RunResult; readonly stderr: string }>
  /** Files of the newest archive as each destination keeps them: dropbox, drive, nas. */
  archives(name: string): Promise<{ readonly dropbox: string; readonly drive: string; readonly nas: string }>
  /** Names that a user sees in the folder and at both services, sorted. */
  visible(): Promise<string[]>
}

export const SECRETS = {
  dropboxToken: 'test-dropbox-access-token-3141592',
  clientSecret: 'GOCSPX-test-client-secret-2718281',
  refreshToken: '1//test-refresh-token-1618033',
} as const

/** The other way to sign in to the rig's Dropbox: with appKey 'app-key', in the place of the access token. */
export const DROPBOX_REFRESH_TOKEN = 'dropbox-refresh-token-5772156'

const NAS = { name: 'nas', type: 'local', folder: 'nas' }

/**
 * An archive folder, a folder and both services' stand-ins as destinations, and a configuration of them. `driveOptions`
 * and `dropboxOptions` change their stand-ins, which the program takes as near unless Dropbox's has a latency. Closed
 * after the test.
 */
export async function makeRig(
  t: Pick<TestContext, 'after'>,
  sections: Settings = {},
  driveOptions: Pick<DriveStandInOptions, 'quotaChecks' | 'goneStatus' | 'grantLifetimeSeconds' | 'scope'> = {},
  dropboxOptions: Pick<DropboxStandInOptions, 'latencyMs'> = {},
): Promise<Rig> {
  const folder = await tempFolder(t)
  const root = path.join(folder, 'dicom_files')
  const nas = path.join(folder, 'nas')
  const configFile = path.join(folder, 'dicom-backup.yaml')
  await mkdir(root)
  await mkdir(nas)
  const dropbox = await startDropboxStandIn({
    storage: { folder: path.join(folder, 'dropbox') },
    accessTokens: [SECRETS.dropboxToken],
    refreshTokens: [DROPBOX_REFRESH_TOKEN],
    ...dropboxOptions,
  })
  t.after(() => dropbox.close())
  const drive = await startDriveStandIn({
    storage: { folder: path.join(folder, 'google-drive') },
    oauth: { clientId: 'client-id', clientSecret: SECRETS.clientSecret },
    refreshTokens: [SECRETS.refreshToken],
    ...driveOptions,
  })
  t.after(() => drive.close())

  const usual: Settings = {
    dicom: { root: 'dicom_files' },
    endpoints: { dropbox: dropbox.origin, 'google-drive': drive.origin },
    destinations: [
      { name: 'hospital-dropbox', type: 'dropbox', folder: '/DICOM_Backups', accessToken: SECRETS.dropboxToken },
      {
        name: 'hospital-drive',
        type: 'google-drive',
        folder: 'DICOM_Backups',
        oauth: { clientId: 'client-id', clientSecret: SECRETS.clientSecret, refreshToken: SECRETS.refreshToken },
      },
      NAS,
    ],
  }
  const configure = (changed: Settings): Promise<void> => writeFile(configFile, stringify({ ...usual, ...changed }))
  await configure(sections)
  const isHighLatency = (dropboxOptions.latencyMs ?? 0) > 0
  const cliWith: Rig['cliWith'] = async (options, command, ...args) => {
    // A group's own options stand behind its command.
    const own = command === 'accounts' || command === 'schedule' ? 1 : 0
    const words = [command, ...args.slice(0, own), '--config', configFile, ...args.slice(own)]
    return await dicomBackup(words, isHighLatency ? options : { ...options, env: await nearServices(options.env) })
  }

  return {
    folder,
    root,
    nas,
    state: path.join(folder, '.dicom-backup'),
    configFile,
    dropbox,
    drive,
    async put(file, bytes) {
      await mkdir(path.dirname(path.join(root, file)), { recursive: true })
      await writeFile(path.join(root, file), bytes)
    },
    configure,
    cli: (command, ...args) => cliWith({}, command, ...args),
    cliWith,
    async run(...args) {
      const { code, stdout, stderr } = await cliWith({}, 'run', '--json', ...args)
      return { code, result: JSON.parse(stdout) as RunResult, stderr }
    },
    archives(name) {
      const kept = (standIn: DropboxStandIn | DriveStandIn): string => {
        const found = standIn.objects().find((object) => path.posix.basename(object.path) === name)
        if (found?.file == null) throw new Error(`${name} is not there`)
        return found.file
      }
      return Promise.resolve({ dropbox: kept(dropbox), drive: kept(drive), nas: path.join(nas, name) })
    },
    async visible() {
      const remote = [...dropbox.objects(), ...drive.objects()].map((object) => path.posix.basename(object.path))
      return [...(await readdir(nas)), ...remote].sort()
    },
  }
}

/** The usual destinations but one left out or changed: for `configure`. */
export const onlyNas: Settings = { destinations: [NAS] }
