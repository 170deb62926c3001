/**
 * Ages by the time that was observed to pass, for a machine whose clock nobody confirms: a jump of the clock makes no
 * archive older than the pause between two runs usually is.
 */

const DAY_MS = 24 * 3_600_000
/** From so many pauses on the usual one is known. */
const ENOUGH_PAUSES = 4

export interface ObservedTime {
  /** How old what was begun at this time (ms since 1970) is at least, in ms; below 0: it lies ahead of now. */
  readonly ageOf: (begun: number) => number
  /** The last jump: by how much more than is usual the clock moved on between two runs; null when there is none. */
  readonly jump: { readonly ms: number; readonly to: number } | null
}

export interface ObservedOptions {
  readonly now: Date
  /** Days of the retention. */
  readonly days: number
  /** Between two runs of the schedule, ms; null when it is off: then the usual pause is taken from the events. */
  readonly intervalMs: number | null
}

/** `events`: when runs and archives were begun, ms since 1970, in any order. Those that lie ahead of now do not count. */
export function observedTime(events: Iterable<number>, { now, days, intervalMs }: ObservedOptions): ObservedTime {
  const end = now.getTime()
  const times = [...new Set(events)].filter((at) => at <= end).sort((a, b) => a - b)
  const pauses = times.map((at, index) => ({ from: at, to: times[index + 1] ?? end }))
  const usual = Math.max(intervalMs ?? 0, median(pauses.map(({ from, to }) => to - from)))
  const most = Math.max(3 * usual, Math.min(3 * DAY_MS, (days / 10) * DAY_MS))
  const jumps = pauses.filter(({ from, to }) => to - from > most)
  const last = jumps.at(-1)
  return {
    ageOf: (begun) => {
      const passedOver = jumps.filter(({ to }) => to > begun)
      const excess = passedOver.reduce((sum, { from, to }) => sum + Math.max(0, to - Math.max(from, begun) - most), 0)
      return end - begun - excess
    },
    jump: last === undefined ? null : { ms: last.to - last.from - most, to: last.to },
  }
}

/** 0 when there are too few. */
function median(values: readonly number[]): number {
  if (values.length < ENOUGH_PAUSES) return 0
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
