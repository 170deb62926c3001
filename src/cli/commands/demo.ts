/**
 * `demo`: the main job on a machine with nothing set up. It makes a small archive folder, starts local stand-ins of
 * both cloud services, writes a configuration, and then does what a user does: plan, run, look.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { BackupError, systemCode } from '../../pipeline/contract/errors.ts'
import { loadConfig } from '../../stages/config/load.ts'
import { writeDemoArchive } from '../../stages/demo/demo-archive.ts'
import { startDriveStandIn } from '../../stages/stand-ins/google-drive/stand-in.ts'
import { startDropboxStandIn } from '../../stages/stand-ins/dropbox/stand-in.ts'
import type { StandIn } from '../../stages/stand-ins/types.ts'
import { paint, styleOf } from '../display/style.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import type { Output } from '../output.ts'
import { withState } from '../command-context.ts'
import { backup, plan } from './run.ts'
import { streams, write } from '../streams.ts'

/** Marks a folder as the demo's own, which the next demo may empty. */
const MARK = '.made-by-dicom-backup-demo'
/** Slow enough for the progress to be seen. */
const BYTES_PER_SECOND = 12 * 1024 * 1024

export async function demo(name: string, output: Output): Promise<ExitCode> {
  const folder = path.resolve(name)
  await ownFolder(folder)
  const say = (text: string): void => {
    if (!output.json) void write('stdout', `${text}\n`)
  }
  const step = (title: string): void => {
    say(`\n${paint(styleOf(streams.stdout), 'bold', title)}`)
  }

  step('1. An archive folder of generated images')
  const root = path.join(folder, 'dicom_files')
  await writeDemoArchive(root)
  say(`   ${root}`)

  step('2. Local stand-ins for Dropbox and Google Drive, and a folder instead of a network drive')
  const dropbox = await startDropboxStandIn({
    storage: { folder: path.join(folder, 'dropbox') },
    accessTokens: ['demo-dropbox-token'],
    bytesPerSecond: BYTES_PER_SECOND,
  })
  const drive = await startDriveStandIn({
    storage: { folder: path.join(folder, 'google-drive') },
    oauth: { clientId: 'demo', clientSecret: 'demo-client-secret' },
    refreshTokens: ['demo-refresh-token'],
    quotaBytes: 15 * 1024 ** 3,
    bytesPerSecond: BYTES_PER_SECOND,
  })
  try {
    const nas = path.join(folder, 'nas')
    await mkdir(nas)
    say(`   ${dropbox.origin} stands in for Dropbox, ${drive.origin} for Google Drive`)
    const file = path.join(folder, 'dicom-backup.yaml')
    await writeFile(file, demoConfig(dropbox, drive), { mode: 0o600 })
    say(`   configuration: ${file}`)
    const config = loadConfig(file)

    if (!output.json) {
      step('3. The plan: dicom-backup run --dry-run')
      say('')
      await plan(config, [], output)
      step('4. The run: dicom-backup run')
      say('')
    }
    const code = await withState(file, (place) =>
      backup(place, { mode: 'run', destination: [], acceptShrunk: false }, output),
    )
    if (code === EXIT.interrupted) {
      say('\nThe stand-ins end with the demo, so this run cannot be resumed. Start "dicom-backup demo" again.')
      return code
    }

    step('5. Where to look')
    for (const [service, standIn] of [
      ['Dropbox', dropbox],
      ['Google Drive', drive],
    ] as const) {
      for (const object of standIn.objects()) say(`   ${service}: ${object.path}, kept in ${object.file ?? 'nothing'}`)
    }
    for (const archive of await readdir(nas)) say(`   folder: ${path.join(nas, archive)}`)
    say('   Open any of the three with any unzip program: they are the same, byte for byte.')
    say('\nNext')
    say('  "dicom-backup init" writes a configuration for your own archive; "dicom-backup doctor" then checks it.')
    return code
  } finally {
    await dropbox.close()
    await drive.close()
  }
}

/** Makes the demo's folder, or empties it. One that is not the demo's is not touched. */
async function ownFolder(folder: string): Promise<void> {
  const there = await names(folder)
  if (there.length > 0 && !there.includes(MARK)) {
    throw new BackupError('E_CONFIG', `The folder ${folder} contains other files.`, {
      advice: 'Name another with --folder.',
    })
  }
  // The mark goes with the folder: a demo that is stopped here may still empty it.
  for (const name of there) if (name !== MARK) await rm(path.join(folder, name), { recursive: true })
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, MARK), '')
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw new BackupError('E_CONFIG', `${folder} cannot be used as a folder (${systemCode(error)}).`, {
      advice: 'Name another with --folder.',
      cause: error,
    })
  }
}

function demoConfig(dropbox: StandIn, drive: StandIn): string {
  return `# Written by dicom-backup demo. The two origins below answer only while the demo runs.
dicom:
  root: dicom_files
endpoints:
  dropbox: ${dropbox.origin}
  google-drive: ${drive.origin}
destinations:
  - name: hospital-dropbox
    type: dropbox
    folder: /DICOM_Backups
    chunkSize: 4MiB               # small, so that a small archive shows how it goes
    accessToken: demo-dropbox-token
  - name: hospital-drive
    type: google-drive
    folder: DICOM_Backups
    chunkSize: 4MiB
    oauth: { clientId: demo, clientSecret: demo-client-secret, refreshToken: demo-refresh-token }
  - name: nas
    type: local
    folder: nas
`
}
