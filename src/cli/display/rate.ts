/**
 * How fast a run goes and how long it will take, out of counters that someone looks at now and then.
 *
 * Rates are those of the last 30 seconds. The time left looks back two minutes, as it should be steady rather than
 * fresh: a destination may tell of its bytes only every 24 MiB. It is the time that the slowest of these needs at its
 * own pace:
 *
 * - reading: the plan's bytes that are not in the archive yet;
 * - each destination that still takes part: the bytes of the archive that it does not hold, and those that have still
 *   to be made. These are the rest of the plan, times the archive's growth per byte of plan so far, the database left
 *   aside.
 */

import type { DestinationProgress, Progress } from '../../pipeline/contract/progress.ts'

const RATE_WINDOW_MS = 30_000
const LEFT_WINDOW_MS = 120_000
const SAMPLE_MS = 1000
/** A time left is reported after this many ms … */
const SETTLED_MS = 10_000
/** … when this much is done, or, since one hundredth of many terabytes takes hours, … */
const SETTLED_FRACTION = 0.01
/** … after this many ms at any rate. */
const PATIENT_MS = 60_000

export interface Pace {
  /** Bytes of files and database a second put into the archive; null before there is anything to measure. */
  readonly read: number | null
  /** Bytes a second uploaded to each destination, in the order of `progress.destinations`; null as above. */
  readonly upload: readonly (number | null)[]
  /** 0 … 1, what the slowest destination holds of all; null while the total is not known. */
  readonly fraction: number | null
  /** Ms; null while it cannot be known: no total, too early, a destination that stands still, or the run is stopped. */
  readonly leftMs: number | null
}

interface Sample {
  readonly at: number
  readonly bytesDone: number
  readonly dumpBytes: number
  readonly archiveBytes: number
  readonly destinations: readonly { readonly held: number; readonly sent: number }[]
}

export interface PaceMeter {
  /**
   * The pace at `now` (ms, of any clock). Keeps what it needs of the counters: at most one sample a second, for two
   * minutes.
   */
  look(progress: Progress, now: number): Pace
}

export function newPaceMeter(): PaceMeter {
  let samples: Sample[] = []
  /** The first look at the files' phase: what a resumed run begins with is not this run's pace. */
  let start: Sample | null = null

  return {
    look(progress, now) {
      const current = sampleOf(progress, now)
      const last = samples.at(-1)
      const setBack = last !== undefined && last.at > now
      const filesBegin = start === null && withFiles(progress)
      if (setBack || filesBegin) samples = []
      if (filesBegin || (setBack && start !== null)) start = current
      if (samples.length === 0 || now - (last?.at ?? 0) >= SAMPLE_MS) samples.push(current)
      samples = samples.filter(({ at }) => now - at <= LEFT_WINDOW_MS)

      const recent = samples.find(({ at }) => now - at <= RATE_WINDOW_MS) ?? current
      const fraction = fractionDone(progress)
      return {
        read: perSecond(recent, current, ({ bytesDone, dumpBytes }) => bytesDone + dumpBytes),
        upload: progress.destinations.map((_, index) =>
          perSecond(recent, current, ({ destinations }) => destinations[index]?.sent ?? 0),
        ),
        fraction,
        leftMs:
          start === null ? null : timeLeft(progress, fraction, { start, earlier: samples[0] ?? current, current }),
      }
    },
  }
}

function withFiles({ phase }: Progress): boolean {
  return phase === 'archiving' || phase === 'finishing'
}

function sampleOf({ bytesDone, dumpBytes, archiveBytes, destinations }: Progress, at: number): Sample {
  return {
    at,
    bytesDone,
    dumpBytes,
    archiveBytes,
    destinations: destinations.map(({ held, sent }) => ({ held, sent })),
  }
}

function perSecond(from: Sample, to: Sample, value: (sample: Sample) => number): number | null {
  const ms = to.at - from.at
  return ms < SAMPLE_MS ? null : (Math.max(0, value(to) - value(from)) / ms) * 1000
}

/** Those that the run waits for; one that was interrupted keeps its share, as the run can go on. */
function isOpen({ state }: DestinationProgress): boolean {
  return state !== 'failed' && state !== 'completed'
}

function fractionDone(progress: Progress): number | null {
  const { bytesTotal, bytesDone, archiveBytes, destinations } = progress
  if (bytesTotal === null || !withFiles(progress)) return null
  const made = progress.phase === 'finishing' ? 1 : bytesTotal > 0 ? Math.min(1, bytesDone / bytesTotal) : 0
  const held = destinations.filter(isOpen).map(({ held }) => (archiveBytes > 0 ? Math.min(1, held / archiveBytes) : 0))
  return made * Math.min(1, ...held)
}

interface Span {
  readonly start: Sample
  readonly earlier: Sample
  readonly current: Sample
}

function timeLeft(progress: Progress, fraction: number | null, { start, earlier, current }: Span): number | null {
  if (progress.bytesTotal === null || fraction === null) return null
  if (progress.destinations.some(({ state }) => state === 'interrupted')) return null
  const elapsed = current.at - start.at
  if (elapsed < SETTLED_MS || (fraction < SETTLED_FRACTION && elapsed < PATIENT_MS)) return null

  const toRead = progress.phase === 'finishing' ? 0 : Math.max(0, progress.bytesTotal - progress.bytesDone)
  const read = current.bytesDone - start.bytesDone
  if (toRead > 0 && read <= 0) return null
  const toMake = toRead > 0 ? (toRead * (current.archiveBytes - start.archiveBytes)) / read : 0

  const needs = [
    needed(
      toRead,
      perSecond(earlier, current, ({ bytesDone }) => bytesDone),
    ),
  ]
  progress.destinations.forEach((destination, index) => {
    if (!isOpen(destination) || destination.state === 'verifying') return
    const held = perSecond(earlier, current, ({ destinations }) => destinations[index]?.held ?? 0)
    const sent = perSecond(earlier, current, ({ destinations }) => destinations[index]?.sent ?? 0)
    // Bytes held that nobody sent are a resume's; bytes sent that are not held had to be repeated. Neither is progress.
    const pace = held === null || sent === null ? null : Math.min(held, sent)
    needs.push(needed(progress.archiveBytes - destination.held + toMake, pace))
  })
  if (needs.includes(null)) return null
  const longest = Math.max(...needs.map((ms) => ms ?? 0))
  return longest > 0 ? longest : null
}

/** Ms for so many bytes; null when they do not move. */
function needed(bytes: number, perSecond: number | null): number | null {
  if (bytes <= 0) return 0
  return perSecond === null || perSecond <= 0 ? null : (bytes / perSecond) * 1000
}
