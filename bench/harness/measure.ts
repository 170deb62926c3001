import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, release, tmpdir, totalmem, type } from 'node:os'
import path from 'node:path'
import type { Case, CaseResult, Contender, Goal, GoalResult, Machine, Row, Sample, Spread } from './types.ts'

export interface MeasureOptions {
  /** In the place of the case's own number. */
  readonly rounds: number | null
  /** Only contenders with one of these names; empty: all. */
  readonly only: readonly string[]
  readonly say: (text: string) => void
}

/**
 * Measures a case. Each contender has one run in which nothing is counted (files come into the page cache, programs are
 * loaded), then they take turns, so that a machine that drifts drifts for all of them.
 */
export async function measure(one: Case, { rounds, only, say }: MeasureOptions): Promise<CaseResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-bench-'))
  const measuredAt = new Date().toISOString()
  try {
    say(`${one.name}: making the files`)
    const { contenders, goals, close } = await one.prepare(folder)
    try {
      const wanted = contenders.filter(({ name }) => only.length === 0 || only.includes(name))
      const samples = new Map<Contender, Sample[]>(wanted.map((contender) => [contender, []]))
      const count = rounds ?? one.rounds
      for (let round = 0; round <= count; round += 1) {
        for (const contender of wanted) {
          // One that runs once only is not warmed up: others have read the same files before.
          if (contender.once === true ? round !== 1 : round === 0 && count === 1) continue
          say(`${one.name}: ${round === 0 ? 'warm-up' : `round ${round} of ${count}`}, ${contender.name}`)
          const sample = await contender.run()
          if (round > 0) samples.get(contender)?.push(sample)
        }
      }
      const rows = [...samples].map(([{ name }, all]) => rowOf(name, all))
      const { name, title, unit, better } = one
      return { name, title, unit, better, machine: machine(), measuredAt, rows, goals: reached(goals, rows) }
    } finally {
      await close?.()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function rowOf(name: string, samples: readonly Sample[]): Row {
  const of = (key: 'value' | 'ms'): Spread => spread(samples.map((sample) => sample[key]))
  const peaks = samples.flatMap(({ peakBytes }) => peakBytes ?? [])
  return {
    name,
    rounds: samples.length,
    value: of('value'),
    ms: of('ms'),
    peakBytes: peaks.length === 0 ? null : Math.max(...peaks),
    cores: spread(samples.map(({ cpuMs, ms }) => cpuMs / ms)).median,
    bytesOut: samples[0]?.bytesOut ?? null,
  }
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN }
}

/** Goals whose contenders all ran. */
function reached(goals: readonly Goal[], rows: readonly Row[]): GoalResult[] {
  const row = (name: string): Row => {
    const found = rows.find((one) => one.name === name)
    if (found === undefined) throw new RangeError(name)
    return found
  }
  return goals.flatMap(({ what, reached, ...limits }) => {
    try {
      const value = reached(row)
      const { atLeast = -Infinity, atMost = Infinity } = limits
      return [{ what, reached: value, ...limits, met: value >= atLeast && value <= atMost }]
    } catch (error) {
      if (error instanceof RangeError) return []
      throw error
    }
  })
}

function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
  }
}
