import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, utimes, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { systemCode } from '../../../pipeline/contract/errors.ts'
import { FILES_FOLDER } from '../../plan/file-name.ts'
import { NotRestored } from './errors.ts'
import { flushOpen } from './flush.ts'
import { hasOwner, setOwner } from './owner.ts'
import type { PlannedFile } from './plan.ts'
import { discard, replaceFile } from './replace.ts'
import { temporaryName, type RestoreTarget } from './target.ts'

const READ_BYTES = 1024 * 1024

/** For this user only, until it has its owner; the dump and the manifest, which tell of all patients at once, for ever. */
export const modeOf = ({ parts, owner }: PlannedFile): number =>
  parts[0] === FILES_FOLDER && owner === null ? 0o644 : 0o600

export const WRONG_HASH = 'its content is not what the manifest says (SHA-256)'

/**
 * Writes a large file under a temporary name in its folder, proves it, and gives it its own name. Rejects with NotRestored, as
 * the content does, or with the system's error; then nothing of it is there. `onBytes` hears of each piece. False when the
 * file is there, but could not get its owner and mode.
 */
export async function restoreFile(
  planned: PlannedFile,
  content: AsyncIterable<Uint8Array>,
  { folders }: RestoreTarget,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  const folder = await folders.make(planned.parts.slice(0, -1))
  const temporary = path.join(folder, temporaryName())
  const handle = await open(temporary, 'wx', modeOf(planned))
  try {
    try {
      await write(handle, content, planned, onBytes)
      const time = new Date(planned.mtimeMs)
      await handle.utimes(time, time)
      await flushOpen(handle)
    } finally {
      await handle.close()
    }
    const isOwned = planned.owner === null || (await setOwner(temporary, planned.owner))
    await replaceFile(temporary, path.join(folder, planned.parts.at(-1) ?? ''))
    return isOwned
  } catch (error) {
    await discard(temporary)
    throw error
  }
}

async function write(
  handle: FileHandle,
  content: AsyncIterable<Uint8Array>,
  { sha256 }: PlannedFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const digest = sha256 === null ? null : createHash('sha256')
  for await (const piece of content) {
    digest?.update(piece)
    for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten
    onBytes(piece.length)
  }
  if (digest !== null && digest.digest('hex') !== sha256) throw new NotRestored(WRONG_HASH)
}

/**
 * Whether the file is there already and right: by its SHA-256, or its CRC-32 where there is none. Its time, owner and mode
 * are set when they are others; 'not-owned' when it could not get the latter. Rejects with NotRestored or the system's
 * error.
 */
export async function isRestored(planned: PlannedFile, { folders }: RestoreTarget): Promise<boolean | 'not-owned'> {
  const file = path.join(await folders.make(planned.parts.slice(0, -1)), planned.parts.at(-1) ?? '')
  try {
    const found = await lstat(file)
    if (!found.isFile() || found.size !== planned.entry.size || !(await hasContent(file, planned))) return false
    const time = new Date(planned.mtimeMs)
    if (Math.floor(found.mtimeMs) !== planned.mtimeMs) await utimes(file, time, time)
    const { owner } = planned
    return owner === null || hasOwner(found, owner) || (await setOwner(file, owner)) || 'not-owned'
  } catch (error) {
    // It is not there, or cannot be read: then it is replaced, or that fails with a better reason.
    if (['ENOENT', 'EACCES', 'EPERM', 'EBUSY', 'ELOOP'].includes(systemCode(error))) return false
    throw error
  }
}

async function hasContent(file: string, { entry, sha256 }: PlannedFile): Promise<boolean> {
  // O_NOFOLLOW is not there on Windows.
  const handle = await open(file, constants.O_RDONLY | ((constants.O_NOFOLLOW as number | undefined) ?? 0))
  try {
    const digest = createHash('sha256')
    let crc = 0
    const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, entry.size))
    for (let at = 0; at < entry.size;) {
      const { bytesRead } = await handle.read(piece, 0, piece.length, at)
      if (bytesRead === 0) return false
      const read = piece.subarray(0, bytesRead)
      if (sha256 === null) crc = crc32(read, crc)
      else digest.update(read)
      at += bytesRead
    }
    return sha256 === null ? crc === entry.crc : digest.digest('hex') === sha256
  } finally {
    await handle.close()
  }
}
