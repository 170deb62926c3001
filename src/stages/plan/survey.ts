/** What a backup would carry, for a dry run: the archive folder is walked and headers are read; nothing is written. */
import { close, open, read } from 'node:fs'
import { promisify } from 'node:util'
import { aheadInOrder } from '../../pipeline/ahead.ts'
import type { ModalityCount, SyntaxCount } from '../backup/results.ts'
import type { Compression } from '../config/types.ts'
import { readDicomHeader } from '../dicom/header.ts'
import { compressionFor } from '../dicom/transfer-syntax.ts'
import type { DicomHeader } from '../dicom/types.ts'
import { toFsPath } from './file-name.ts'
import { reasonOf } from './left-out.ts'
import { SurveyCounts } from './survey-counts.ts'
import type { LeftOut, PlannedFile } from './types.ts'
import { walkArchive } from './walk.ts'
import type { WalkItem, WalkOptions } from './walk.ts'

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
  /**
   * All of it, also what could not be opened. The one thing here that grows in memory with the archive folder's faults.
   */
  readonly leftOut: readonly LeftOut[]
}

const AHEAD = { concurrency: 16, items: 64, budget: Infinity, weight: () => 1 }
/** Transfer syntax and modality stand near the front; UIDs, which may not, are not wanted here. */
const PREFIX_BYTES = 8 * 1024

/** A file whose header was read, or what is left out. */
type Seen = (SeenFile & { readonly file: PlannedFile }) | { readonly leftOut: LeftOut }
interface SeenFile {
  readonly header: DicomHeader | null
  readonly level: number
}

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
  const see = async (item: WalkItem): Promise<Seen> => {
    if ('leftOut' in item) return item
    try {
      return { file: item, ...(await look(root, item, options.compression)) }
    } catch (error) {
      return { leftOut: { path: item.path, reason: reasonOf(error) } }
    }
  }
  // Counted in the order of the walk, so that the same archive folder gives the same samples and the same estimate.
  for await (const seen of aheadInOrder(walkArchive(root, options, signal), see, AHEAD)) {
    if ('leftOut' in seen) {
      leftOut.push(seen.leftOut)
      continue
    }
    const { file, header, level } = seen
    const { sample, weight } = counts.add(file, header, level)
    if (weight > 0) await sample.take(toFsPath(root, file.path), file.size, level, weight)
    onProgress?.(counts.files, counts.bytes)
  }
  return { ...counts.result(options.compression), leftOut }
}

/** Calls on descriptors: a FileHandle each takes twice the time, which counts where there are millions. */
const openFile = promisify(open)
const readFile = promisify(read)
const closeFile = promisify(close)

/** Reads a file's header. Rejects with the system's error. */
async function look(root: string, { path }: PlannedFile, compression: Compression): Promise<SeenFile> {
  const descriptor = await openFile(toFsPath(root, path), 'r')
  try {
    const { buffer, bytesRead } = await readFile(descriptor, Buffer.allocUnsafe(PREFIX_BYTES), 0, PREFIX_BYTES, 0)
    const prefix = buffer.subarray(0, bytesRead)
    const header = readDicomHeader(prefix, 'modality')
    return { header, level: compressionFor(header, compression, { name: path, prefix }) }
  } finally {
    await closeFile(descriptor)
  }
}
