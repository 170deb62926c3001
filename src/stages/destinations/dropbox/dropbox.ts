import path from 'node:path'
import type { Destination, Requests, Upload } from '../../../pipeline/contract/destination.ts'
import { BackupError } from '../../../pipeline/contract/errors.ts'
import { PART_BYTES } from '../../../pipeline/contract/digests.ts'
import type { Transport } from '../../http/types.ts'
import { download } from '../download.ts'
import { Line } from '../line.ts'
import { readAccount } from './account.ts'
import { dropboxApi } from './api.ts'
import { deleteFile, fileAt } from './files.ts'
import { filesIn } from './list.ts'
import { placeOfFolder, probeFolder } from './probe.ts'
import { startSession } from './session.ts'
import type { Session, SessionType } from './session.ts'
import { DROPBOX_TRAITS, type DropboxConfig } from './settings.ts'
import { readToken } from './token.ts'
import { dropboxUpload } from './upload.ts'

const MIB = 1024 * 1024
/** Requests at once in a concurrent session. */
const IN_FLIGHT = 3
const LARGEST_REQUEST_BYTES = 32 * MIB
/** Of these the line chooses when requests go one after the other. */
const REQUEST_BYTES = [16 * MIB, LARGEST_REQUEST_BYTES] as const
/** Thousands of small appends make the finish of a large file fail: from here on requests are as large as can be. */
const LARGE_FROM_BYTES = 64 * 1024 * MIB
/** Of those that go several at once, up to here. */
const SMALL_TO_BYTES = 16 * 1024 * MIB

export interface DropboxOptions {
  /** The destination owns and closes it. */
  readonly transport: Transport
  /** The type of the sessions that it begins; unless given, several requests go at once where answers take long. */
  readonly sessions?: SessionType
}

/** A folder in Dropbox, made when missing. */
export function dropboxDestination(config: DropboxConfig, { transport, sessions }: DropboxOptions): Destination {
  const { name, folder } = config
  const line = new Line()
  const api = dropboxApi(config, line.over(transport))
  const pathOf = (object: string): string => `${folder}/${object}`
  const notOurs = (what: string): BackupError =>
    new BackupError('E_SESSION', `${name}: ${what}.`, { remedy: 'restart' })

  const sizeAt = (type: SessionType, offset: number): number => {
    if (config.chunkSize !== null) return Math.max(1, Math.round(config.chunkSize / PART_BYTES)) * PART_BYTES
    if (offset >= LARGE_FROM_BYTES) return LARGEST_REQUEST_BYTES
    return type === 'concurrent' ? concurrentSizeAt(offset) : line.suits(REQUEST_BYTES)
  }

  const uploadOf = (session: Session, acknowledged: number): Upload => {
    const { type } = session
    const inFlight = type === 'concurrent' ? IN_FLIGHT : 1
    const requests: Requests = { multiple: PART_BYTES, inFlight, bytes: (offset) => sizeAt(type, offset) }
    return dropboxUpload(api, session, acknowledged, requests)
  }

  const begin = async (path: string, type: SessionType, signal: AbortSignal): Promise<Upload> =>
    uploadOf({ id: await startSession(api, type, signal), path, type }, 0)

  /**
   * An upload of one request after the other is what Dropbox itself watches over best, so it has to be far to get
   * another. Of two sessions that were started the other holds nothing and ends by itself.
   */
  const beginAsFar = async (path: string, signal: AbortSignal): Promise<Upload> => {
    const near = line.isHighLatency ? null : await begin(path, 'sequential', signal)
    if (near !== null && !line.mayBeHighLatency) return near
    const far = await begin(path, 'concurrent', signal)
    // One answer more to judge by.
    if (!line.isHighLatency && line.mayBeHighLatency) await far.held(signal)
    return near === null || line.isHighLatency ? far : near
  }

  const sessionOf = (token: string): Session => {
    const session = readToken(token)
    if (session === null) throw notOurs('the recorded upload session cannot be read')
    if (path.posix.dirname(session.path) !== path.posix.dirname(pathOf('x'))) {
      throw notOurs('the interrupted upload belongs to a different configuration')
    }
    return session
  }

  return {
    name,
    type: 'dropbox',
    traits: DROPBOX_TRAITS,
    signIn: (signal) => readAccount(api, signal),
    probe: (signal) => probeFolder(api, signal),
    place: (signal) => placeOfFolder(api, config.appKey ?? '', signal),
    begin: (object, signal) =>
      sessions === undefined ? beginAsFar(pathOf(object), signal) : begin(pathOf(object), sessions, signal),
    async resume(token, acknowledged, signal) {
      const upload = uploadOf(sessionOf(token), acknowledged)
      return { upload, held: await upload.held(signal) }
    },
    cancel: (token) => Promise.resolve().then(() => uploadOf(sessionOf(token), 0).abort()),
    stat: (object, signal) => fileAt(api, pathOf(object), signal),
    list: (signal) => filesIn(api, folder, signal),
    read: (object, range, signal) => download(object, range, api.download(object.id), signal),
    remove: (object, signal) => deleteFile(api, object, signal),
    close() {
      transport.close()
      return Promise.resolve()
    },
  }
}

/**
 * Several of these are under way at once. The first is smaller than those beside it, or all would end at the same time
 * and leave the line idle together.
 */
function concurrentSizeAt(offset: number): number {
  if (offset === 0) return PART_BYTES
  return offset < SMALL_TO_BYTES ? 2 * PART_BYTES : 4 * PART_BYTES
}
