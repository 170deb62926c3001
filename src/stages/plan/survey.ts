/** What a backup would carry, for a dry run: the archive folder is walked and headers are read; nothing is written. */
import { orderedParallelMap } from '../../pipeline/flow/ordered-parallel-map.ts'
import { inBatches } from '../../pipeline/flow/batches.ts'
import { HelperThreads, THREADS, programBeside } from '../../pipeline/threads/helper-threads.ts'
import type { ModalityCount, SyntaxCount } from '../contract/results.ts'
import type { Compression } from '../config/types.ts'
import type { DicomCounts } from '../dicom/counts.ts'
import { toFsPath } from './file-name.ts'
import { SurveyCounts } from './survey-counts.ts'
import type { Look, Looked } from './survey-program.ts'
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
  /** Files whose names in the archive are escaped further, to be no other one's: see `keptApart`. */
  readonly keptApart: number
  /** The archive without the database. */
  readonly estimatedArchiveBytes: number
  readonly dicom: DicomCounts
  readonly byTransferSyntax: readonly SyntaxCount[]
  readonly byModality: readonly ModalityCount[]
  /**
   * All of it, also what could not be opened. The one thing here that grows in memory with the archive folder's faults.
   */
  readonly leftOut: readonly LeftOut[]
}

const AHEAD = { concurrency: 2 * THREADS, items: 2 * THREADS + 1, budget: Infinity, weight: () => 0 }
/** So many files go to a thread at once, so that messages do not count. */
const BATCH = { items: 64, budget: Infinity, weight: () => 1 }

/** A file whose header was read, or what is left out. */
type Seen =
  (Exclude<Looked, { leftOutBecause: string }> & { readonly file: PlannedFile }) | { readonly leftOut: LeftOut }

const threads = new HelperThreads(programBeside(import.meta, './survey-program'))

/**
 * Counts what `walkArchive` finds. `onProgress` is told the files and bytes counted so far after each file. Rejects as
 * `walkArchive` does; a file that cannot be read is left out and reported, not counted.
 */
export async function surveyArchive(
  root: string,
  options: SurveyOptions,
  signal: AbortSignal,
  onProgress?: (files: number, bytes: number) => void,
): Promise<Survey> {
  const counts = new SurveyCounts()
  const leftOut: LeftOut[] = []
  const see = async (batch: readonly WalkItem[]): Promise<Seen[]> => {
    const files = batch.flatMap((item) => ('leftOut' in item ? [] : [item]))
    const look: Look = { root, compression: options.compression, paths: files.map(({ path }) => path) }
    const looked = files.length === 0 ? [] : await threads.ask<Looked[]>(look)
    const seen = new Map(files.map((file, n) => [file, looked[n]]))
    return batch.map((item) => ('leftOut' in item ? item : asSeen(item, seen.get(item))))
  }
  // Counted in the order of the walk, so that the same archive folder gives the same samples and the same estimate.
  for await (const all of orderedParallelMap(inBatches(walkArchive(root, options, signal), BATCH), see, AHEAD)) {
    for (const seen of all) {
      if ('leftOut' in seen) {
        leftOut.push(seen.leftOut)
        continue
      }
      const { file, header, level } = seen
      const { sample, weight } = counts.add(file, header, level)
      if (weight > 0) await sample.take(toFsPath(root, file.path), file.size, level, weight)
      onProgress?.(counts.files, counts.bytes)
    }
  }
  return { ...counts.result(options.compression), leftOut }
}

function asSeen(file: PlannedFile, looked: Looked | undefined): Seen {
  if (looked === undefined) throw new RangeError('a file was not examined')
  return 'leftOutBecause' in looked
    ? { leftOut: { path: file.path, reason: looked.leftOutBecause } }
    : { file, ...looked }
}
