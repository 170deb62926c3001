/**
 * The words for a run's progress, the same on a terminal and without one. Progress knows no file names; nor do they.
 */

import type { DestinationProgress, Progress } from '../../pipeline/contract/progress.ts'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFiles,
  formatPercent,
  formatRate,
  formatTimeLeft,
} from './format.ts'
import type { Pace } from './rate.ts'
import type { Format } from './style.ts'
import { clean } from './width.ts'

const PHASES: Readonly<Record<Progress['phase'], string>> = {
  preparing: 'Scanning the archive folder',
  dumping: 'Reading the database',
  archiving: 'Storing the DICOM files',
  finishing: 'Finishing the last uploads',
}

const STATE_FORMATS: Readonly<Record<DestinationProgress['state'], Format>> = {
  waiting: 'dim',
  sending: 'cyan',
  retrying: 'yellow',
  behind: 'yellow',
  verifying: 'cyan',
  completed: 'green',
  failed: 'red',
  interrupted: 'yellow',
}

export function phaseText({ phase }: Progress): string {
  return PHASES[phase]
}

/** What a display says at its very end; the run's summary says the rest. */
export function endText({ destinations }: Progress): string {
  if (destinations.some(({ state }) => state === 'interrupted')) return 'Stopped'
  return destinations.every(({ state }) => state === 'completed') ? 'Stored at every destination' : 'Ended'
}

export function stateText(state: DestinationProgress['state']): string {
  return state === 'behind' ? 'catching up' : state
}

/** Whether a destination's rate is of interest: it is given bytes one after the other. */
export function isFed(state: DestinationProgress['state']): boolean {
  return state === 'sending' || state === 'behind'
}

export function stateFormat(state: DestinationProgress['state']): Format {
  return STATE_FORMATS[state]
}

/** '1.21 TiB of 2.88 TiB', or only the first part while the total is not known. */
export function ofTotal(done: number, total: number | null, format: (value: number) => string): string {
  return total === null ? format(done) : `${format(done)} of ${format(total)}`
}

/** '12 min 40 s so far, about 2 h 5 min left' */
export function timeText(elapsedMs: number, { leftMs }: Pace): string {
  const soFar = `${formatDuration(elapsedMs)} so far`
  return leftMs === null ? soFar : `${soFar}, ${formatTimeLeft(leftMs)}`
}

/**
 * Where the whole run is, in a line: 'Storing the DICOM files: 42.3 %, 412,803 of 1,003,211 files, 1.21 TiB of 2.88
 * TiB, 182 MiB/s'.
 */
export function overallText(progress: Progress, pace: Pace): string {
  const { filesTotal, filesDone, filesSkipped, bytesDone, bytesTotal, dumpBytes } = progress
  const parts: string[] = []
  if (pace.fraction !== null) parts.push(formatPercent(pace.fraction))
  if (progress.phase === 'dumping') parts.push(formatBytes(dumpBytes))
  if (filesTotal !== null && progress.phase !== 'dumping') {
    parts.push(`${formatCount(filesDone)} of ${formatFiles(filesTotal)}`, ofTotal(bytesDone, bytesTotal, formatBytes))
  }
  if (filesSkipped > 0) parts.push(`${formatCount(filesSkipped)} left out`)
  if (pace.read !== null && progress.phase !== 'finishing' && progress.phase !== 'preparing') {
    parts.push(formatRate(pace.read))
  }
  if (pace.leftMs !== null) parts.push(formatTimeLeft(pace.leftMs))
  return parts.length === 0 ? phaseText(progress) : `${phaseText(progress)}: ${parts.join(', ')}`
}

/** 'nas: sending, 588 GiB held, 41.2 MiB/s' */
export function destinationText(destination: DestinationProgress, upload: number | null): string {
  const { name, state, held } = destination
  const parts = [stateText(state)]
  if (held > 0) parts.push(`${formatBytes(held)} held`)
  if (held > 0 && upload !== null && isFed(state)) parts.push(formatRate(upload))
  return `${clean(name)}: ${parts.join(', ')}`
}
