/**
 * The program of the threads that make entries of small files (prepare-files.ts): what waits for the disk or takes the
 * processor's time is done here, with plain calls, a batch of files at a time.
 */
import { hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { crc32, deflateRawSync } from 'node:zlib'
import { freeNow } from '../../pipeline/flow/free-now.ts'
import type { Compression } from '../config/types.ts'
import { deflateOptions } from '../dicom/deflate-options.ts'
import { DICOM_PREFIX_BYTES, readWholeHeader } from '../dicom/header.ts'
import { rangeOf, readNow } from '../dicom/reading.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import { dicomKind, type DicomKind } from '../dicom/counts.ts'
import { toFsPath, entryPath } from '../plan/file-name.ts'
import { directoryRecordBytes, localRecordBytes, writeDirectoryRecord, writeLocalRecord } from './entry-records.ts'
import { manifestLine, storedLine } from './manifest.ts'
import { FileLeftOut, readWhole, timeOf } from './read-file.ts'
import { NOTES_BYTES } from './batch-buffers.ts'

/** Files to be made entries of, in this order. */
export interface Batch {
  readonly root: string
  readonly compression: Compression
  /** Shared memory: up to `notesAt` entries are made in it, one behind the other; from there on what is reported of them. */
  readonly batchBuffer: Uint8Array
  /** As much as `roomFor` says of each file together; behind it there are NOTES_BYTES for each. */
  readonly notesAt: number
  /** `size`: so many bytes of it there is room for. */
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

/** What became of a file. Numbers are bytes. */
export type Prepared =
  | { readonly is: 'left-out'; readonly reason: string }
  /** It is larger than what there is room for, or what is reported of it is. With the same file that is always so. */
  | { readonly is: 'no-room' }
  | {
      readonly is: 'whole'
      readonly size: number
      readonly dicom: DicomKind
      /** Of its local record with its data. */
      readonly entry: number
      /** Of its directory record and, behind that, its line in the manifest. */
      readonly record: number
      readonly line: number
    }

/** Decoders of text do not read shared memory. */
const prefix = Buffer.alloc(DICOM_PREFIX_BYTES)

function prepare({ root, compression, batchBuffer, notesAt, files }: Batch): Prepared[] {
  const bytes = Buffer.from(batchBuffer.buffer, batchBuffer.byteOffset, batchBuffer.length)
  let end = 0
  let notesEnd = notesAt
  return files.map(({ path, size: most }): Prepared => {
    const name = entryPath({ path })
    const dataAt = end + localRecordBytes(name)
    try {
      const read = readWhole(toFsPath(root, path), bytes.subarray(dataAt, dataAt + most))
      if ('needs' in read) return { is: 'no-room' }
      const { size, owner } = read.state
      const data = bytes.subarray(dataAt, dataAt + size)
      const start = prefix.subarray(0, data.copy(prefix))
      const rangeIn = rangeOf(data)
      const header = readNow(readWholeHeader(start), (range) => Buffer.from(rangeIn(range)))
      const mtime = timeOf(read.state)
      const level = compressionFor(header, compression, { name: path, prefix: start })
      const facts = { path: name, size, mtime: mtime.toISOString(), sha256: hash('sha256', data), ...owner }
      const line = manifestLine(storedLine(facts, header))
      if (directoryRecordBytes(name) + Buffer.byteLength(line) > NOTES_BYTES) return { is: 'no-room' }
      const crc = crc32(data)
      const sums = { crc, size, packed: level === 0 ? size : deflate(bytes, dataAt, size, level) }
      writeLocalRecord(bytes, end, { name, mtime, level }, sums)
      const lineAt = writeDirectoryRecord(bytes, notesEnd, { name, mtime, level }, sums, 0)
      const prepared = {
        is: 'whole',
        size,
        dicom: dicomKind(header),
        entry: dataAt + sums.packed - end,
        record: lineAt - notesEnd,
        line: bytes.write(line, lineAt),
      } as const
      end += prepared.entry
      notesEnd = lineAt + prepared.line
      return prepared
    } catch (error) {
      if (error instanceof FileLeftOut) return { is: 'left-out', reason: error.reason }
      throw error
    }
  })
}

/** Deflates `size` bytes where they lie, which leaves room for what does not become smaller. Gives how many they are now. */
function deflate(bytes: Buffer, at: number, size: number, level: number): number {
  // Room for all of it, so that deflate is asked once and not for each 16 KiB.
  const data = deflateRawSync(bytes.subarray(at, at + size), {
    ...deflateOptions(level),
    chunkSize: Math.max(1024, size + (size >> 8)),
  })
  bytes.set(data, at)
  const { length } = data
  freeNow(data)
  return length
}

parentPort?.on('message', (batch: Batch) => {
  parentPort?.postMessage(prepare(batch))
})
