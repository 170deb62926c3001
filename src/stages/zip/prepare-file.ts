import { hash } from 'node:crypto'
import type { Compression } from '../config/types.ts'
import { DICOM_PREFIX_BYTES, readDicomHeader } from '../dicom/header.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import { entryName, toFsPath } from '../plan/file-name.ts'
import type { PlannedFile } from '../plan/types.ts'
import type { WalkItem } from '../plan/walk.ts'
import { storedLine } from './manifest.ts'
import { zipBuffer, type ZippedEntry } from './one-entry.ts'
import type { ReadBuffers } from './read-buffers.ts'
import { FileLeftOut, readWhole, WHOLE_FILE_BYTES } from './read-file.ts'

/** Folder in the archive that holds the archive folder's files. */
export const FILES_FOLDER = 'dicom_files'

/** An item of the plan on its way into the archive. */
export type PreparedFile = { readonly file: PlannedFile } & (
  | {
      readonly kind: 'whole'
      readonly entry: ZippedEntry
      readonly size: number
      /**
       * To be called when the entry has gone out: until then, a stored entry refers to the buffer that the file was
       * read into.
       */
      readonly release: () => void
      readonly line: Record<string, string | number>
    }
  | { readonly kind: 'large' }
  | { readonly kind: 'left-out'; readonly reason: string; readonly lost: boolean }
)

export interface PrepareOptions {
  readonly root: string
  readonly compression: Compression
  readonly buffers: ReadBuffers
}

/** The name in the archive of what lies at a path below the archive folder. */
export const entryPath = (file: { readonly path: string }): string => `${FILES_FOLDER}/${entryName(file.path)}`

/** Reads, hashes and zips a small file; a large one is left for its turn. Never rejects because of the file. */
export async function prepareFile(
  item: WalkItem,
  { root, compression, buffers }: PrepareOptions,
): Promise<PreparedFile> {
  if ('leftOut' in item) {
    const { path, reason } = item.leftOut
    return { file: { path, size: 0, mtimeMs: 0 }, kind: 'left-out', reason, lost: false }
  }
  if (item.size > WHOLE_FILE_BYTES) return { file: item, kind: 'large' }
  try {
    const read = await readWhole(toFsPath(root, item.path), buffers)
    if (read === null) return { file: item, kind: 'large' }
    const { bytes, state } = read
    const header = readDicomHeader(bytes.subarray(0, DICOM_PREFIX_BYTES))
    const name = entryPath(item)
    const mtime = new Date(state.mtimeMs)
    const level = compressionFor(header, compression, { name: item.path, prefix: bytes })
    const line = storedLine(
      { path: name, size: bytes.length, mtime: mtime.toISOString(), sha256: hash('sha256', bytes) },
      header,
    )
    return {
      file: item,
      kind: 'whole',
      entry: await zipBuffer(bytes, { name, mtime, level }),
      size: bytes.length,
      release: () => {
        buffers.giveBack(bytes)
      },
      line,
    }
  } catch (error) {
    if (error instanceof FileLeftOut) return leftOut(item, error)
    throw error
  }
}

/** A planned file that could not be stored. */
export const leftOut = (file: PlannedFile, { reason }: FileLeftOut): Extract<PreparedFile, { kind: 'left-out' }> => ({
  file,
  kind: 'left-out',
  reason,
  lost: true,
})
