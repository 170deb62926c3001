/** What became slower: than the pinned baseline, or than another build in the same run. */
import { figure } from './figure.ts'
import type { CaseResult, Machine, Row } from './types.ts'

/** Less than this share is the machine's own noise, whatever the runs say. */
const LEAST_NOISE = 0.05
/** More than this is forgiven to nobody, however far the runs lay apart. */
const MOST_NOISE = 0.15
/** Of a row of one round, which cannot say how far its runs lie apart. */
const UNKNOWN_NOISE = 0.1
/** Two ticks of the clock that processor time is counted with, ms. */
const TICKS_MS = 20
/** Memory depends on when garbage is collected. */
const PEAK_NOISE = 0.1

type Key = 'value' | 'cpuMs'

/**
 * The root of the sum of squares of how far each row's runs lay apart, as a share of the median: at least 5 %, at most
 * 15 %.
 */
export function noise(key: Key, ...rows: readonly Row[]): number {
  const spreads = rows.map(({ rounds, [key]: { max, min, median } }) =>
    rounds === 1 ? UNKNOWN_NOISE : (max - min) / median / 2,
  )
  return Math.min(MOST_NOISE, Math.max(LEAST_NOISE, Math.hypot(...spreads)))
}

/** Whether absolute figures of the two can be compared. */
export function isSameMachine(one: Machine, other: Machine): boolean {
  const major = ({ node }: Machine): string | undefined => /^v\d+/.exec(node)?.[0]
  return one.cpu === other.cpu && one.cores === other.cores && one.arch === other.arch && major(one) === major(other)
}

/** What one row took in the place of another: above 1 is worse. */
export interface Comparison {
  readonly what: 'time' | 'processor time' | 'peak memory'
  readonly ratio: number
  /** Above 1 by more than the noise. A ratio that is not known is worse. */
  readonly isWorse: boolean
}

export function compared(better: CaseResult['better'], row: Row, than: Row): Comparison[] {
  const comparison = (what: Comparison['what'], ratio: number, most: number): Comparison => ({
    what,
    ratio,
    isWorse: !(ratio - 1 <= most),
  })
  return [
    comparison('time', timeRatio(better, row, than), noise('value', row, than)),
    comparison(
      'processor time',
      row.cpuMs.median / than.cpuMs.median,
      Math.max(noise('cpuMs', row, than), TICKS_MS / than.cpuMs.median),
    ),
    comparison('peak memory', row.peakBytes.max / than.peakBytes.max, PEAK_NOISE),
  ]
}

/** By the figure that the case is about. */
const timeRatio = (better: CaseResult['better'], { value }: Row, than: Row): number =>
  better === 'higher' ? than.value.median / value.median : value.median / than.value.median

/** Rows of ours, each beside that of the other build in the same run. */
export function twins({ rows }: CaseResult): { readonly row: Row; readonly twin: Row }[] {
  return rows.flatMap((twin) => {
    const row = rows.find(({ name }) => name === twin.twinOf)
    return row === undefined ? [] : [{ row, twin }]
  })
}

/** Where ours was worse than the other build. */
export function worseThanTwin(result: CaseResult): string[] {
  return twins(result).flatMap(({ row, twin }) =>
    compared(result.better, row, twin)
      .filter(({ isWorse }) => isWorse)
      .map(({ what, ratio }) => `${result.name}: ${row.name} takes ${figure(ratio)} × the ${what} of ${twin.name}`),
  )
}

/**
 * Where ours fell behind the baseline. On another machine, or with another Node, only the ratios to its peers are
 * compared.
 */
export function behindBaseline(now: CaseResult, before: CaseResult): string[] {
  const gone = before.rows.filter(({ name }) => now.rows.every((row) => row.name !== name))
  const behind = gone.map(({ name }) => `${now.name}: ${name} is in the baseline and was not measured`)
  const rowBefore = (row: Row): Row | undefined => before.rows.find(({ name }) => name === row.name)
  if (isSameMachine(now.machine, before.machine)) {
    for (const row of now.rows.filter(({ isOwn }) => isOwn)) {
      const was = rowBefore(row)
      const worse = was === undefined ? [] : compared(now.better, row, was).filter(({ isWorse }) => isWorse)
      behind.push(...worse.map(({ what, ratio }) => `${now.name}: ${row.name} takes ${figure(ratio)} × the ${what}`))
    }
  }
  const [ours] = now.rows
  const oursBefore = ours && rowBefore(ours)
  if (ours === undefined || oursBefore === undefined) return behind
  for (const peer of now.rows.filter(({ isOwn, twinOf }) => !isOwn && twinOf === null)) {
    const was = rowBefore(peer)
    if (was === undefined) continue
    const [ratio, ratioBefore] = [timeRatio(now.better, ours, peer), timeRatio(now.better, oursBefore, was)]
    if (ratio / ratioBefore - 1 <= noise('value', ours, oursBefore, peer, was)) continue
    behind.push(
      `${now.name}: ${ours.name} takes ${figure(ratio)} × the time of ${peer.name}, was ${figure(ratioBefore)}`,
    )
  }
  return behind
}
