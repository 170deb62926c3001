/**
 * The program of the threads that read, hash and deflate small files (prepare-files.ts): what waits for the disk or
 * takes the processor's time is done here, with plain calls, a batch of files at a time.
 */
import { hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { crc32, deflateRawSync } from 'node:zlib'
import type { Compression } from '../config/types.ts'
import { DICOM_PREFIX_BYTES, readDicomHeader } from '../dicom/header.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import type { DicomHeader } from '../dicom/types.ts'
import { toFsPath } from '../plan/file-name.ts'
import type { DeflateLevel } from './entry-records.ts'
import { FileLeftOut, readWhole, WHOLE_FILE_BYTES } from './read-file.ts'

/** Files to be prepared, each in its own stretch of the tray. */
export interface Batch {
  readonly root: string
  readonly compression: Compression
  /** Shared memory. */
  readonly tray: Uint8Array
  readonly files: readonly { readonly path: string; readonly at: number; readonly room: number }[]
}

/** What became of a file. */
export type Prepared =
  | { readonly is: 'left-out'; readonly reason: string }
  /** There is no room for it: it has grown since it was planned. */
  | { readonly is: 'grown'; readonly size: number }
  | {
      readonly is: 'read'
      readonly size: number
      readonly mtimeMs: number
      readonly sha256: string
      readonly crc: number
      readonly level: DeflateLevel
      readonly header: DicomHeader | null
      /** Bytes of its data in the archive. They lie in its stretch of the tray, unless they are here. */
      readonly packed: number
      readonly data: Uint8Array | null
    }

/** Decoders of text do not read shared memory. */
const prefix = Buffer.alloc(DICOM_PREFIX_BYTES)

function prepare({ root, compression, tray, files }: Batch): Prepared[] {
  return files.map(({ path, at, room }) => {
    const stretch = tray.subarray(at, at + room)
    try {
      const read = readWhole(toFsPath(root, path), stretch.subarray(0, WHOLE_FILE_BYTES))
      if ('needs' in read) return { is: 'grown', size: read.needs }
      const { size, mtimeMs } = read.state
      const bytes = stretch.subarray(0, size)
      const start = prefix.subarray(0, Math.min(size, prefix.length))
      start.set(bytes.subarray(0, start.length))
      const header = readDicomHeader(start)
      const level = compressionFor(header, compression, { name: path, prefix: start })
      const facts = {
        is: 'read',
        size,
        mtimeMs,
        sha256: hash('sha256', bytes),
        crc: crc32(bytes),
        level,
        header,
      } as const
      if (level === 0) return { ...facts, packed: size, data: null }
      // Room for all of it, so that deflate is asked once and not for each 16 KiB.
      const data = deflateRawSync(bytes, { level, chunkSize: Math.max(1024, size + (size >> 8)) })
      if (data.length > room) return { ...facts, packed: data.length, data }
      stretch.set(data)
      return { ...facts, packed: data.length, data: null }
    } catch (error) {
      if (error instanceof FileLeftOut) return { is: 'left-out', reason: error.reason }
      throw error
    }
  })
}

parentPort?.on('message', (batch: Batch) => {
  parentPort?.postMessage(prepare(batch))
})
