/** Which archive was begun last: by the record of runs, else by its manifest, else by the time in its name. */
import type { RunPeriod } from '../contract/history.ts'
import { timeInName } from './archive-names.ts'

/** Between the local times of two zones (UTC-12 and UTC+14). ms. */
const ZONES_MS = 26 * 3_600_000
/** So far apart the clocks of two machines may be. ms. */
const SLACK_MS = 3_600_000
/** More manifests than hourly backups make in `ZONES_MS`; so many are read at the most. */
const MOST_READ = 30
const READ_AT_ONCE = 6

export interface ByAge {
  /** Names of archives, the one begun last first. */
  readonly newest: readonly string[]
  /**
   * Those that were begun later than it is now, by a clock that was wrong: nobody's newest. When all are, it is this
   * machine's clock that is wrong, more likely: they stand in `newest`, too.
   */
  readonly ahead: readonly string[]
  /** When each was begun, as well as that is known; ms since 1970. */
  readonly begun: ReadonlyMap<string, number>
}

export interface AgeOptions {
  readonly prefix: string
  /** As `begunByRecord` gives it. */
  readonly recorded: ReadonlyMap<string, number>
  readonly now: Date
  /** Reads when an archive was begun from its manifest; null when that has no answer. */
  readonly read: (name: string) => Promise<number | null>
  /** Whose manifests are read, of those the record does not know: only of those that may be the newest, or of all. */
  readonly reading: 'newest' | 'all'
}

/** Other names than those of archives are left out. Of what is not recorded, `MOST_READ` manifests are read at most. */
export async function byAge(names: Iterable<string>, options: AgeOptions): Promise<ByAge> {
  const { prefix, recorded, now } = options
  const begun = new Map<string, number>()
  for (const name of names) {
    const at = recorded.get(name) ?? timeInName(name, prefix)?.getTime()
    if (at !== undefined) begun.set(name, at)
  }
  const read = new Set<string>()
  const doubtful = whoseToRead(begun, options)
  for (let next = 0; next < doubtful.length; next += READ_AT_ONCE) {
    const some = doubtful.slice(next, next + READ_AT_ONCE)
    const times = await Promise.all(some.map((name) => options.read(name)))
    for (const [index, at] of times.entries()) {
      const name = some[index] ?? ''
      if (at === null) continue
      begun.set(name, at)
      read.add(name)
    }
  }
  const isAhead = (name: string): boolean => {
    const tolerance = recorded.has(name) || read.has(name) ? SLACK_MS : ZONES_MS
    return (begun.get(name) ?? 0) > now.getTime() + tolerance
  }
  const order = sorted(begun)
  const ahead = order.filter(isAhead)
  return { newest: ahead.length === order.length ? order : order.filter((name) => !isAhead(name)), ahead, begun }
}

function whoseToRead(begun: ReadonlyMap<string, number>, { recorded, now, reading }: AgeOptions): string[] {
  const order = sorted(begun)
  const isUnknown = (name: string): boolean => !recorded.has(name)
  if (reading === 'all') return order.filter(isUnknown).slice(0, MOST_READ)
  const limit = now.getTime() + ZONES_MS
  const newest = order.map((name) => begun.get(name) ?? 0).find((at) => at <= limit) ?? -Infinity
  const rivals = order.filter((name) => (begun.get(name) ?? 0) >= newest - ZONES_MS)
  return rivals.length < 2 ? [] : rivals.filter(isUnknown).slice(0, MOST_READ)
}

/** The latest first. */
function sorted(begun: ReadonlyMap<string, number>): string[] {
  return [...begun].sort(([a, atA], [b, atB]) => atB - atA || (a < b ? -1 : 1)).map(([name]) => name)
}

/**
 * When the archives of these runs, in the order in which they were recorded, were begun; ms since 1970. A run that ended
 * before an earlier one had by the clock was made while the clock was wrong: it counts as begun after that one. Runs
 * that lie ahead of `now` push no other.
 */
export function begunByRecord(periods: readonly RunPeriod[], now: Date): Map<string, number> {
  const begun = new Map<string, number>()
  let latest = -Infinity
  for (const { archive, startedAt, finishedAt } of periods) {
    const start = Date.parse(startedAt)
    const end = Math.max(start, Date.parse(finishedAt))
    const wasSetBack = end < latest - SLACK_MS
    const at = wasSetBack ? latest + 1 : start
    if (archive !== null) begun.set(archive, at)
    if (wasSetBack) latest = at
    else if (start <= now.getTime() + SLACK_MS) latest = Math.max(latest, end)
  }
  return begun
}
