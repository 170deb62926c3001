/**
 * Both stand-ins in a process of their own, so that a benchmark measures the engine alone:
 * `node serve.ts (--folder DIR | --discard) [--latency-ms N] [--bytes-per-second N] [--drive-bytes-per-second N]`.
 * Prints one JSON line, `{"dropbox": origin, "googleDrive": origin}`, and stops on SIGTERM, SIGINT or when stdin ends.
 * The limit of bytes a second is each stand-in's own, and Drive's may be another. They take the credentials in `CREDENTIALS`.
 */

import path from 'node:path'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { startDropboxStandIn } from './dropbox/stand-in.ts'
import { startDriveStandIn } from './google-drive/stand-in.ts'
import type { StandIn } from './types.ts'

/** What a configuration that points at this program has to name. */
export const CREDENTIALS = {
  dropbox: { appKey: 'app-key', refreshToken: 'refresh-token' },
  googleDrive: { clientId: 'client-id', clientSecret: 'client-secret', refreshToken: 'refresh-token' },
} as const

/** Both, as the program's arguments say. */
export async function startBoth(
  args: readonly string[],
): Promise<{ readonly dropbox: StandIn; readonly drive: StandIn }> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      folder: { type: 'string' },
      discard: { type: 'boolean', default: false },
      'latency-ms': { type: 'string', default: '0' },
      'bytes-per-second': { type: 'string' },
      'drive-bytes-per-second': { type: 'string' },
    },
  })
  const { folder, discard } = values
  if ((folder === undefined) !== discard) throw new Error('Name either --folder DIR or --discard.')
  const storage = (service: string) =>
    folder === undefined ? ({ discard: true } as const) : { folder: path.join(folder, service) }
  const common = {
    latencyMs: number(values['latency-ms']),
    refreshTokens: ['refresh-token'],
  }
  const rate = values['bytes-per-second'] === undefined ? null : number(values['bytes-per-second'])
  const driveRate = values['drive-bytes-per-second']
  const dropbox = await startDropboxStandIn({ ...common, bytesPerSecond: rate, storage: storage('dropbox') })
  const drive = await startDriveStandIn({
    ...common,
    bytesPerSecond: driveRate === undefined ? rate : number(driveRate),
    storage: storage('google-drive'),
  })
  return { dropbox, drive }
}

async function serve(args: readonly string[]): Promise<void> {
  const { dropbox, drive } = await startBoth(args)
  try {
    // Before the line goes out, so that whoever reads it may end the program at once.
    const end = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(process.stdin, 'end')])
    process.stdout.write(`${JSON.stringify({ dropbox: dropbox.origin, googleDrive: drive.origin })}\n`)
    process.stdin.resume()
    await end
  } finally {
    process.stdin.destroy()
    await Promise.all([dropbox.close(), drive.close()])
  }
}

function number(value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new Error(`'${value}' is not a number.`)
  return Number(value)
}

if (import.meta.main) await serve(process.argv.slice(2))
