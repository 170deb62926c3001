import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { arch, cpus, release, tmpdir, totalmem, type } from 'node:os'
import path from 'node:path'
import { goalsOf } from './goals.ts'
import type { Build, Case, CaseResult, Contender, Machine, Place, Row, Sample, Spread } from './types.ts'

export interface MeasureOptions {
  /** In the place of the case's own number. */
  readonly rounds: number | null
  /** Only contenders with one of these names; empty: all. */
  readonly only: readonly string[]
  readonly program: string
  /** Another build that is measured beside ours; null: none. */
  readonly against: Pick<Build, 'name' | 'program'> | null
  readonly say: (text: string) => void
}

interface Entry {
  readonly name: string
  readonly what: string
  readonly isOwn: boolean
  readonly twinOf: string | null
  readonly once: boolean
  readonly run: () => Promise<Sample>
  readonly samples: Sample[]
}

/**
 * Measures a case. Each contender has one run in which nothing is counted (files come into the page cache, programs are
 * loaded), then they take turns, in another order each round, so that a machine that drifts drifts for all of them.
 * Whoever fails is left out of the rest and makes the case fail. Rejects only where nothing can be measured at all.
 */
export async function measure(one: Case, options: MeasureOptions): Promise<CaseResult> {
  const { rounds, only, say } = options
  const folder = await mkdtemp(path.join(tmpdir(), 'dicom-backup-bench-'))
  const measuredAt = new Date().toISOString()
  try {
    say(`${one.name}: making the files`)
    const place = await one.prepare(folder)
    try {
      const entries = await entriesOf(one, place, options)
      const count = rounds ?? one.rounds
      const failures = await takeTurns(one.name, entries, count, say)
      const rows = entries.filter(({ samples }) => samples.length > 0).map((entry) => rowOf(entry))
      const { name, title, unit, better } = one
      const goals = goalsOf(one.goals, rows, only.length > 0)
      return { name, title, unit, better, machine: machine(), measuredAt, rows, goals, failures }
    } finally {
      await place.close?.()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Ours, each with its twin of the other build behind it, then the peers. */
async function entriesOf(one: Case, place: Place, { only, program, against }: MeasureOptions): Promise<Entry[]> {
  const build = async (name: string | null, main: string): Promise<Build> => {
    const folder = path.join(place.folder, name === null ? 'our-build' : 'other-build')
    await mkdir(folder)
    const made: Build = { name, program: main, folder }
    await one.setUp?.(place, made)
    return made
  }
  const ours = await build(null, program)
  const other = against === null ? null : await build(against.name, against.program)
  const entry = (contender: Contender, of: Build, isOwn: boolean): Entry => {
    const { what, once = false } = contender
    const name =
      of.name === null ? contender.name : `${one.own.length > 1 ? `${contender.name}, ` : ''}${of.name}'s build`
    const twinOf = of.name === null ? null : contender.name
    return { name, what, isOwn, twinOf, once, run: () => contender.run(place, of), samples: [] }
  }
  const isWanted = ({ name }: { readonly name: string }): boolean => only.length === 0 || only.includes(name)
  return [
    ...one.own
      .filter(isWanted)
      .flatMap((contender) => [
        entry(contender, ours, true),
        ...(other === null ? [] : [entry(contender, other, false)]),
      ]),
    ...one.peers.filter(isWanted).map((contender) => entry(contender, ours, false)),
  ]
}

/** Fills the samples. Resolves with what failed. */
async function takeTurns(
  name: string,
  entries: readonly Entry[],
  count: number,
  say: MeasureOptions['say'],
): Promise<string[]> {
  const failures: string[] = []
  const failed = new Set<Entry>()
  for (let round = 0; round <= count; round += 1) {
    for (const entry of inTurn(entries, round)) {
      if (failed.has(entry) || (entry.once && round !== 1)) continue
      say(`${name}: ${round === 0 ? 'warm-up' : `round ${round} of ${count}`}, ${entry.name}`)
      try {
        const sample = await entry.run()
        if (round > 0) entry.samples.push(sample)
      } catch (error) {
        failed.add(entry)
        entry.samples.length = 0
        failures.push(`${entry.name} (${entry.what}): ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  return failures
}

/** Every second round goes the other way round, and each two begin with another one: of two, either is first as often. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const first = all.length === 0 ? 0 : Math.floor(round / 2) % all.length
  const turned = [...all.slice(first), ...all.slice(0, first)]
  return round % 2 === 0 ? turned : turned.reverse()
}

function rowOf({ name, isOwn, twinOf, samples }: Entry): Row {
  const of = (key: 'value' | 'ms' | 'cpuMs' | 'peakBytes'): Spread => spread(samples.map((sample) => sample[key]))
  return {
    name,
    isOwn,
    twinOf,
    rounds: samples.length,
    value: of('value'),
    ms: of('ms'),
    cpuMs: of('cpuMs'),
    peakBytes: of('peakBytes'),
    bytesOut: samples[0]?.bytesOut ?? null,
  }
}

/** NaN when one of the values is. */
function spread(values: readonly number[]): Spread {
  if (values.length === 0 || values.some(Number.isNaN)) return { median: NaN, min: NaN, max: NaN }
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2
  return { median, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN }
}

function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    arch: arch(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
  }
}
