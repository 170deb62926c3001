import { access, constants, open, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import type { Destination } from '../../../pipeline/destination.ts'
import { BackupError, systemCode } from '../../../pipeline/errors.ts'
import type { LocalConfig } from '../../config/types.ts'
import { judgedBy, localError } from './errors.ts'
import { sizeOf, storedObject } from './stored-file.ts'
import { localUpload } from './upload.ts'

const DEFAULT_REQUEST_BYTES = 8 * 1024 * 1024

/**
 * A folder on this machine or on a mounted share. An archive grows as `<name>.partial`, is flushed to the disk, read
 * back and hashed, and only then renamed. The folder must exist: one that is missing is most likely a drive that is not
 * connected.
 */
export function localDestination({ name, folder, chunkSize }: LocalConfig): Destination {
  const judge = (error: unknown): BackupError => localError(error, name, folder)
  const judged = judgedBy(judge)

  return {
    name,
    type: 'local',
    traits: {
      requestMultiple: 1,
      maxObjectBytes: null,
      digest: 'contentHash',
      requestBytes: () => chunkSize ?? DEFAULT_REQUEST_BYTES,
    },
    signIn: () =>
      judged(async () => {
        const found = await stat(folder)
        if (!found.isDirectory()) {
          throw new BackupError('E_DESTINATION', `${name}: ${folder} is not a folder.`, { advice: 'Name a folder.' })
        }
        await access(folder, constants.W_OK)
        const { bavail, bsize } = await statfs(folder)
        return { label: folder, freeBytes: bavail * bsize }
      }),
    begin: (object) =>
      judged(async () => {
        const final = path.join(folder, object)
        const partial = `${final}.partial`
        await rm(partial, { force: true })
        const handle = await open(partial, 'wx+')
        return localUpload({ name, partial, final, handle, judge })
      }),
    resume: (token) =>
      judged(async () => {
        try {
          const handle = await open(token, 'r+')
          return localUpload({ name, partial: token, final: token.slice(0, -'.partial'.length), handle, judge })
        } catch (error) {
          if (systemCode(error) !== 'ENOENT') throw error
          throw new BackupError('E_SESSION', `${name}: the partial file ${token} is gone.`, {
            remedy: 'restart',
            cause: error,
          })
        }
      }),
    stat: (object, signal) =>
      judged(async () => {
        const file = path.join(folder, object)
        return (await sizeOf(file)) === null ? null : await storedObject(file, signal)
      }),
    remove: (object) => judged(() => rm(object.id, { force: true })),
    close: () => Promise.resolve(),
  }
}
