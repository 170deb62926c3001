import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import type { Commit, Destination } from '../../../src/pipeline/contract/destination.ts'
import { ObjectDigest } from '../../../src/pipeline/contract/digests.ts'
import { BackupError } from '../../../src/pipeline/contract/errors.ts'
import type { ErrorCode, Remedy } from '../../../src/pipeline/contract/errors.ts'
import { DROPBOX_ORIGINS, type DropboxConfig } from '../../../src/stages/destinations/dropbox/settings.ts'
import { dropboxDestination } from '../../../src/stages/destinations/dropbox/dropbox.ts'
import type { SessionType } from '../../../src/stages/destinations/dropbox/session.ts'
import { createTransport } from '../../../src/stages/http/transport.ts'
import type { Transport, TransportOptions } from '../../../src/stages/http/types.ts'
import { startDropboxStandIn } from '../../../src/stages/stand-ins/dropbox/stand-in.ts'
import type { DropboxStandIn, DropboxStandInOptions } from '../../../src/stages/stand-ins/dropbox/stand-in.ts'

export const never = new AbortController().signal
export const SECRETS = { accessToken: 'sl.secret-access', refreshToken: 'secret-refresh', appSecret: 'secret-app' }
export const OBJECT = 'dicom_backup_2026-01-01_00-00-00.zip'
export const PATH = `/DICOM_Backups/${OBJECT}`

export interface FarSide {
  readonly standIn: DropboxStandIn
  /** Another destination to the same account, as another process would have it. */
  readonly open: (
    config?: Partial<DropboxConfig>,
    transport?: (real: Transport) => Transport,
    sessions?: SessionType,
  ) => Destination
  /** One with an access token that does not lapse by itself. */
  readonly destination: Destination
}

export interface Cleanup {
  after(done: () => Promise<void>): void
}

/** A stand-in for Dropbox and a destination that uploads to it. When the test ends, every scripted fault was met. */
export async function startDropbox(
  t: Cleanup,
  options: Partial<DropboxStandInOptions> = {},
  transportOptions: TransportOptions = {},
): Promise<FarSide> {
  const standIn = await startDropboxStandIn({
    storage: { discard: true },
    accessTokens: [SECRETS.accessToken],
    refreshTokens: [SECRETS.refreshToken],
    appSecret: SECRETS.appSecret,
    ...options,
  })
  const origins = Object.fromEntries(DROPBOX_ORIGINS.map((origin) => [origin, standIn.origin]))
  const opened: Destination[] = []
  const open: FarSide['open'] = (config = {}, transport = (real) => real, sessions) => {
    const destination = dropboxDestination(
      {
        type: 'dropbox',
        name: 'hospital-dropbox',
        chunkSize: null,
        folder: '/DICOM_Backups',
        accessToken: SECRETS.accessToken,
        refreshToken: null,
        appKey: null,
        appSecret: null,
        ...config,
      },
      { transport: transport(createTransport({ ...transportOptions, origins })), ...(sessions && { sessions }) },
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

/** Signs in by refresh token instead of by access token. */
export const RENEWABLE = {
  accessToken: null,
  refreshToken: SECRETS.refreshToken,
  appKey: 'app-key',
  appSecret: SECRETS.appSecret,
}

export interface Sample {
  readonly data: Buffer
  readonly contentHash: string
  piece(from: number, to: number): Buffer[]
  /** The commit of all bytes from `offset` on. */
  commit(offset: number): Commit
}

export function sample(bytes: number): Sample {
  const data = randomBytes(bytes)
  const digest = new ObjectDigest()
  digest.update(data)
  const digests = digest.digests()
  return {
    data,
    contentHash: digests.contentHash,
    piece: (from, to) => [data.subarray(from, to)],
    commit: (offset) => ({ offset, tail: [data.subarray(offset)], bytes, digests }),
  }
}

/** The BackupError that a call rejects with, after a look that no token and no body is anywhere in it. */
export async function rejection(call: Promise<unknown>): Promise<BackupError> {
  try {
    await call
  } catch (error) {
    assert.ok(error instanceof BackupError, `a BackupError, not ${inspect(error)}`)
    const whole = inspect(error, { depth: 10, showHidden: true })
    assert.doesNotMatch(whole, /secret-|sl\.|Bearer|upload_session:/)
    assert.match(error.message, /hospital-dropbox/)
    return error
  }
  assert.fail('was expected to reject')
}

export async function rejectsWith(code: ErrorCode, remedy: Remedy, call: Promise<unknown>): Promise<BackupError> {
  const error = await rejection(call)
  assert.deepEqual([error.code, error.remedy], [code, remedy], error.message)
  return error
}
