import { createHash, hash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, rename, rm, utimes, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { systemCode } from '../../pipeline/errors.ts'
import { FILES_FOLDER } from '../zip/prepare-file.ts'
import { NotRestored } from './restore-files-errors.ts'
import type { PlannedFile } from './restore-files-plan.ts'
import { SMALL_BYTES, type SmallFile } from './restore-files-small.ts'
import { temporaryName, type RestoreTarget } from './restore-files-target.ts'

const READ_BYTES = 1024 * 1024

/** The dump and the manifest tell of all patients at once: for this user only. */
const modeOf = ({ parts }: PlannedFile): number => (parts[0] === FILES_FOLDER ? 0o644 : 0o600)

const WRONG_HASH = 'its content is not what the manifest says (SHA-256)'

/**
 * Writes a file under a temporary name in its folder, proves it, and gives it its own name. Rejects with NotRestored, as
 * the content does, or with the system's error; then nothing of it is there. `onBytes` hears of each piece. A small file
 * survives a power cut when the target was flushed, a larger one at once.
 */
export async function restoreFile(
  planned: PlannedFile,
  content: AsyncIterable<Uint8Array>,
  target: RestoreTarget,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const folder = await target.folders.make(planned.parts.slice(0, -1))
  const temporary = path.join(folder, temporaryName())
  const final = path.join(folder, planned.parts.at(-1) ?? '')
  if (planned.entry.size <= SMALL_BYTES) {
    const bytes = await whole(content, planned, onBytes)
    const file: SmallFile = { temporary, final, bytes, mode: modeOf(planned), mtimeMs: planned.mtimeMs }
    await target.small.write(file)
    return
  }
  const handle = await open(temporary, 'wx', modeOf(planned))
  try {
    try {
      await write(handle, content, planned, onBytes)
      const time = new Date(planned.mtimeMs)
      await handle.utimes(time, time)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(temporary, final)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Content that is proved and held. */
async function whole(
  content: AsyncIterable<Uint8Array>,
  { entry, sha256 }: PlannedFile,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(entry.size)
  let filled = 0
  for await (const piece of content) {
    bytes.set(piece, filled)
    filled += piece.length
    onBytes(piece.length)
  }
  if (sha256 !== null && hash('sha256', bytes) !== sha256) throw new NotRestored(WRONG_HASH)
  return bytes
}

async function write(
  handle: FileHandle,
  content: AsyncIterable<Uint8Array>,
  { entry, sha256 }: PlannedFile,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const digest = sha256 === null ? null : new Sha256(entry.size)
  for await (const piece of content) {
    digest?.update(piece)
    for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten
    onBytes(piece.length)
  }
  if (digest !== null && digest.digest() !== sha256) throw new NotRestored(WRONG_HASH)
}

/** SHA-256 of so many bytes; of those that come in one piece without an object for it. */
class Sha256 {
  readonly #bytes: number
  #whole: string | null = null
  #hash: Hash | null = null

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  update(piece: Uint8Array): void {
    if (piece.length === this.#bytes) this.#whole = hash('sha256', piece)
    else (this.#hash ??= createHash('sha256')).update(piece)
  }

  digest(): string {
    return this.#whole ?? (this.#hash ?? createHash('sha256')).digest('hex')
  }
}

/**
 * Whether the file is there already and right: by its SHA-256, or its CRC-32 where there is none. Its time is set when it
 * is another. Rejects with NotRestored or the system's error.
 */
export async function isRestored(planned: PlannedFile, { folders }: RestoreTarget): Promise<boolean> {
  const file = path.join(await folders.make(planned.parts.slice(0, -1)), planned.parts.at(-1) ?? '')
  try {
    const found = await lstat(file)
    if (!found.isFile() || found.size !== planned.entry.size || !(await hasContent(file, planned))) return false
    const time = new Date(planned.mtimeMs)
    if (Math.trunc(found.mtimeMs) !== planned.mtimeMs) await utimes(file, time, time)
    return true
  } catch (error) {
    // It is not there, or cannot be read: then it is replaced, or that fails with a better reason.
    if (['ENOENT', 'EACCES', 'EPERM', 'ELOOP'].includes(systemCode(error))) return false
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
