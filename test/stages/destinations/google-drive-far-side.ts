import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Commit, Destination, Upload } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import type { ErrorCode, Remedy } from '../../../src/pipeline/contract/errors.ts'
import type { GoogleDriveConfig } from '../../../src/stages/destinations/google-drive/settings.ts'
import { googleDriveDestination } from '../../../src/stages/destinations/google-drive/google-drive.ts'
import { createTransport } from '../../../src/stages/http/transport.ts'
import type { Transport, TransportOptions } from '../../../src/stages/http/types.ts'
import { startDriveStandIn } from '../../../src/stages/stand-ins/google-drive/stand-in.ts'
import type { DriveStandIn, DriveStandInOptions } from '../../../src/stages/stand-ins/google-drive/stand-in.ts'

export const UNIT = 256 * 1024
export const never = new AbortController().signal
export const SECRETS = { refreshToken: '1//refresh-secret', clientSecret: 'GOCSPX-client-secret' }

export interface FarSide {
  readonly standIn: DriveStandIn
  /** Another destination to the same account, as another process would have it. */
  readonly open: (config?: Partial<GoogleDriveConfig>, transport?: (real: Transport) => Transport) => Destination
  readonly destination: Destination
}

/**
 * A stand-in for Google Drive and a destination that uploads to it. When the test ends, every scripted fault was met.
 */
export async function startDrive(
  t: { after(done: () => Promise<void>): void },
  options: Partial<DriveStandInOptions> = {},
  transportOptions: TransportOptions = {},
): Promise<FarSide> {
  const standIn = await startDriveStandIn({
    storage: { discard: true },
    oauth: { clientId: 'client-id', clientSecret: SECRETS.clientSecret },
    refreshTokens: [SECRETS.refreshToken],
    ...options,
  })
  const origins = { 'https://www.googleapis.com': standIn.origin, 'https://oauth2.googleapis.com': standIn.origin }
  const opened: Destination[] = []
  const open: FarSide['open'] = (config = {}, transport = (real) => real) => {
    const destination = googleDriveDestination(
      {
        type: 'google-drive',
        name: 'hospital-drive',
        chunkSize: null,
        folder: 'DICOM_Backups',
        oauth: { clientId: 'client-id', clientSecret: SECRETS.clientSecret, refreshToken: SECRETS.refreshToken },
        credentialsFile: null,
        ...config,
      },
      { transport: transport(createTransport({ ...transportOptions, origins })) },
    )
    opened.push(destination)
    return destination
  }
  t.after(async () => {
    await Promise.all(opened.map((destination) => destination.close()))
    await standIn.close()
    assert.deepEqual(standIn.faults.unused(), [])
  })
  return { standIn, open, destination: open() }
}

export interface Sample {
  readonly data: Buffer
  readonly md5: string
  /** The commit of all bytes from `offset` on. */
  readonly commit: (offset: number) => Commit
}

export function sample(bytes: number): Sample {
  const data = randomBytes(bytes)
  const digest = new ObjectDigest()
  digest.update(data)
  const digests = digest.digests()
  return {
    data,
    md5: digests.md5,
    commit: (offset) => ({ offset, tail: [data.subarray(offset)], bytes, digests }),
  }
}

/** Sends what is missing, as the engine does: asks, goes on from the answer in requests of two units, commits. */
export async function finish(upload: Upload, { data, commit }: Sample): Promise<void> {
  let held = await upload.held(never)
  while (data.length - held > 2 * UNIT) {
    held = await upload.append(held, [data.subarray(held, held + 2 * UNIT)], never)
  }
  await upload.commit(commit(held), never)
}

export async function rejection(call: Promise<unknown>): Promise<BackupError> {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof BackupError, `a BackupError, not ${String(error)}`)
    return error
  }
  assert.fail('was expected to reject')
}

export async function rejectsWith(code: ErrorCode, remedy: Remedy, call: Promise<unknown>): Promise<BackupError> {
  const error = await rejection(call)
  assert.deepEqual([error.code, error.remedy], [code, remedy], error.message)
  return error
}
