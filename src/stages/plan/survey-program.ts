/** The program of the threads that read headers for a dry run (survey.ts). */
import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { Compression } from '../config/types.ts'
import { readWholeHeader } from '../dicom/header.ts'
import { readNow, type Range } from '../dicom/reading.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import type { DicomHeader } from '../dicom/types.ts'
import { toFsPath } from './file-name.ts'
import { reasonOf } from './left-out.ts'
import { READ_FLAGS } from './read-flags.ts'

/** Files of which the headers are wanted. */
export interface Look {
  readonly root: string
  readonly compression: Compression
  readonly paths: readonly string[]
}

/** What a file is, or why it cannot be read. */
export type Looked =
  { readonly header: DicomHeader | null; readonly level: number } | { readonly leftOutBecause: string }

/** Mostly it reaches to the study's UID. */
const prefix = Buffer.alloc(8 * 1024)

function lookAt(root: string, path: string, compression: Compression): Looked {
  let descriptor: number | null = null
  try {
    descriptor = openSync(toFsPath(root, path), READ_FLAGS)
    const start = prefix.subarray(0, readSync(descriptor, prefix, 0, prefix.length, 0))
    const header = readNow(readWholeHeader(start, 'study'), rangeOf(descriptor))
    return { header, level: compressionFor(header, compression, { name: path, prefix: start }) }
  } catch (error) {
    return { leftOutBecause: reasonOf(error) }
  } finally {
    if (descriptor !== null) closeSync(descriptor)
  }
}

/** More of a file whose header goes on behind its first bytes. */
const rangeOf =
  (descriptor: number) =>
  ({ at, length }: Range): Buffer => {
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    for (let read = -1; read !== 0 && done < length; done += read) {
      read = readSync(descriptor, bytes, done, length - done, at + done)
    }
    return bytes.subarray(0, done)
  }

parentPort?.on('message', ({ root, compression, paths }: Look) => {
  parentPort?.postMessage(paths.map((path) => lookAt(root, path, compression)))
})
