import path from 'node:path'
import type { Destination } from '../../../pipeline/destination.ts'
import { BackupError } from '../../../pipeline/errors.ts'
import type { DropboxConfig } from '../../config/types.ts'
import { fieldOf, parseBody } from '../../http/answer.ts'
import type { Transport } from '../../http/types.ts'
import { download } from '../download.ts'
import { readAccount } from './account.ts'
import { dropboxApi } from './api.ts'
import { deleteFile, fileAt } from './files.ts'
import { filesIn } from './list.ts'
import { startSession } from './session.ts'
import type { Session } from './session.ts'
import { dropboxUpload } from './upload.ts'

const MIB = 1024 * 1024
/** Dropbox hashes in blocks of 4 MiB. */
const UNIT_BYTES = 4 * MIB
const REQUEST_BYTES = 16 * MIB
/** Thousands of small appends make the finish of a large file fail. */
const LARGE_REQUEST_BYTES = 32 * MIB
const LARGE_FROM_BYTES = 64 * 1024 * MIB
/** 2^41 - 2^22, files.stone, upload_session/start */
const MAX_OBJECT_BYTES = 2_199_019_061_248

/**
 * Every origin of Dropbox's that is called, so that one endpoint can stand in for all: `origins` of createTransport.
 */
export const DROPBOX_ORIGINS = ['https://api.dropboxapi.com', 'https://content.dropboxapi.com'] as const

/** A folder in Dropbox, made when missing. The destination owns `transport` and closes it. */
export function dropboxDestination(config: DropboxConfig, { transport }: { transport: Transport }): Destination {
  const { name, folder } = config
  const api = dropboxApi(config, transport)
  const pathOf = (object: string): string => `${folder}/${object}`
  const notOurs = (what: string): BackupError =>
    new BackupError('E_SESSION', `${name}: ${what}.`, { remedy: 'restart' })

  return {
    name,
    type: 'dropbox',
    traits: {
      requestMultiple: UNIT_BYTES,
      maxObjectBytes: MAX_OBJECT_BYTES,
      digest: 'contentHash',
      requestBytes: (offset) => requestBytes(config.chunkSize, offset),
    },
    signIn: (signal) => readAccount(api, signal),
    async begin(object, signal) {
      return dropboxUpload(api, { id: await startSession(api, signal), path: pathOf(object) })
    },
    async resume(token, _acknowledged, signal) {
      const session = readToken(token)
      if (session === null) throw notOurs('what is noted of the upload session cannot be read')
      if (path.posix.dirname(session.path) !== path.posix.dirname(pathOf('x'))) {
        throw notOurs('the interrupted upload belongs to another configuration')
      }
      const upload = dropboxUpload(api, session)
      await upload.held(signal)
      return upload
    },
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

function requestBytes(chunkSize: number | null, offset: number): number {
  if (chunkSize === null) return offset < LARGE_FROM_BYTES ? REQUEST_BYTES : LARGE_REQUEST_BYTES
  return Math.max(1, Math.round(chunkSize / UNIT_BYTES)) * UNIT_BYTES
}

function readToken(token: string): Session | null {
  const session = parseBody(token)
  const id = fieldOf(session, 'id')
  const path = fieldOf(session, 'path')
  return typeof id === 'string' && typeof path === 'string' ? { id, path } : null
}
