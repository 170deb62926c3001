/**
 * From the start of a process that goes on with a killed run to the first new byte at each service:
 * `node bench/resume.ts`. The run is killed when 90 % of its archive is stored.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { startDriveStandIn } from '../src/stages/stand-ins/google-drive/stand-in.ts'
import { startDropboxStandIn } from '../src/stages/stand-ins/dropbox/stand-in.ts'
import type { StandIn } from '../src/stages/stand-ins/types.ts'
import { manySmallFiles, oneLargeFile } from './sample-archive.ts'

const MB = 1_000_000
const CASES: readonly (readonly [name: string, bytes: number, fill: (root: string) => Promise<void>])[] = [
  ['200 MB in files of 512 KB', 200 * MB, (root) => manySmallFiles(root, 400, 500_000)],
  ['2 GB in files of 512 KB', 2000 * MB, (root) => manySmallFiles(root, 4000, 500_000)],
  ['2 GB in one file', 2000 * MB, (root) => oneLargeFile(root, 2000 * MB)],
  ['100,000 files of 4 KB', 410 * MB, (root) => manySmallFiles(root, 100_000, 4096)],
]

/** Bytes that came in requests of an upload. */
function received(service: StandIn, after = 0): number {
  return service.requests
    .latest()
    .filter(({ n, offset }) => n > after && offset !== null)
    .reduce((sum, { bytes }) => sum + bytes, 0)
}

function start(configFile: string): ChildProcess {
  const program = path.resolve(import.meta.dirname, '../src/cli/main.ts')
  return spawn(process.execPath, [program, 'run', '--json', '--config', configFile], { stdio: 'ignore' })
}

for (const [name, bytes, fill] of CASES) {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-bench-'))
  const dropbox = await startDropboxStandIn({ storage: { discard: true }, accessTokens: ['token'] })
  const drive = await startDriveStandIn({
    storage: { discard: true },
    oauth: { clientId: 'id', clientSecret: 'secret' },
    refreshTokens: ['refresh'],
  })
  try {
    const root = path.join(folder, 'dicom_files')
    await mkdir(root)
    await fill(root)
    const configFile = path.join(folder, 'dicom-backup.yaml')
    const oauth = { clientId: 'id', clientSecret: 'secret', refreshToken: 'refresh' }
    const config = {
      dicom: { root },
      archive: { compression: 'store' },
      endpoints: { dropbox: dropbox.origin, 'google-drive': drive.origin },
      destinations: [
        { name: 'dropbox', type: 'dropbox', folder: '/bench', accessToken: 'token' },
        { name: 'drive', type: 'google-drive', folder: 'bench', oauth },
      ],
    }
    await writeFile(configFile, stringify(config), { mode: 0o600 })

    const services = [dropbox, drive]
    const first = start(configFile)
    while (services.some((service) => received(service) < 0.9 * bytes) && first.exitCode === null) await sleep(20)
    first.kill('SIGKILL')
    await once(first, 'close')
    const before = services.map((service) => ({ sent: received(service), n: service.requests.count() }))

    const started = performance.now()
    const second = start(configFile)
    const ended = once(second, 'close')
    const firstByte: (number | null)[] = services.map(() => null)
    while (second.exitCode === null && firstByte.includes(null)) {
      services.forEach((service, index) => {
        if (received(service, before[index]?.n) > 0) firstByte[index] ??= performance.now() - started
      })
      await sleep(2)
    }
    await ended
    const total = dropbox.objects()[0]?.bytes ?? 0
    const again = services.map((service) => ((received(service) - total) / 1024 / 1024).toFixed(1))
    const ms = firstByte.map((one) => (one === null ? '?' : `${(one / 1000).toFixed(2)} s`))
    console.log(
      `${name.padEnd(28)} exit ${second.exitCode}  first new byte: Dropbox ${ms[0]}, Drive ${ms[1]}  sent twice: ${again[0]} MiB, ${again[1]} MiB`,
    )
  } finally {
    await dropbox.close()
    await drive.close()
    await rm(folder, { recursive: true, force: true })
  }
}
