/** What a backup would carry, for a dry run: the archive folder is walked and headers are read; nothing is written. */
import { open } from 'node:fs/promises'
import type { ModalityCount, SyntaxCount } from '../backup/results.ts'
import type { Compression } from '../config/types.ts'
import { readDicomHeader } from '../dicom/header.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import { toFsPath } from './file-name.ts'
import { reasonOf } from './left-out.ts'
import { SurveyCounts } from './survey-counts.ts'
import type { LeftOut, PlannedFile } from './types.ts'
import { walkArchive } from './walk.ts'
import type { WalkOptions } from './walk.ts'

export interface SurveyOptions extends WalkOptions {
  readonly compression: Compression
}

/** Sizes are bytes. Rows stand in the order of their bytes, the largest first. */
export interface Survey {
  readonly files: number
  readonly bytes: number
  /** The archive without the database. */
  readonly estimatedArchiveBytes: number
  readonly byTransferSyntax: readonly SyntaxCount[]
  readonly byModality: readonly ModalityCount[]
  /** All of it, also what could not be opened. The one thing here that grows in memory with the archive folder's faults. */
  readonly leftOut: readonly LeftOut[]
}

const FILES_AT_ONCE = 16
/** Transfer syntax and modality stand near the front; UIDs, which may not, are not wanted here. */
const PREFIX_BYTES = 8 * 1024

/**
 * Counts what `walkArchive` finds. `onProgress` is told the files and bytes counted so far after each file. Rejects as
 * `walkArchive` does; a file that cannot be read is left out and told, not counted.
 */
export async function surveyArchive(
  root: string,
  options: SurveyOptions,
  signal: AbortSignal,
  onProgress?: (files: number, bytes: number) => void,
): Promise<Survey> {
  const counts = new SurveyCounts()
  const leftOut: LeftOut[] = []
  const walk = walkArchive(root, options, signal)
  const worker = async (): Promise<void> => {
    const prefix = Buffer.allocUnsafe(PREFIX_BYTES)
    try {
      for (let next; !(next = await walk.next()).done;) {
        if ('leftOut' in next.value) {
          leftOut.push(next.value.leftOut)
          continue
        }
        const reason = await look(root, next.value, prefix, options.compression, counts)
        if (reason !== null) leftOut.push({ path: next.value.path, reason })
        onProgress?.(counts.files, counts.bytes)
      }
    } finally {
      // Where one worker fails, the others find the walk ended.
      await walk.return(undefined)
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, worker))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return { ...counts.result(options.compression), leftOut }
}

/** Counts a file; returns why it cannot be read, else null. */
async function look(
  root: string,
  file: PlannedFile,
  prefix: Buffer,
  compression: Compression,
  counts: SurveyCounts,
): Promise<string | null> {
  try {
    const handle = await open(toFsPath(root, file.path))
    try {
      const { bytesRead } = await handle.read(prefix, 0, prefix.length, 0)
      const start = prefix.subarray(0, bytesRead)
      const header = readDicomHeader(start)
      const level = compressionFor(header, compression, { name: file.path, prefix: start })
      const { sample, weight } = counts.add(file, header, level)
      if (weight > 0) await sample.take(handle, file.size, level, weight)
    } finally {
      await handle.close()
    }
    return null
  } catch (error) {
    return reasonOf(error)
  }
}
