import { randomUUID } from 'node:crypto'
import { access, constants, open, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Destination, Requests, Resumed, Upload } from '../../../pipeline/contract/destination.ts'
import { abortError, BackupError, systemCode } from '../../../pipeline/contract/errors.ts'
import { judgedBy, localError } from './errors.ts'
import { setMode } from './mode.ts'
import { LOCAL_TRAITS, type LocalConfig } from './settings.ts'
import { filesIn, readFile, sizeOf, storedObject } from './stored-file.ts'
import { localUpload } from './upload.ts'

const DEFAULT_REQUEST_BYTES = 8 * 1024 * 1024
const PARTIAL = '.partial'
/** An archive holds what the database and the images hold. */
const PRIVATE = 0o600

/**
 * A folder on this machine or on a mounted share. An archive grows as `<name>.partial`, is flushed to the disk, read
 * back and hashed, and only then renamed. The folder must exist: one that is missing is most likely a drive that is not
 * connected, so that `list`, too, rejects with E_DESTINATION then. It gives every file, partial ones of uploads too.
 */
export function localDestination({ name, folder, chunkSize, mode = PRIVATE }: LocalConfig): Destination {
  const judge = (error: unknown): BackupError => localError(error, name, folder)
  const judged = judgedBy(judge)
  /** Of uploads that may be taken up later: they end neither in a commit nor in an abort. */
  const handles: FileHandle[] = []
  const requests: Requests = { multiple: 1, inFlight: 1, bytes: () => chunkSize ?? DEFAULT_REQUEST_BYTES }
  const gone = (what: string): BackupError => new BackupError('E_SESSION', `${name}: ${what}.`, { remedy: 'restart' })

  const mustBeOurs = (partial: string): void => {
    if (partial.endsWith(PARTIAL) && path.resolve(path.dirname(partial)) === path.resolve(folder)) return
    throw gone('the interrupted upload belongs to a different configuration')
  }

  /** What an upload came to that has no partial file: the end of it may have gone unrecorded. */
  const withoutPartial = async (partial: string, final: string): Promise<Upload> => {
    if ((await sizeOf(final)) !== null) return localUpload({ name, partial, final, handle: null, requests, judge })
    // A drive that is not connected has lost nothing.
    await stat(folder)
    throw gone(`the partial file ${partial} is gone`)
  }

  const list: Destination['list'] = async function* (signal) {
    if (signal.aborted) throw abortError(signal)
    try {
      yield* filesIn(folder, signal)
    } catch (error) {
      throw localError(error, name, folder, 'list')
    }
  }

  return {
    name,
    type: 'local',
    traits: LOCAL_TRAITS,
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
    async probe(signal) {
      if (signal.aborted) throw abortError(signal)
      await judged(() => writeAndRemove(path.join(folder, `.dicom-backup-probe-${randomUUID()}`)))
      for await (const _ of list(signal)) break
    },
    place: () =>
      judged(async () => {
        const { dev, ino } = await stat(folder, { bigint: true })
        return `local:${dev}:${ino}`
      }),
    begin: (object) =>
      judged(async () => {
        const final = path.join(folder, object)
        const partial = final + PARTIAL
        await rm(partial, { force: true })
        const handle = await open(partial, 'wx+', PRIVATE)
        handles.push(handle)
        await setMode(handle, mode)
        return localUpload({ name, partial, final, handle, requests, judge })
      }),
    resume: (partial, acknowledged, signal) =>
      judged(async () => {
        if (signal.aborted) throw abortError(signal)
        mustBeOurs(partial)
        const final = partial.slice(0, -PARTIAL.length)
        const handle = await openedOrNull(partial)
        if (handle === null) return await resumed(await withoutPartial(partial, final), signal)
        handles.push(handle)
        await setMode(handle, mode)
        // After a power cut, what was never flushed may be anything.
        if ((await handle.stat()).size > acknowledged) await handle.truncate(acknowledged)
        return await resumed(localUpload({ name, partial, final, handle, requests, judge }), signal)
      }),
    cancel: (partial) =>
      judged(async () => {
        mustBeOurs(partial)
        await rm(partial, { force: true })
      }),
    stat: (object, signal) =>
      judged(async () => {
        const file = path.join(folder, object)
        return (await sizeOf(file)) === null ? null : await storedObject(file, signal)
      }),
    list,
    async *read({ path: file }, { from, to }, signal) {
      let at = from
      try {
        for await (const chunk of readFile(file, { from, to }, signal)) {
          at += chunk.length
          yield chunk
        }
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw localError(error, name, folder, 'read')
        throw new BackupError('E_DESTINATION', `${name}: ${file} no longer exists.`, { cause: error })
      }
      if (at < to) {
        throw new BackupError('E_DESTINATION', `${name}: ${file} has ${at} bytes, fewer than were stored.`, {
          advice: 'It has changed since it was stored: do not rely on this copy.',
        })
      }
    },
    remove: (object) => judged(() => rm(object.id, { force: true })),
    async close() {
      await Promise.allSettled(handles.map((handle) => handle.close()))
    },
  }
}

async function resumed(upload: Upload, signal: AbortSignal): Promise<Resumed> {
  return { upload, held: await upload.held(signal) }
}

/** A byte that goes to the disk: a full one is noticed. */
async function writeAndRemove(file: string): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await handle.write('x')
    await handle.datasync()
  } finally {
    await handle.close()
    await rm(file, { force: true })
  }
}

async function openedOrNull(file: string): Promise<FileHandle | null> {
  try {
    return await open(file, 'r+')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}
